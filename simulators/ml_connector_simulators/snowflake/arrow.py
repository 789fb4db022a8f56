"""Query results as the connector wants them: Arrow, with Snowflake's own encoding of timestamps and numbers."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from fakesnow.arrow import to_ipc, to_sf_schema

if TYPE_CHECKING:
    from fakesnow.rowtype import ColumnInfo

_UTC_OFFSET = 1440  # Snowflake sends the zone as minutes from UTC, plus a day
_MICROSECONDS = 1_000_000


def encode(table: pa.Table, rowtype: list[ColumnInfo]) -> str:
    """The rows as base64 of an Arrow stream, as `rowsetBase64` carries them."""
    if not table.num_rows:
        return ""
    narrowed = pa.table([_narrowed(column) for column in table.columns], names=_unique(table.column_names))
    schema = to_sf_schema(narrowed.schema, rowtype)
    names = [column["name"] for column in rowtype]
    fields = [field.with_name(name) for field, name in zip(schema, names, strict=True)]
    arrays = [_encoded(column) for column in narrowed.columns]
    return b64encode(to_ipc(pa.Table.from_arrays(arrays, schema=pa.schema(fields)))).decode()


def _unique(names: list[str]) -> list[str]:
    return [f"{number}" for number, _ in enumerate(names)]


def _narrowed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole numbers in 64 bits where they fit, as Snowflake sends them."""
    if pa.types.is_null(column.type):
        return column.cast(pa.string())
    if not (pa.types.is_decimal(column.type) and column.type.scale == 0):
        return column
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column


def _encoded(column: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return _timestamp(column.combine_chunks())
    if pa.types.is_time(column.type):
        return pc.multiply(column.cast(pa.int64()), 1000)
    if pa.types.is_uint64(column.type):
        return column.cast(pa.int64(), safe=False)  # HASH: 64 bits, of which Snowflake takes the first for a sign
    return column


def _timestamp(values: pa.Array) -> pa.StructArray:
    """Seconds, nanoseconds and zone; a NULL is a NULL, where fakesnow sends 1970."""
    ticks = values.cast(pa.timestamp("us", values.type.tz)).cast(pa.int64()).fill_null(0)
    seconds = pc.divide(ticks, _MICROSECONDS)  # towards zero
    rest = pc.subtract(ticks, pc.multiply(seconds, _MICROSECONDS))
    before_1970 = pc.less(rest, 0)
    seconds = pc.if_else(before_1970, pc.subtract(seconds, 1), seconds)
    rest = pc.if_else(before_1970, pc.add(rest, _MICROSECONDS), rest)
    fraction = pc.multiply(rest, 1000).cast(pa.int32())
    parts = {"epoch": seconds, "fraction": fraction}
    if values.type.tz:
        parts["timezone"] = pa.array([_UTC_OFFSET] * len(values), type=pa.int32())
    fields = [pa.field(name, part.type, nullable=False) for name, part in parts.items()]
    return pa.StructArray.from_arrays(list(parts.values()), fields=fields, mask=values.is_null())
