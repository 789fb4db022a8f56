"""Our executables as processes that begin with their imports done: forked by a server that has loaded them once.

Each is a process of its own with its own files for input and output, and ends as it likes: by itself, or by SIGKILL.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING

from prove.die_at import main
from prove.flow import Ended

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PRELOADED = [
    "prove.forked",
    "target_servicenow_importset.target",
    "ml_connector.store.store",
    "sqlalchemy.dialects.sqlite",
]


def run_to(
    point: str,
    command: Sequence[str | Path],
    stdin: Path,
    limit: float = 240.0,
    *,
    preloaded: Sequence[str] = tuple(PRELOADED),
    environ: Mapping[str, str] | None = None,
) -> Ended:
    """Run one of our executables until it dies at a seam, or to its end; `environ` is set besides our own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preloaded))
    out, err = stdin.with_suffix(".out"), stdin.with_suffix(".err")
    began = time.monotonic()
    files = [str(path) for path in (stdin, out, err)]
    process = context.Process(target=_become, args=([point, "--", *map(str, command)], files, environ or {}))
    process.start()
    process.join(limit)
    hung = process.is_alive()
    if hung:
        process.kill()
        process.join()
    return Ended(process.exitcode or 0, out.read_text(), err.read_text(), time.monotonic() - began, hung)


def _become(arguments: list[str], files: list[str], environ: Mapping[str, str]) -> None:
    """Take the files as standard input, output and error, and be the command."""
    os.environ.update(environ)
    for number, name in enumerate(files):
        opened = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in ((0, "r"), (1, "w"), (2, "w")))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code = 1
    try:
        main(arguments)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # as the interpreter would: the words, and exit code 1
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
