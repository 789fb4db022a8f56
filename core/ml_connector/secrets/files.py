"""Files that only their owner may read, replaced whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from ml_connector.errors import ConfigError, EnvironmentFault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OTHERS = 0o077
_OTHERS_WRITE = 0o022
_LOCK_SECONDS = 60


def read_private(path: Path) -> bytes | None:
    """Return a file's bytes, None when there is no such file.

    Raises:
        ConfigError: Others may read it, or replace it, or it cannot be read.
    """
    try:
        _refuse_open_doors(path)
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}. Check its owner and mode.") from None


def _refuse_open_doors(path: Path) -> None:
    if os.name != "posix":  # Windows keeps a user's own folder private, and its mode bits say nothing
        return
    if path.stat().st_mode & _OTHERS:
        raise ConfigError(f"others may read {path}. Type: chmod 600 {path}")
    if path.parent.stat().st_mode & _OTHERS_WRITE:
        raise ConfigError(f"others may replace files in {path.parent}. Type: chmod 700 {path.parent}")


def write_private(path: Path, data: bytes) -> None:
    """Replace a file: after a crash at any instant it is the old one or the new one, whole.

    The caller holds `locked(path)`: there is one temporary name, so nothing is left over when a writer is killed.

    Raises:
        ConfigError: The file cannot be written.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        make_folder(path.parent)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}. Nothing was changed.") from None


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter, when it is not there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file's writers for the block; the operating system frees it when its process dies.

    Raises:
        EnvironmentFault: Another process has held it for a minute.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=_LOCK_SECONDS, mode=0o600)
    try:
        make_folder(path.parent)
        lock.acquire()
    except Timeout:
        raise EnvironmentFault(
            f"another process has been writing {path} for a minute. End it, then try again."
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}. Nothing was changed.") from None
    try:
        yield
    finally:
        lock.release()
