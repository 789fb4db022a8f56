"""A connector or a verb as a process: forked from one that has everything loaded, with files for its three streams."""

from __future__ import annotations

import importlib
import io
import multiprocessing
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ENTRIES = {
    "tap": "tap_visma.tap:TapVisma.cli",
    "target": "target_servicenow_importset.target:TargetServiceNowImportSet.cli",
    "ml-connector": "ml_connector.cli:main",
}
PRELOADED = ["tap_visma.tap", "target_servicenow_importset.target", "ml_connector.cli.commands", "prove.child"]
LIMIT = 120.0  # seconds


@dataclass
class Case:
    """One process to run. `broken` names a function that fails when it is called, quoting all it was given."""

    kind: str
    entry: str
    arguments: list[str]
    stdin: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    broken: str = ""


@dataclass(frozen=True)
class Told:
    """What a process has said."""

    code: int | None
    out: bytes
    err: bytes


class Nursery:
    """Starts processes from a server that has loaded the product once."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)

    def run(self, case: Case, folder: Path) -> Told:
        """Run a case to its end in a folder; one that outlasts the limit is killed and has no exit code."""
        (folder / "in").write_text(case.stdin)
        process = self._context.Process(target=_live, args=(case, str(folder)))
        process.start()
        process.join(LIMIT)
        if (hung := process.is_alive()) is True:
            process.kill()
            process.join()
        code = None if hung else process.exitcode
        return Told(code, (folder / "out").read_bytes(), (folder / "err").read_bytes())


def _live(case: Case, folder: str) -> NoReturn:
    """Be the process: its streams are files, its end is its own."""
    for descriptor, name, mode in ((0, "in", os.O_RDONLY), (1, "out", _NEW), (2, "err", _NEW)):
        os.dup2(os.open(os.path.join(folder, name), mode, 0o600), descriptor)  # noqa: PTH118
    sys.stdin, sys.stdout = open(0), open(1, "w")  # noqa: SIM115
    sys.stderr = io.TextIOWrapper(open(2, "wb", 0), line_buffering=True, write_through=True)  # noqa: SIM115
    os.chdir(folder)
    os.environ.update(case.environ)
    sys.argv = [case.entry, *case.arguments]
    code = 1
    try:
        if case.broken:
            _break(case.broken)
        _found(ENTRIES[case.entry])()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(end.code + "\n")
    except BaseException:  # noqa: BLE001  # as the interpreter does with what nobody catches
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def _found(name: str) -> Callable[..., Any]:
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def _break(name: str) -> None:
    """Put a function in the place of one of the product's that fails as a careless library does."""
    module, _, path = name.partition(":")
    *owners, last = path.split(".")
    owner: Any = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)

    def failing(*given: Any, **named: Any) -> NoReturn:
        words = f"cannot go on with {[*map(_shown, given)]} {named}"
        raise RuntimeError(words) from KeyError(words)

    setattr(owner, last, failing)


def _shown(value: Any) -> str:
    return f"{value!r} {getattr(value, '__dict__', '')!r}"
