"""Dimensions: the codes a target must know before a record that uses them is sent (L4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from ml_connector.errors import ConfigError
from ml_connector.finance.kinds import to_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.mapping.crosswalk import Crosswalk
    from ml_connector.mapping.expressions import Expression
    from ml_connector.mapping.loader import Place

SOURCE_KEY = "source_key"
"""A dimension whose values are the source keys of its master can tell a missing value from one still on its way."""

ACTIONS = ("refuse", "park", "omit", "default")


@dataclass(frozen=True, slots=True)
class Policy:
    """What a missing or inactive value does: refuse the record, park it, send it without, or stand in `code`."""

    action: str
    code: str | None = None


class DimensionResolver(Protocol):
    """Proves a dimension value in the live target; the delivery engine implements it."""

    def __call__(self, dimension: str, value: str | None, company: str, on: date | None, /) -> str | None:
        """Return the target's code; raises RecordParked or RecordRefused by the dimension's policy."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One entry of a target map's `dimensions:` block."""

    name: str
    place: Place
    record_type: str  # the canonical master whose confirmed delivery proves a value, too
    value_field: str  # the field of that master which holds the value
    table: str  # the target's live master
    keys: Mapping[str, Expression]  # its key columns, computed from erp_source, company and value
    active: Expression | None  # over a live row, whose columns are texts
    valid_from: str | None
    valid_to: str | None
    crosswalk: Crosswalk | None
    missing: Policy
    inactive: Policy
    code: Expression | None = None  # what the target calls a value, computed from it; the value itself without one

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns the live master is looked up by."""
        return tuple(self.keys)

    @property
    def columns(self) -> tuple[str, ...]:
        """The further columns of the live master that tell whether a row may be used."""
        used = self.active.compiled.paths if self.active else frozenset()
        dates = {column for column in (self.valid_from, self.valid_to) if column}
        return tuple(sorted({path.partition(".")[0] for path in used} | dates))

    def key(self, source_system: str, company: str, value: str) -> tuple[str, ...]:
        """Return the live master's key of a (translated) value."""
        scope = {"erp_source": f"{source_system}:{company}", "company": company, "value": value}
        return tuple(str(column.evaluate(scope, scope, {})) for column in self.keys.values())

    def translate(self, company: str, value: str, on: date | None) -> str | None:
        """Return what the target calls the value on a day, by crosswalk and `code`; None when it has no name there."""
        found = value if self.crosswalk is None else self.crosswalk.lookup(company, value, on)
        if found is None or self.code is None:
            return found
        scope = {"company": company, "value": found}
        return to_text(self.code.evaluate(scope, scope, {}))

    def is_active(self, row: Mapping[str, Any], on: date | None) -> bool:
        """Whether a live row may be used at a posting date."""
        if self.active is not None and not self.active.evaluate(row, row, {}):
            return False
        if on is None:
            return True
        first, last = _day(row, self.valid_from), _day(row, self.valid_to)
        return (first is None or first <= on) and (last is None or on <= last)


def _day(row: Mapping[str, Any], column: str | None) -> date | None:
    text = row.get(column) if column else None
    try:
        return date.fromisoformat(str(text)[:10]) if text else None
    except ValueError:
        raise ConfigError(f"The column {column} holds {text!r}, not a date. Name another one in the map.") from None
