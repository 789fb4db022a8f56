"""Masters that would arrive within the same plan: a supplier that is new in it frees its invoice."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.sink import State
from ml_connector.finance import kinds
from ml_connector.mapping.dimensions import Dimension
from ml_connector.mapping.nested import flat
from ml_connector.mapping.record_map import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from ml_connector.delivery.sink import Key, Row
    from ml_connector.delivery.work import Work
    from ml_connector.finance.records import CanonicalRecord
    from ml_connector.mapping.target_map import TargetMap

_INACTIVE = ("inactive", "voided", "draft")


class Expected(dict[str, Any]):
    """The live row a delivery would bring about; which of its columns get what, only the target's transforms know."""

    def __init__(self, record: CanonicalRecord) -> None:
        super().__init__(id=f"planned:{record.business_key}")
        self._active = record.source_state not in _INACTIVE
        self._days = tuple(record.fields.get(name) for name in ("valid_from", "valid_to"))

    def is_active(self, on: date | None) -> bool:
        """Whether the source says the master may be used at a posting date."""
        first, last = self._days
        return self._active and (on is None or ((first is None or first <= on) and (last is None or on <= last)))


class Foreseen(Dimension):
    """A dimension that also knows rows which are only expected."""

    __slots__ = ()

    def is_active(self, row: Mapping[str, Any], on: date | None) -> bool:
        """Whether a live or an expected row may be used at a posting date."""
        return row.is_active(on) if isinstance(row, Expected) else Dimension.is_active(self, row, on)


def foreseeing(target_map: TargetMap) -> TargetMap:
    """Return the map with dimensions that know expected rows."""
    known = target_map.dimensions.items()
    return replace(target_map, dimensions={name: _foreseen(dimension) for name, dimension in known})


def _foreseen(dimension: Dimension) -> Foreseen:
    return Foreseen(**{each.name: getattr(dimension, each.name) for each in fields(Dimension)})


class Arrivals:
    """What the masters of the target would hold by now, beside what they hold."""

    def __init__(self, dimensions: Iterable[Dimension]) -> None:
        self._dimensions = list(dimensions)
        self._rows: dict[tuple[str, tuple[str, ...]], dict[Key, Row]] = {}

    def add(self, work: Work) -> None:
        """Take note of a record that would be delivered."""
        if not work.outcomes or work.verdict is None or work.verdict.state != State.DELIVERED:
            return
        for dimension in self._dimensions:
            if dimension.record_type == work.record.record_type:
                value = scope_of(work.record).get(dimension.value_field)
                if value is not None:
                    key = dimension.key(work.record.source_system, work.record.company, str(kinds.to_text(value)))
                    rows = self._rows.setdefault((dimension.table, dimension.key_columns), {})
                    rows[key] = _row(work, dimension, rows.get(key))

    def beside(self, table: str, key_columns: Sequence[str], keys: Iterable[Key], live: dict[Key, list[Row]]) -> None:
        """Put expected rows beside the live ones that a look-up found."""
        rows = self._rows.get((table, tuple(key_columns)), {})
        for key in rows.keys() & set(keys):
            live[key] = _together(live.get(key) or [], rows[key])


def _row(work: Work, dimension: Dimension, before: Row | None) -> Row:
    """Return the row as the target would show it: its own columns where the map writes the master itself."""
    written: dict[str, Any] = {}
    for effect in work.effects:
        if effect.table == dimension.table:
            written |= {
                name: "" if value is None else kinds.to_text(value) for name, value in flat(effect.payload).items()
            }
    if not written:
        return Expected(work.record)
    return {"id": f"planned:{work.key}", **(before or {}), **written}


def _together(live: list[Row], expected: Row) -> list[Row]:
    """Return what the target would answer: a live master stays as its people keep it unless the source ends it."""
    if not live:
        return [expected]
    if isinstance(expected, Expected):
        return live if expected.is_active(None) else [expected]
    return [{**row, **expected, "id": row["id"]} for row in live]
