"""What a tap's `--lookup` tells: single records as the source has them now.

Each line of stdin asks for one: `{"id": 7, "stream": "supplier_invoices", "record": {…}}`, the record as it was read.
The answer is `{"id": 7, "same": true}`, or `"record"` with the newest version as a run would emit it, or with null when
the source does not have it any more. A question about a stream that is not selected has no answer.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from ml_connector.errors import BadAnswer, BadInput
from ml_connector.singer.bookmarks import earlier
from ml_connector.singer.paging import MovedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ml_connector.singer.normalise import Record
    from ml_connector.singer.stream import Stream
    from ml_connector.singer.tap import Tap

_GRAIN = timedelta(seconds=1)
"""What a server's change filter may cut off a moment."""

_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
_decoder = msgspec.json.Decoder(dict[str, Any])


def tell_lookups(tap: Tap, questions: Iterable[str]) -> None:
    """Answer every question, a JSON line each.

    Raises:
        BadInput: A question is no such JSON line.
        BadAnswer: A list kept changing while it was read.
    """
    asked: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in filter(str.strip, questions):
        try:
            question = _decoder.decode(line)
            asked[question["stream"]].append({"id": question["id"], "record": question["record"]})
        except (msgspec.DecodeError, KeyError):
            raise BadInput("a question is no JSON line with id, stream and record.") from None
    for name, stream in tap.streams.items():
        if stream.selected and name in asked:
            for answer in _answers(stream, asked[name]):
                sys.stdout.buffer.write(_encoder.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


def _answers(stream: Stream, questions: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    doubtful = []
    for question in questions:
        if stream.is_as_read(question["record"]):
            yield {"id": question["id"], "same": True}
        else:
            doubtful.append(question)
    newest = _newest(stream, [question["record"] for question in doubtful]) if doubtful else {}
    for question in doubtful:
        yield {"id": question["id"], "record": newest.get(_key(stream, question["record"]))}


def _newest(stream: Stream, records: Sequence[Record]) -> dict[tuple[str, ...], Record]:
    """Return the newest versions of these records: one that has changed is among those modified since it was read."""
    wanted = {_key(stream, record) for record in records}
    found: dict[tuple[str, ...], Record] = {}
    last = 0
    try:
        for number, page in stream.listing(_since(stream, records)):
            if number != last:
                found, last = {}, number
            for record in page:
                if (key := _key(stream, record)) in wanted:
                    found[key] = record
    except MovedError:
        raise BadAnswer(f"{stream.name} kept changing while it was read. Ask again later.") from None
    return found


def _since(stream: Stream, records: Sequence[Record]) -> str | None:
    moments = [str(record.get(stream.modified) or "") for record in records] if stream.modified else [""]
    return earlier(min(moments), _GRAIN) if all(moments) else None


def _key(stream: Stream, record: Record) -> tuple[str, ...]:
    return tuple(str(record.get(name)) for name in stream.keys)
