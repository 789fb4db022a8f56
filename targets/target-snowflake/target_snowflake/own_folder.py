"""The folder of one process for files on their way: gone with the process, and after a kill with the next one."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from ml_connector.audit.actor import actor
from ml_connector.errors import EnvironmentFault

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "target-snowflake-"
_LOCK = ".lock"
_PATIENCE = 60.0  # seconds, while another process clears away what the dead have left


@contextmanager
def own_folder(above: Path) -> Iterator[Path]:
    """Yield a folder that only this user reads; those of processes that were killed are cleared away first.

    Raises:
        EnvironmentFault: There cannot be one.
    """
    try:
        above.mkdir(parents=True, exist_ok=True)
        with FileLock(above / f".{_PREFIX}{actor()}{_LOCK}", timeout=_PATIENCE):
            _clear(above)
            folder = Path(mkdtemp(prefix=_PREFIX, dir=above))
            mine = FileLock(folder / _LOCK)
            mine.acquire()
    except OSError as error:
        raise EnvironmentFault(
            f"{above} cannot be written: {error.strerror or error}. Let this user write there, or set `spill_dir`."
        ) from None
    try:
        yield folder
    finally:
        mine.release()
        shutil.rmtree(folder, ignore_errors=True)


def _clear(above: Path) -> None:
    """Remove folders that no process holds; those of other users are left alone."""
    for folder in above.glob(f"{_PREFIX}*"):
        try:
            with FileLock(folder / _LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
        except (Timeout, OSError):
            continue  # a process is at work in it, or it is somebody else's
