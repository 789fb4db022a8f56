"""Nested values of a target map: a column that holds an object, or a list of objects, such as a document's lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.finance import kinds
from ml_connector.mapping.rows import each_row, fill_scalars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.mapping.expressions import Column, Expression
    from ml_connector.mapping.rows import Scope

ROW = "__row__"
"""In an item of a nested list: what tells it from the others; sinks use it and do not send it."""


@dataclass(frozen=True, slots=True)
class Nested:
    """A column whose value is an object, or with `each` a list of them."""

    name: str
    columns: Sequence[Column]
    inner: Sequence[Nested] = ()
    each: Expression | None = None
    keep: Expression | None = None
    number: Expression | None = None  # tells the items of a list apart

    def fill(self, row: Mapping[str, Any], scope: Scope) -> dict[str, Any] | list[dict[str, Any]]:
        """Return the value for one row; a list's items carry their number as `__row__`."""
        if self.each is None:
            return self._object(row, None, scope)
        return [
            {ROW: self._number(item, index, scope), **self._object(item, index, scope)}
            for index, item in each_row(self.each, self.keep, row, scope)
        ]

    def _object(self, row: Mapping[str, Any], index: int | None, scope: Scope) -> dict[str, Any]:
        values = fill_scalars(self.columns, row, index, scope)
        return values | {each.name: each.fill(row, scope) for each in self.inner}

    def _number(self, row: Mapping[str, Any], index: int, scope: Scope) -> str:
        value = self.number.evaluate(row, scope.record, scope.var) if self.number else None
        return str(index) if value is None else kinds.to_text(value) or str(index)

    @property
    def names(self) -> Iterator[str]:
        """The columns inside, by dotted names."""
        for column in self.columns:
            yield f"{self.name}.{column.name}"
        for each in self.inner:
            yield from (f"{self.name}.{name}" for name in each.names)

    def walk(self) -> Iterator[Nested]:
        """Yield this value and every nested one inside it."""
        yield self
        for each in self.inner:
            yield from each.walk()


def flat(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload with one entry per value, for people and comparisons: `Details.2.OrderQty`."""
    return dict(_flat(payload, ""))


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key != ROW:
                yield from _flat(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for index, item in enumerate(value, 1):
            number = item.get(ROW, index) if isinstance(item, dict) else index
            yield from _flat(item, f"{name}.{number}")
    else:
        yield name, value
