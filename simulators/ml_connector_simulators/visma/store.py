"""The companies' records, in SQLite."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.kit import Database, Documents, encode_json
from ml_connector_simulators.visma.derived import DERIVED
from ml_connector_simulators.visma.resources import RESOURCES
from ml_connector_simulators.visma.seed.values import row_version

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ml_connector_simulators.visma.resource import Resource
    from ml_connector_simulators.visma.seed.month import Stored

Row = dict[str, Any]


def stamped(resource: Resource, row: Row) -> Row:
    """The row with its version: a new one whenever it is modified."""
    if resource.row_version:
        row["timeStamp"] = version(row)
    return row


def version(row: Row) -> str:
    """What `ETag` and `timeStamp` show for a row: another one whenever anything in it is another."""
    return row_version(encode_json({name: value for name, value in row.items() if name != "timeStamp"}))


class Store:
    """All rows of all companies."""

    def __init__(self, path: Path | None) -> None:
        self._database = Database(path, Documents.SCHEMA)
        self._documents = Documents(self._database)

    def seed(self, rows: Iterable[Stored]) -> None:
        """Fill an empty store."""
        if self._documents.is_empty():
            self._documents.load(rows)

    def rows(self, company: str, resource: Resource) -> list[Row]:
        """Every row of a resource, oldest first."""
        if derive := DERIVED.get(resource.name):
            return list(derive(lambda name: self._documents.all(company, name)))
        return self._documents.all(company, resource.name)

    def page(self, company: str, resource: Resource, offset: int, limit: int) -> tuple[int, list[Row]]:
        """How many rows a resource has, and some of them."""
        if resource.name in DERIVED:
            rows = self.rows(company, resource)
            return len(rows), rows[offset : offset + limit]
        total = self._documents.count(company, resource.name)
        return total, self._documents.page(company, resource.name, offset, limit)

    def row(self, company: str, resource: Resource, key: str) -> Row | None:
        """One row."""
        return self._documents.get(company, resource.name, key)

    def add(self, company: str, resource: Resource, row: Row) -> None:
        """Write a new row."""
        self._documents.put(company, resource.name, [(resource.key(row), stamped(resource, row))])

    def change(self, company: str, resource: Resource, key: str, row: Row) -> None:
        """Write a row in its old place, under a new key when that was changed."""
        self._documents.replace(company, resource.name, key, resource.key(row), stamped(resource, row))

    def remove(self, company: str, resource: Resource, key: str) -> None:
        """Delete a row, without a trace, as Visma does."""
        self._documents.delete(company, resource.name, key)

    def newest(self) -> datetime | None:
        """The latest modification of any supplier, customer or document: no clock may start before it."""
        times = [
            row[resource.modified]
            for company in self._documents.spaces()
            for resource in RESOURCES.values()
            for row in self.rows(company, resource)
            if resource.modified and resource.modified in row
        ]
        return max((datetime.fromisoformat(time) for time in times), default=None)

    def close(self) -> None:
        """Close the file."""
        self._database.close()
