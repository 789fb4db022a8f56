"""One writer per pipeline: a second process is refused, not queued."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from sqlalchemy import make_url

from ml_connector.errors import EnvironmentFault

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def pipeline_lock(store_url: str, pipeline: str) -> Iterator[None]:
    """Hold the pipeline's lock for the block; the operating system frees it when the process dies.

    Raises:
        EnvironmentFault: Another process is running this pipeline.
    """
    database = make_url(store_url).database
    if make_url(store_url).get_backend_name() != "sqlite" or not database or database == ":memory:":
        yield
        return
    folder = Path(database).parent / "locks"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in pipeline)
    lock = FileLock(folder / f"{name}.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise EnvironmentFault(
            f"another process is running the pipeline {pipeline!r}. Wait until it ends; nothing was written."
        ) from None
    try:
        yield
    finally:
        lock.release()
