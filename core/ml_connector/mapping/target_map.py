"""Target maps: how canonical records become rows of one target's tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.errors import RecordParked
from ml_connector.mapping import loader, target_reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ml_connector.finance.records import CanonicalRecord
    from ml_connector.mapping.dimensions import Dimension, DimensionResolver
    from ml_connector.mapping.record_map import DocumentMap, RecordMap, RowPlan


@dataclass(frozen=True, slots=True)
class TableUse:
    """How a map uses one table, for the sink to check before the first record."""

    table: str
    via: str
    key_columns: tuple[str, ...]
    columns: tuple[str, ...]
    record_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TargetMap:
    """A target map: record types in delivery order, the tables they use, the dimensions they need."""

    name: str
    version: str
    record_types: Mapping[str, RecordMap]
    dimensions: Mapping[str, Dimension]

    @classmethod
    def load(cls, name: str, search: Sequence[Path]) -> TargetMap:
        """Read a target map by name; raises ConfigError with file, line and what to do for every mistake found."""
        file = loader.load(name, search)
        found = target_reader.read(file, search)
        version = loader.digest(file.version, *found.crosswalks.versions)
        return cls(name, version, found.record_types, found.dimensions)

    @property
    def tables(self) -> dict[str, TableUse]:
        """The tables the map writes, in the order rows go into them; those whose own rows are taken over, too."""
        tables: dict[str, TableUse] = {}
        for record_type, record_map in self.record_types.items():
            for match in (each.match for each in record_map.documents if each.match):
                use = TableUse(match.table, match.via, (match.id,), match.columns, (record_type,))
                tables.setdefault(match.table, use)
            for document, rows in ((each, rows) for each in record_map.documents for rows in each.rows):
                known = tables.get(rows.table)
                mine = [*rows.column_names, *(document.cancelled if rows.each is None else ())]
                columns = dict.fromkeys([*(known.columns if known else ()), *mine])
                types = dict.fromkeys([*(known.record_types if known else ()), record_type])
                tables[rows.table] = TableUse(rows.table, rows.via, rows.key, tuple(columns), tuple(types))
        return tables

    @property
    def documents(self) -> Iterator[DocumentMap]:
        """Every part of the map, in delivery order."""
        for record_map in self.record_types.values():
            yield from record_map.documents

    @property
    def looked_up(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The tables that are only read, with the columns: live masters, and documents people work on."""
        for dimension in self.dimensions.values():
            yield dimension.table, (*dimension.key_columns, *dimension.columns)
        for frozen in (document.frozen for document in self.documents):
            if frozen is not None:
                yield frozen.table, (*frozen.keys, frozen.column)

    def rows(self, record: CanonicalRecord, dimension: DimensionResolver) -> list[RowPlan]:
        """Return the rows a record brings about, in the order they are sent.

        Raises RecordParked for a type the map does not name or a line of another entity, RecordRefused for data that
        does not fit, and whatever `dimension` raises.
        """
        record_map = self.record_types.get(record.record_type)
        if record_map is None:
            raise RecordParked("unmapped_type", f"{self.name}.yml does not map {record.record_type}.")
        return record_map.rows(record, dimension)
