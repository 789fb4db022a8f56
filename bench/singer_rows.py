"""Singer lines to load, 20 columns a record, as fast as a pipe takes them: `python -m bench.singer_rows 100000`."""

from __future__ import annotations

import json
import sys
from itertools import product

STREAM = "orders"
PROPERTIES: dict[str, object] = {
    "id": {"type": "integer"},
    **{f"text_{name}": {"type": ["string", "null"]} for name in ("reference", "customer", "city", "status", "note")},
    **{f"count_{name}": {"type": ["integer", "null"]} for name in ("lines", "parcels")},
    **{f"amount_{name}": {"type": ["number", "null"]} for name in ("net", "vat", "gross")},
    "is_open": {"type": ["boolean", "null"]},
    "is_paid": {"type": ["boolean", "null"]},
    "created_at": {"type": ["string", "null"], "format": "date-time"},
    "modified_at": {"type": ["string", "null"], "format": "date-time"},
    "due_on": {"type": ["string", "null"], "format": "date"},
    "address": {"type": ["object", "null"], "properties": {"street": {"type": "string"}, "post": {"type": "string"}}},
    "lines": {
        "type": ["array", "null"],
        "items": {"type": "object", "properties": {"item": {"type": "string"}, "price": {"type": ["number", "null"]}}},
    },
    "tags": {"type": ["array", "null"], "items": {"type": "string"}},
    "currency": {"type": ["string", "null"]},
}
"""5 texts and a currency, 3 integers, 3 numbers, 2 booleans, 2 moments, a date, an object, 2 arrays: 20 columns."""

_RECORD = (
    b'{"type":"RECORD","stream":"orders","record":{"id":%d,"text_reference":"ORD-%d","text_customer":"%b",'
    b'"text_city":"%b","text_status":"%b","text_note":"At the back door, %d",'
    b'"count_lines":%d,"count_parcels":%d,"amount_net":%d.%02d,"amount_vat":%d.25,"amount_gross":%d.75,'
    b'"is_open":%b,"is_paid":%b,"created_at":"2026-%02d-%02dT08:%02d:%02d+00:00",'
    b'"modified_at":"2026-11-%02dT10:%02d:%02d.123456+00:00","due_on":"2026-12-%02d",'
    b'"address":{"street":"Storgata %d","post":"%04d"},'
    b'"lines":[{"item":"A-%d","price":%d.5},{"item":"B-%d"}],'
    b'"tags":["retail","north"],"currency":"NOK"},"time_extracted":"2026-11-28T11:27:38.505+00:00"}\n'
)
_WORDS = list(
    product((b"Fjord Renhold AS", b"Nordlys Handel AS", b"Bergen Kontor AS"), (b"Oslo", b"Bergen", b"Troms\xc3\xb8"))
)


def schema() -> dict[str, object]:
    """Return the SCHEMA message."""
    return {"type": "SCHEMA", "stream": STREAM, "schema": {"properties": PROPERTIES}, "key_properties": ["id"]}


def line(number: int) -> bytes:
    """Return the RECORD of a number, always the same."""
    customer, city = _WORDS[number % len(_WORDS)]
    day, minute, second = number % 28 + 1, number % 60, number // 7 % 60
    is_open, is_paid = (b"true", b"false") if number & 1 else (b"false", b"true")
    status = (b"open", b"picked", b"sent")[number % 3]
    return _RECORD % (
        *(number, number, customer, city, status, number, number % 9, number % 4, number % 99991, number % 100),
        *(number % 9973, number % 99989, is_open, is_paid, number % 12 + 1, day, minute, second, day, minute, second),
        *(day, number % 200, number % 9999, number % 777, number % 333, number % 555),
    )


def main(rows: int) -> None:
    """Write SCHEMA, records, and STATE."""
    out = sys.stdout.buffer
    out.write(json.dumps(schema()).encode() + b"\n")
    for start in range(0, rows, 1000):
        out.write(b"".join(map(line, range(start, min(start + 1000, rows)))))
    out.write(b'{"type":"STATE","value":{"bookmarks":{"orders":{"id":%d}}}}\n' % rows)


if __name__ == "__main__":
    main(int(sys.argv[1]))
