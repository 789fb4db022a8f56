"""One writer per pipeline, on one machine or several: a second process is refused, not queued."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ml_connector.audit.actor import actor, host
from ml_connector.errors import EnvironmentFault
from ml_connector.store.database import SQLITE, Mode, begun, connected, open_engine
from ml_connector.store.fence import Fence, holder_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

_KEY = "hashtextextended('ml-connector pipeline ' || coalesce(current_schema(), '') || ' ' || :pipeline, 0)"
_GRACE = "1s"
"""How long the server may take to notice that a holder has died."""

_NOT_AVAILABLE = "55P03"


@contextmanager
def pipeline_lock(store_url: str, pipeline: str) -> Iterator[Fence]:
    """Hold the pipeline for the block and yield the claim to write for it; a process that dies holds nothing.

    The store must have been opened before. Give the fence to `Store.fenced`: should this process be halted or cut
    off until another one has taken the pipeline, it writes nothing more.

    Raises:
        EnvironmentFault: Another process is running this pipeline.
    """
    engine = open_engine(store_url)
    hold = _hold_file if engine.dialect.name == SQLITE else _hold_session
    try:
        with hold(engine, pipeline):
            with begun(engine, Mode.WRITE) as connection:
                fence = Fence.take(connection, pipeline, f"{actor()} on {host()}, process {os.getpid()}")
            yield fence
    finally:
        engine.dispose()


@contextmanager
def _hold_file(engine: Engine, pipeline: str) -> Iterator[None]:
    """Lock a file beside the store; the operating system frees it when the process dies."""
    store = Path(engine.url.database or "")
    try:
        lock = _lock_beside(store, pipeline)
        lock.acquire()
    except Timeout:
        raise _refusal(engine, pipeline) from None
    except OSError as error:
        raise EnvironmentFault(
            f"the pipeline {pipeline!r} cannot be locked beside {store}: {error.strerror}. "
            "Let this user write there, then run again."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _lock_beside(store: Path, pipeline: str) -> FileLock:
    """Return the lock's file; who may use the store may use its locks: both have the same permissions."""
    folder = store.parent / "locks"
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(S_IMODE(store.parent.stat().st_mode))
    name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in pipeline)
    return FileLock(folder / f"{name}.lock", timeout=0, mode=S_IMODE(store.stat().st_mode))


@contextmanager
def _hold_session(engine: Engine, pipeline: str) -> Iterator[None]:
    """Lock a session of its own on the server, which frees it when the connection ends."""
    named = {"pipeline": pipeline}
    with connected(engine) as session:
        session.exec_driver_sql(f"SET lock_timeout = '{_GRACE}'")
        try:
            session.execute(text(f"SELECT pg_advisory_lock({_KEY})"), named)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _NOT_AVAILABLE:
                raise
            raise _refusal(engine, pipeline) from None
        try:
            yield
        finally:
            with suppress(DBAPIError):  # else the connection is gone, and the lock with it
                session.execute(text(f"SELECT pg_advisory_unlock({_KEY})"), named)


def _refusal(engine: Engine, pipeline: str) -> EnvironmentFault:
    with begun(engine, Mode.READ) as connection:
        holder = holder_of(connection, pipeline)
    return EnvironmentFault(
        f"another process is running the pipeline {pipeline!r}: {holder}. Wait until it ends; nothing was written."
    )
