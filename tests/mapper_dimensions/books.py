"""A tap's messages about a small company, a source map for them, and the mapper run in this process."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from mapper_dimensions.mapper import MapperDimensions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAP = """\
source_system: books
stream_maps:
  centres:
    __alias__: cost_centers
    __key_properties__: [code]
    code: code
    active: active
    valid_from: since
    valid_to: until
  vendors:
    __alias__: suppliers
    __key_properties__: [code]
    number: code
    name: name
    active: True
  contractors:
    __alias__: suppliers
    __key_properties__: [code]
    number: code
    name: name
    active: True
  bills:
    __alias__: supplier_invoices
    __key_properties__: [kind, nr]
    __skip__: {typing: status == 'draft'}
    __park__: {incomplete: hole}
    source_state: first(status, 'open')
    document_type: kind
    sign: "-1 if kind == 'credit_note' else 1"
    number: nr
    supplier: vendor
    document_date: day
    posting_date: day
    currency: currency
    net: gross
    total: gross
    lines:
      __each__: rows
      line_number: index
      amount: amount
      account: account
      dimensions: {cost_center: centre, department: dept}
"""

CROSSWALK = """\
company,value,target,valid_from,valid_to,note
*,SALES,CC-1,,2026-06-30,
*,SALES,CC-2,2026-07-01,,
*,OLD,CC-9,,2026-01-31,
"""


def schema(stream: str, *keys: str) -> dict[str, Any]:
    return {"type": "SCHEMA", "stream": stream, "schema": {"properties": {}}, "key_properties": ["_company", *keys]}


def record(stream: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "RECORD",
        "stream": stream,
        "record": {"_company": "NO01", **fields},
        "time_extracted": "2026-10-05T10:00:00+00:00",
    }


def state(**value: Any) -> dict[str, Any]:
    return {"type": "STATE", "value": value}


def bill(nr: str, *rows: tuple[str, str | None], **changes: Any) -> dict[str, Any]:
    """A bill of lines as (amount, cost centre)."""
    lines = [{"amount": Decimal(amount), "centre": centre, "account": "6300"} for amount, centre in rows]
    gross = sum((line["amount"] for line in lines), Decimal(0))
    fields = {"kind": "invoice", "nr": nr, "vendor": "V1", "day": "2026-10-05", "currency": "NOK"}
    return record("bills", **{**fields, "gross": gross, "rows": lines, **changes})


@dataclass
class Output:
    """What the mapper wrote."""

    messages: list[dict[str, Any]]
    code: int = 0
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for message in self.messages:
            if message["type"] == "RECORD":
                self.records.setdefault(message["stream"], []).append(message["record"])

    @property
    def order(self) -> list[tuple[str, str | None]]:
        return [(message["type"], message.get("stream")) for message in self.messages]

    @property
    def states(self) -> list[Any]:
        return [message["value"] for message in self.messages if message["type"] == "STATE"]


def lines_of(messages: Iterable[dict[str, Any]]) -> str:
    return msgspec.json.Encoder(decimal_format="number").encode_lines(list(messages)).decode()


def run(folder: Path, messages: Iterable[dict[str, Any]], **settings: Any) -> Output:
    """Map messages in this process."""
    (folder / "books.yml").write_text(MAP)
    (folder / "cost_centers.csv").write_text(CROSSWALK)
    mapper = MapperDimensions(config={"mapping": "books", "maps_dir": str(folder), **settings})
    out = io.TextIOWrapper(io.BytesIO())
    code = 0
    with contextlib.redirect_stdout(out):
        try:
            mapper.listen(io.StringIO(lines_of(messages)))
        except SystemExit as end:
            code = int(end.code or 0)
    out.seek(0)
    written = out.readlines()
    return Output([json.loads(line, parse_float=Decimal) for line in written], code)
