"""Writing Singer messages: msgspec, a Decimal as a JSON number, records by the page."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerWriter
from singer_sdk.singerlib.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


class Writer(GenericSingerWriter[bytes, Message]):
    """Writes messages to stdout, always from one thread and whole lines only."""

    def __init__(self) -> None:
        super().__init__()
        self._holds = 0
        self._stop: int | None = None

    def serialize_message(self, message: Message) -> bytes:
        """Return one message as a line of JSON."""
        return _encoder.encode(message.to_dict()) + b"\n"

    def write_message(self, message: Message) -> None:
        """Write one message."""
        self._write(self.serialize_message(message))

    def write_records(self, stream: str, records: Iterable[dict[str, Any]], beside: Mapping[str, Any]) -> None:
        """Write records of one stream; `beside` is what their messages say besides, such as when they were read."""
        self._write(
            _encoder.encode_lines([{"type": "RECORD", "stream": stream, "record": r, **beside} for r in records])
        )

    def stop(self, exit_code: int) -> None:
        """End the process, at once or after what must not be interrupted."""
        self._stop = exit_code
        if not self._holds:
            raise SystemExit(exit_code)

    @contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """Put off an end until the block is done: half a line, or lines not counted, would break the target."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
        if self._stop is not None and not self._holds:
            raise SystemExit(self._stop)

    def _write(self, lines: bytes) -> None:
        with self.uninterrupted():
            sys.stdout.buffer.write(lines)
            sys.stdout.buffer.flush()
