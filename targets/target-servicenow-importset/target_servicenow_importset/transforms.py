"""How the instance is set up to take a staging table's rows: transform maps, coalesce, Insert Multiple."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigError, Forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.delivery.sink import Row

    from target_servicenow_importset.reader import Reader


class KeyStyle(StrEnum):
    """What the keys of an insertMultiple record are."""

    AUTO = "auto"
    COLUMN = "column"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class TransformMap:
    """One active transform map of a staging table."""

    name: str
    target: str
    coalesce: Mapping[str, str]  # staging column → target column


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

    def of(self, staging: str) -> list[TransformMap]:
        """Return the active transform maps of a staging table. Raises Forbidden."""
        if staging not in self._maps:
            found = self.reader.rows(
                "sys_transform_map", f"source_table={staging}^active=true", ("name", "target_table")
            )
            self._maps[staging] = [
                TransformMap(row["name"], row["target_table"], self._coalesce(row["sys_id"])) for row in found
            ]
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

    def _coalesce(self, transform_map: str) -> dict[str, str]:
        query = f"map={transform_map}^coalesce=true"
        entries = self.reader.rows("sys_transform_entry", query, ("source_field", "target_field"))
        return {row["source_field"]: row["target_field"] for row in entries}


def _keys(values: set[str]) -> KeyStyle | None:
    if values & {"column_name", "name", "element"}:
        return KeyStyle.COLUMN
    return KeyStyle.LABEL if "label" in values else None
