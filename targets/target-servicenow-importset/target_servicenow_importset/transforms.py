"""How the instance is set up to take a staging table's rows: transform maps, coalesce, Insert Multiple."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigError, Forbidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ml_connector.delivery.sink import Row
    from ml_connector.vendors.servicenow.reader import Reader


class KeyStyle(StrEnum):
    """What the keys of an insertMultiple record are."""

    AUTO = "auto"
    COLUMN = "column"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class Entry:
    """One field map: a staging column copied into a column of the target table."""

    source: str
    target: str
    by: str  # the column of the table referred to in which the code is looked up, '' for its display value
    rejects: bool  # whether a code or choice that is not there refuses the row, instead of being left out


@dataclass(frozen=True, slots=True)
class TransformMap:
    """One active transform map of a staging table."""

    name: str
    target: str
    coalesce: Mapping[str, str]  # staging column → target column
    fields: Mapping[str, str]  # the same for every column that is copied
    entries: tuple[Entry, ...] = ()  # all of them; a staging column may go into several


@dataclass(frozen=True, slots=True)
class InsertMultiple:
    """The table's `sys_rest_insert_multiple` record; without one the platform takes labels and transforms later."""

    synchronous: bool = False
    keys: KeyStyle | None = None


@dataclass(slots=True)
class Transforms:
    """Reads the set-up once per table."""

    reader: Reader
    _maps: dict[str, list[TransformMap]] = field(default_factory=dict)
    _records: list[Row] | None = None  # of sys_rest_insert_multiple

    def load(self, tables: Iterable[str]) -> None:
        """Read the active maps of many staging tables in two calls. Raises Forbidden."""
        wanted = set(tables) - self._maps.keys()
        found = self.reader.lookup(
            "sys_transform_map", ["source_table"], [(it,) for it in wanted], ("name", "target_table", "active")
        )
        active = {table: [row for row in rows if row["active"] == "true"] for (table,), rows in found.items()}
        ids = [(row["sys_id"],) for rows in active.values() for row in rows]
        needed, optional = ("source_field", "target_field", "coalesce"), ("reference_value_field", "choice_action")
        entries = self.reader.lookup("sys_transform_entry", ["map"], ids, needed, optional)
        for table in wanted:
            maps = active.get(table, [])
            self._maps[table] = [_transform_map(row, entries.get((row["sys_id"],), [])) for row in maps]

    def of(self, staging: str) -> list[TransformMap]:
        """Return the active transform maps of a staging table. Raises Forbidden."""
        self.load([staging])
        return self._maps[staging]

    def insert_multiple(self, staging: str) -> InsertMultiple:
        """Return what an administrator set for this table.

        The record's column names are UNCONFIRMED, so it is read by its values.
        """
        if self._records is None:
            try:
                self._records = self.reader.rows("sys_rest_insert_multiple", "")
            except (Forbidden, ConfigError):
                self._records = []
        for record in self._records:
            values = {value.strip().lower().replace(" ", "_") for value in record.values()}
            if staging in values:
                return InsertMultiple("synchronous" in values, _keys(values))
        return InsertMultiple()


def _transform_map(row: Row, entries: Iterable[Row]) -> TransformMap:
    known = list(entries)
    fields = {it["source_field"]: it["target_field"] for it in known}
    coalesce = {it["source_field"]: it["target_field"] for it in known if it["coalesce"] == "true"}
    return TransformMap(row["name"], row["target_table"], coalesce, fields, tuple(map(_entry, known)))


def _entry(row: Row) -> Entry:
    by, action = row.get("reference_value_field", ""), row.get("choice_action", "")
    return Entry(row["source_field"], row["target_field"], by, action == "reject")


def _keys(values: set[str]) -> KeyStyle | None:
    if values & {"column_name", "name", "element"}:
        return KeyStyle.COLUMN
    return KeyStyle.LABEL if "label" in values else None
