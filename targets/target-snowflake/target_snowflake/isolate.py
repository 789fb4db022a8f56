"""The rows of a batch that Snowflake refuses, found by halves: the others are loaded, those become dead letters.

Types are checked before a row is sent, so this is for what only the server knows: a table somebody else made, a limit.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from ml_connector.store.text import decode

from target_snowflake.columns import Kind
from target_snowflake.group import EXACT, sums
from target_snowflake.shape import ABSENT, DELETED_AT
from target_snowflake.spill import Spill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_snowflake.batch import Batch
    from target_snowflake.spill import SpillOptions

MOST_REFUSED = 50
"""More refused rows of one batch have one cause, which is not in the rows."""


def halves(batch: Batch, options: SpillOptions) -> Iterator[Batch]:
    """Yield the batch as two, the older rows first; files of the whole stay."""
    tables = [pq.read_table(path) for path in batch.files]
    whole = pa.concat_tables(tables, promote_options="permissive") if len(tables) > 1 else tables[0]
    middle = whole.num_rows // 2
    for mark, part in (("a", whole.slice(0, middle)), ("b", whole.slice(middle))):
        yield _of(batch, part, f"{batch.id}{mark}", options)


def _of(batch: Batch, table: pa.Table, name: str, options: SpillOptions) -> Batch:
    spill = Spill(options, name)
    spill.write(table)
    files = spill.close()
    folded = batch.folded if name.endswith("a") else {}  # told once
    return replace(
        batch, id=name, files=files, rows=table.num_rows, bytes=spill.size, sums=sums(table, batch.shape), folded=folded
    )


def record_of(batch: Batch) -> dict[str, Any]:
    """Return the one record of a batch as it came; times are written in one form."""
    table = pq.read_table(batch.files[0])
    for place, each in enumerate(table.schema):
        if pa.types.is_timestamp(each.type):  # Python has no nanoseconds
            table = table.set_column(place, each.name, table[place].cast(pa.string()))
    row = table.to_pylist()[0]
    left_out = (row.get(ABSENT) or "").split(",")
    return {
        column.property: _value(column.type.kind, row[column.name], row.get(f"{column.name}{EXACT}"))
        for column in batch.shape.columns
        if column.name not in left_out and (column.property != DELETED_AT or row[column.name] is not None)
    }


def _value(kind: Kind, value: Any, exact: str | None) -> Any:
    if exact is not None:
        return Decimal(exact) if Decimal(exact).is_finite() else exact
    if value is None:
        return None
    if kind == Kind.VARIANT:
        return decode(value)
    if kind == Kind.BINARY:
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, date | time) else value
