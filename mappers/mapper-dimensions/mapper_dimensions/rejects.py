"""Records that did not pass: nothing is lost, each with its reason, as a stream of their own or in a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from ml_connector.errors import EnvironmentFault
from ml_connector.singer.schema import json_schema
from singer_sdk.singerlib.messages import Message, RecordMessage, SchemaMessage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import BufferedRandom

KEYS = ("business_key", "source_hash")
_TYPES = {
    "business_key": "string",
    "source_hash": "string",  # of the native record: another version of it is another row
    "stream": "string",
    "record_type": "string",
    "state": "string",  # refused: its data must change; parked: it waits for something outside it
    "reason": "string",
    "field": "string",
    "value": "string",
    "message": "string",
    "suggestion": "string",
    "amount": "string",
    "currency": "string",
    "record": "string",  # the native record, as JSON
    "rejected_at": "date-time",
}


class Rejects(Protocol):
    """Where records go that did not pass."""

    def put(self, row: dict[str, Any]) -> Iterable[Message]:
        """Keep one; return the messages that carry it, if it goes by the pipe."""

    def secure(self) -> None:
        """Make what was kept durable: STATE is about to pass it (L1)."""

    def close(self) -> None:
        """Make the last ones durable; no more will come."""


class StreamRejects:
    """Rejects as a stream of the same pipe: the target keeps them."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._announced = False

    def put(self, row: dict[str, Any]) -> Iterable[Message]:
        """Return a record of the stream, before the first one its schema."""
        if not self._announced:
            self._announced = True
            yield SchemaMessage(self._stream, json_schema(_TYPES, KEYS), list(KEYS))
        yield RecordMessage(self._stream, row)

    def secure(self) -> None:
        """Do nothing: the rows went out before the STATE that passes them."""

    def close(self) -> None:
        """Do nothing: all rows went out."""


class FileRejects:
    """Rejects in a file, one JSON object a line, added to what is there; only its owner may read it (L10)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BufferedRandom | None = None

    def put(self, row: dict[str, Any]) -> Iterable[Message]:
        """Write one line."""
        try:
            self._opened().write(msgspec.json.encode(row) + b"\n")
        except OSError as error:
            raise self._unwritable(error) from None
        return ()

    def _opened(self) -> BufferedRandom:
        if self._file is None:
            self._file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "a+b")
            if self._file.tell():
                self._file.seek(-1, os.SEEK_END)
                if self._file.read(1) != b"\n":  # a killed process left half a line
                    self._file.write(b"\n")
        return self._file

    def secure(self) -> None:
        """Bring the lines to the disk."""
        if self._file is None:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._unwritable(error) from None

    def close(self) -> None:
        """Bring the last lines to the disk."""
        self.secure()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _unwritable(self, error: OSError) -> EnvironmentFault:
        return EnvironmentFault(
            f"{self._path} cannot be written: {error.strerror}. Correct `rejects_file` and run again."
        )


def rejects(file: str | None, stream: str) -> Rejects:
    """Return where rejects go: into the file if there is one, else into the stream."""
    return FileRejects(Path(file)) if file else StreamRejects(stream)
