"""Singer lines as bytes, a chunk at a time, and what is read of each before its record is looked at."""

from __future__ import annotations

import gc
import json
import os
import re
import selectors
import sys
from collections import Counter
from typing import IO, TYPE_CHECKING, Any, Self

import msgspec
from ml_connector.errors import BadInput
from singer_sdk.singerlib.encoding.base import GenericSingerReader

from target_snowflake.decode import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CHUNK = 1 << 20
_TICK = 1.0
"""Seconds after which a run looks at its batches when no line comes."""

_NOTHING = msgspec.Raw(b"")
_LARGE = {"record", "schema", "value", "origin"}
_BLANKS = re.compile(r"[ \t\r\n]*")


class Envelope(msgspec.Struct, gc=False):
    """A Singer message; its large parts stay as they came."""

    type: str
    stream: str | None = None
    record: msgspec.Raw = _NOTHING
    schema: msgspec.Raw = _NOTHING
    value: msgspec.Raw = _NOTHING
    key_properties: list[str] | None = None
    bookmark_properties: list[str] | None = None
    time_extracted: str | None = None
    version: int | None = None
    origin: msgspec.Raw = _NOTHING


_decoder = msgspec.json.Decoder(Envelope)
decode, decode_lines = _decoder.decode, _decoder.decode_lines


def envelope(line: bytes, number: int) -> Envelope:
    """Return a line as a message.

    Raises:
        BadInput: It is none; the error says which line, not what was in it (L10).
    """
    try:
        return decode(line)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _loosely(line)
    except (ValueError, msgspec.ValidationError, RecursionError):
        raise BadInput(
            f"line {number} is not a Singer message. Records before it are settled or read again; STATE has not passed "
            "it. Check what else the tap prints to stdout."
        ) from None


def _loosely(line: bytes) -> Envelope:
    """Read a line that msgspec refuses for a NaN or half a character; its large parts stay as they came."""
    parts = _parts(line.decode("utf-8", "surrogateescape"))
    large = {name: msgspec.Raw(parts.pop(name)) for name in _LARGE & parts.keys()}
    small = {name: plain(part) for name, part in parts.items() if name in Envelope.__struct_fields__}
    message = msgspec.convert(small, Envelope)
    for name, part in large.items():
        setattr(message, name, part)
    return message


def _parts(text: str) -> dict[str, bytes]:
    """Return the parts of a JSON object by their names, each as it came."""
    found: dict[str, bytes] = {}
    decoder, place = json.JSONDecoder(parse_int=str), _past(text, 0, "{")
    while not text.startswith("}", place):
        name, place = decoder.raw_decode(text, place if not found else _past(text, place, ","))
        start = _past(text, place, ":")
        _, end = decoder.raw_decode(text, start)
        found[name] = text[start:end].encode("utf-8", "surrogateescape")
        place = _past(text, end, "")
    if text[place + 1 :].strip():
        raise ValueError("there is more after the message")
    return found


def _past(text: str, place: int, mark: str) -> int:
    """Return the place behind a mark and the blanks around it."""
    blanks = _BLANKS.match(text, place)
    place = blanks.end() if blanks else place
    if not text.startswith(mark, place):
        raise ValueError("no JSON object")
    blanks = _BLANKS.match(text, place + len(mark))
    return blanks.end() if blanks else place


class ChunkReader(GenericSingerReader[str]):
    """The SDK's reader of messages, with a loop of its own: lines by the chunk, looked at by whoever takes them."""

    take: Callable[[list[bytes]], Counter[str]]
    """Takes lines, an empty list when none came for a while, and returns the kinds of messages they were."""

    on_fault: Callable[[BaseException], None]
    """Told of what ends the reading early."""

    def process_lines(
        self, file_input: IO[str] | None, callbacks: dict[str, Callable[[dict[str, Any]], None]]
    ) -> Counter[str]:
        """Hand all lines on, and return the kinds of messages there were."""
        del callbacks
        counted: Counter[str] = Counter()
        gc.freeze()  # what is there by now stays: no need to look through it with every batch
        gc.disable()  # records come by the million and hold no circles; whoever takes them collects once per batch
        try:
            for lines in chunks(file_input, _TICK):
                counted += self.take(lines)
        except BaseException as error:
            self.on_fault(error)
            raise
        finally:
            gc.enable()
            gc.unfreeze()
        return counted

    @property
    def default_input(self) -> IO[str]:  # noqa: D102
        return sys.stdin

    def deserialize_json(self, line: str) -> dict[str, Any]:
        """Return one message; only whole chunks are read here."""
        return dict(plain(line.encode()))


def chunks(source: IO[str] | None, tick: float) -> Iterator[list[bytes]]:
    """Yield lines as they come, many at once; an empty list when none came for `tick` seconds."""
    file = sys.stdin if source is None else source
    try:
        number = file.fileno()
    except (OSError, ValueError):  # a text in memory
        yield [line.encode() for line in file]
        return
    yield from _of_descriptor(number, tick)


def _of_descriptor(number: int, tick: float) -> Iterator[list[bytes]]:
    rest: list[bytes] = []
    with _Readiness(number) as ready:
        while True:
            if not ready.within(tick):
                yield []
                continue
            data = os.read(number, _CHUNK)
            if not data:
                break
            head, newline, tail = data.rpartition(b"\n")
            if not newline:
                rest.append(data)
                continue
            rest.append(head)
            yield b"".join(rest).split(b"\n")
            rest = [tail]
    if last := b"".join(rest):
        yield [last]


class _Readiness:
    """Whether a descriptor has something to read; a regular file always has."""

    def __init__(self, number: int) -> None:
        self._selector: selectors.BaseSelector | None = selectors.DefaultSelector()
        try:
            self._selector.register(number, selectors.EVENT_READ)
        except OSError:  # epoll takes no regular files
            self._selector.close()
            self._selector = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._selector is not None:
            self._selector.close()

    def within(self, seconds: float) -> bool:
        """Return whether there is something to read, after `seconds` at most."""
        return self._selector is None or bool(self._selector.select(seconds))
