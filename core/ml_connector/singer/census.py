"""What a tap's `--census` tells: every record its streams have now, and whether each stream was listed whole."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec

from ml_connector.errors import Forbidden
from ml_connector.singer.bookmarks import first_since
from ml_connector.singer.paging import MovedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector.singer.stream import Stream
    from ml_connector.singer.tap import Tap

BEFORE_START = "before_start_date"
"""Why a record was never read: it last changed before the tap's `start_date`."""

_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


def tell_census(tap: Tap) -> None:
    """Write one JSON line per record of the selected streams, and one at the end of each stream.

    Raises:
        Forbidden: A stream may not be read, and `on_forbidden` does not say to skip it.
    """
    for stream in tap.streams.values():
        if stream.selected:
            for line in _lines(tap, stream):
                sys.stdout.buffer.write(_encoder.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def _lines(tap: Tap, stream: Stream) -> Iterator[dict[str, Any]]:
    start_date = tap.config.get("start_date")
    since = first_since(start_date) if start_date and stream.modified else ""
    number, complete = 1, True
    yield {"stream": stream.name, "pass": number, "keys": stream.primary_keys}
    try:
        for number, records in stream.listing():
            for record in records:
                line = {"stream": stream.name, "pass": number, "record": record}
                old = since and str(record.get(stream.modified or "") or since) < since
                yield line | {"rule": BEFORE_START} if old else line
    except MovedError:
        complete = False
    except Forbidden:
        if tap.config.get("on_forbidden") != "skip":
            raise
        complete = False
    yield {"stream": stream.name, "pass": number, "company": tap.company, "complete": complete}
