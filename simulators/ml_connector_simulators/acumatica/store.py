"""The tenant's records: in memory, and in SQLite so that a restart keeps them."""

from __future__ import annotations

from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.acumatica.contract import ENTITIES
from ml_connector_simulators.kit import Database, Documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from ml_connector_simulators.acumatica.settings import Settings

Row = dict[str, Any]
_COUNTERS = "#counters"
_TYPE_CODES = {  # the codes behind the labels, by which the database sorts
    "Normal": "RO", "Drop-Ship": "DP", "Blanket": "BL", "Standard": "SB",
    "Bill": "INV", "Credit Adj.": "ACR", "Debit Adj.": "ADR", "Prepayment": "PPM",
    "Payment": "CHK", "Voided Payment": "VCK", "Refund": "REF",
    "Invoice": "INV", "Credit Memo": "CRM", "Debit Memo": "DRM",
    "Receipt": "RT", "Return": "RN", "Transfer Receipt": "RX",
}  # fmt: skip


def key_of(entity: str, row: Mapping[str, Any]) -> str:
    """A row's business key, as its URL has it."""
    return "/".join(str(row.get(name) or "").rstrip() for name in ENTITIES[entity].keys)


def type_code(label: str) -> str:
    """What the database holds for a type's label."""
    return _TYPE_CODES.get(label, label)


class Store:
    """All rows of the tenant `DEMO`; what is handed out must not be changed in place."""

    def __init__(self, path: Path | None, space: str, settings: Settings) -> None:
        self.lock = RLock()
        self._space = space
        self._database = Database(path, Documents.SCHEMA)
        self._documents = Documents(self._database)
        self._rows: dict[str, dict[str, Row]] = {name: {} for name in ENTITIES}
        self._ids: dict[str, tuple[str, str]] = {}
        self._settings = settings

    def seed(self, rows: Iterable[tuple[str, str, str, bytes]]) -> None:
        """Fill an empty store, and read what a file kept."""
        if self._documents.is_empty():
            self._documents.load(rows)
        for entity in ENTITIES:
            for row in self._documents.all(self._space, entity):
                self._remember(entity, row)

    @contextmanager
    def change(self) -> Iterator[None]:
        """One change at a time; on disk all of it or nothing."""
        with self.lock, self._database.transaction():
            yield

    def rows(self, entity: str) -> list[Row]:
        """Every row, in key order."""
        with self.lock:
            return sorted(self._rows[entity].values(), key=lambda row: self.order(entity, row))

    def order(self, entity: str, row: Row) -> tuple[str, ...]:
        """What rows of an entity are sorted by."""
        names = ENTITIES[entity].keys
        return tuple(self.comparable(entity, name, str(row.get(name) or "")) for name in names)

    def comparable(self, entity: str, field: str, text: str) -> str:
        """How the database compares a text: in any case, and types by their codes."""
        if field == "Type" and len(ENTITIES[entity].keys) > 1 and self._settings.types_by == "code":
            return type_code(text)
        return text.rstrip().casefold()

    def row(self, entity: str, key: str) -> Row | None:
        """A row by its business key, in any case."""
        return self._rows[entity].get(_folded(key))

    def by_id(self, entity: str, identity: str) -> Row | None:
        """A row by its id."""
        kind, key = self._ids.get(identity.lower(), ("", ""))
        return self._rows[entity].get(key) if kind == entity else None

    def put(self, entity: str, row: Row, was: str | None = None) -> None:
        """Write a row; `was` is the key it had, when that changed."""
        key = key_of(entity, row)
        if was is not None and _folded(was) != _folded(key):
            self.remove(entity, was)
        self._documents.put(self._space, entity, [(key, row)])
        self._remember(entity, row)

    def remove(self, entity: str, key: str) -> None:
        """Delete a row: nothing tells of it."""
        row = self._rows[entity].pop(_folded(key), None)
        if row is not None:
            self._ids.pop(row["id"], None)
            self._documents.delete(self._space, entity, key_of(entity, row))

    def next_number(self, series: str, taken: int) -> int:
        """The next number of a series; `taken` is the last one the seed used."""
        known = self._documents.get(self._space, _COUNTERS, series) or {"last": taken}
        number = max(int(known["last"]), taken) + 1
        self._documents.put(self._space, _COUNTERS, [(series, {"last": number})])
        return number

    def keep(self, collection: str, key: str, value: Row | None) -> None:
        """Keep, or forget, something that is no record of the tenant's: a grant."""
        if value is None:
            self._documents.delete(self._space, collection, key)
        else:
            self._documents.put(self._space, collection, [(key, value)])

    def kept(self, collection: str, key: str) -> Row | None:
        """What was kept."""
        return self._documents.get(self._space, collection, key)

    def kept_keys(self, collection: str) -> list[str]:
        """The keys something was kept under."""
        return [key for (key,) in self._database.query("SELECT key FROM documents WHERE collection = ?", collection)]

    def newest(self) -> str:
        """The latest stamp of any row: no clock may start before it."""
        stamps = [
            row.get(shape.modified) or ""
            for name, shape in ENTITIES.items()
            if shape.modified
            for row in self._rows[name].values()
        ]
        return max(stamps, default="")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _remember(self, entity: str, row: Row) -> None:
        key = _folded(key_of(entity, row))
        self._rows[entity][key] = row
        self._ids[row["id"].lower()] = (entity, key)


def _folded(key: str) -> str:
    return "/".join(part.strip() for part in key.casefold().split("/"))
