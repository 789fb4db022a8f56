"""State in SQLite: in memory, or in a file that survives a restart."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.kit.wire import decode_json, encode_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class Database:
    """One SQLite database, shared by the server's thread and a test's thread."""

    def __init__(self, path: Path | None, schema: str) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            path or ":memory:",
            check_same_thread=False,  # the lock keeps the threads apart
            isolation_level=None,
        )
        # The file outlives the process, not the machine's power: fast is enough for a simulator.
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.executescript(schema)

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def write_many(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run one statement for many rows."""
        with self._lock:
            self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; one inside another joins it."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


class Documents:
    """JSON documents in collections, in the order they were first put; Decimal stays Decimal.

    `space` is the company or the instance, `collection` the resource or the table.
    """

    SCHEMA = """
        CREATE TABLE IF NOT EXISTS documents (
            position INTEGER PRIMARY KEY, space TEXT NOT NULL, collection TEXT NOT NULL, key TEXT NOT NULL,
            body BLOB NOT NULL, UNIQUE (space, collection, key));
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, space: str, collection: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Write (key, document) pairs; one that is there already keeps its place."""
        with self._database.transaction():
            self._database.write_many(
                "INSERT INTO documents (space, collection, key, body) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (space, collection, key) DO UPDATE SET body = excluded.body",
                ((space, collection, key, encode_json(row)) for key, row in rows),
            )

    def load(self, rows: Iterable[tuple[str, str, str, bytes]]) -> None:
        """Write (space, collection, key, JSON text) as they are: a seed that is already written out."""
        with self._database.transaction():
            self._database.write_many("INSERT INTO documents (space, collection, key, body) VALUES (?, ?, ?, ?)", rows)

    def replace(self, space: str, collection: str, key: str, new_key: str, row: dict[str, Any]) -> None:
        """Write a document in the place of another, whose key may have been another."""
        with self._database.transaction():
            self._database.query(
                "UPDATE documents SET key = ?, body = ? WHERE space = ? AND collection = ? AND key = ? COLLATE NOCASE",
                new_key,
                encode_json(row),
                space,
                collection,
                key,
            )

    def spaces(self) -> list[str]:
        """Every company or instance that has documents."""
        return [space for (space,) in self._database.query("SELECT DISTINCT space FROM documents ORDER BY space")]

    def get(self, space: str, collection: str, key: str) -> dict[str, Any] | None:
        """One document; keys compare in any case."""
        rows = self._database.query(
            "SELECT body FROM documents WHERE space = ? AND collection = ? AND key = ? COLLATE NOCASE",
            space,
            collection,
            key,
        )
        return decode_json(rows[0][0]) if rows else None

    def all(self, space: str, collection: str) -> list[dict[str, Any]]:
        """Every document of a collection."""
        rows = self._database.query(
            "SELECT body FROM documents WHERE space = ? AND collection = ? ORDER BY position", space, collection
        )
        return [decode_json(body) for (body,) in rows]

    def page(self, space: str, collection: str, offset: int, limit: int) -> list[dict[str, Any]]:
        """Some documents, from a place on."""
        rows = self._database.query(
            "SELECT body FROM documents WHERE space = ? AND collection = ? ORDER BY position LIMIT ? OFFSET ?",
            space,
            collection,
            limit,
            offset,
        )
        return [decode_json(body) for (body,) in rows]

    def count(self, space: str, collection: str) -> int:
        """How many documents a collection holds."""
        sql = "SELECT COUNT(*) FROM documents WHERE space = ? AND collection = ?"
        return int(self._database.query(sql, space, collection)[0][0])

    def delete(self, space: str, collection: str, key: str) -> None:
        """Remove a document, if it is there."""
        sql = "DELETE FROM documents WHERE space = ? AND collection = ? AND key = ? COLLATE NOCASE"
        with self._database.transaction():
            self._database.query(sql, space, collection, key)

    def is_empty(self) -> bool:
        """Whether nothing was ever put: a new file wants its seed."""
        return not self._database.query("SELECT 1 FROM documents LIMIT 1")
