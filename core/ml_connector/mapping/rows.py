"""Filling rows: the loop that turns expressions into fields, shared by source and target maps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.mapping.expressions import DATA_TROUBLE, Column, Expression

_SCALARS = frozenset({str, Decimal, bool, int, date, type(None)})

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ml_connector.errors import RecordRefused

    Row = Mapping[str, Any]


@dataclass(slots=True)
class Scope:
    """What the expressions of one record see beside their own row."""

    record: Row
    var: Mapping[str, Any]
    currency: str | None = None
    dimension: Callable[..., str | None] | None = None


def fill(columns: Sequence[Column], row: Row, index: int | None, scope: Scope) -> dict[str, Any]:
    """Compute the columns of one row; raises RecordRefused naming the column and its line in the map."""
    record, var, currency, dimension = scope.record, scope.var, scope.currency, scope.dimension
    filled: dict[str, Any] = {}
    column = None
    try:
        for column in columns:
            value = column.run(row, record, var, index, dimension)
            if value is not None and column.convert is not None:
                value = column.convert(value, currency)
            filled[column.name] = value
    except DATA_TROUBLE as error:
        raise _trouble(column, error) from None
    return filled


def fill_scalars(columns: Sequence[Column], row: Row, index: int | None, scope: Scope) -> dict[str, Any]:
    """Compute the columns of one row; raises RecordRefused for a value that does not fit into one column, too."""
    filled = fill(columns, row, index, scope)
    if not _SCALARS.issuperset(map(type, filled.values())):
        column = next(each for each in columns if type(filled[each.name]) not in _SCALARS)
        what = f"a {type(filled[column.name]).__name__} does not fit into one column"
        raise column.expression.trouble(TypeError(what), column.name)
    return filled


def _trouble(column: Column | None, error: Exception) -> RecordRefused:
    assert column is not None  # noqa: S101 - an error arises only while a column is computed
    return column.expression.trouble(error, column.name)


def each_row(each: Expression | None, keep: Expression | None, row: Row, scope: Scope) -> Iterator[tuple[int, Row]]:
    """Yield the rows a block is filled for, numbered from 1: the row itself, or the items of its `__each__` list."""
    rows = (row,) if each is None else _objects(each, each.evaluate(row, scope.record, scope.var))
    for index, item in enumerate(rows, 1):
        if keep is None or keep.evaluate(item, scope.record, scope.var):
            yield index, item


def _objects(each: Expression, value: Any) -> Sequence[Row]:
    if value is None:
        return ()
    if isinstance(value, list | tuple) and all(isinstance(item, dict) for item in value):
        return value
    raise each.trouble(TypeError("this is not a list of objects"), "The list")
