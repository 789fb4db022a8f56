"""The rows of an instance in SQLite: one table per ServiceNow table, every value a text, empty for null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ml_connector_simulators.kit import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from ml_connector_simulators.servicenow.schema import Schema

Row = dict[str, str]
STAMP = "%Y-%m-%d %H:%M:%S"  # UTC, as the platform stores it (apis/servicenow.md §2.2)
FIRST_NUMBER = 1001  # a fresh instance counts INV0001001, ISET0010001, …
LOOKED_UP = (
    ("sys_dictionary", ("name",)),
    ("sn_shop_purchase_line", ("purchase_requisition",)),
    ("sys_import_set_run", ("set",)),
    ("sys_transform_entry", ("map",)),
    ("sys_user_has_role", ("user",)),
)


class Store:
    """Insert, change, delete and find rows; stamps, numbers and defaults are given here."""

    def __init__(self, schema: Schema, path: Path | None, now: Callable[[], datetime]) -> None:
        self.schema = schema
        self._defaults = {
            table: {element: column.default for element, column in schema.columns(table).items()}
            for table in schema.tables
        }
        self._now = now
        self._inserts = {table: _insert(table, row) for table, row in self._defaults.items()}
        self._database = Database(path, "\n".join(_ddl(schema)))
        if path is not None:
            self._check(path)

    def _check(self, path: Path) -> None:
        """Refuse a file whose tables lack columns of ours: another version of this simulator wrote it."""
        for table, it in self.schema.tables.items():
            kept = {name for (name,) in self._database.query("SELECT name FROM pragma_table_info(?)", table)}
            if not it.abstract and not kept.issuperset(self.schema.columns(table)):
                self.close()
                raise ValueError(f"{path} is of another version of this simulator; delete it to start afresh")

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing."""
        return self._database.transaction()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def is_empty(self) -> bool:
        """Whether the instance was never seeded."""
        return not self.find("sys_properties")

    def now(self) -> str:
        """The simulated instant as the platform writes it."""
        return self._now().strftime(STAMP)

    def insert(self, table: str, values: Mapping[str, str], user: str = "system") -> Row:
        """Add a row; column names it does not have are ignored, as the platform does."""
        now = self.now()
        row = dict(self._defaults[table])
        row.update({name: value for name, value in values.items() if name in row})
        stamps = {"sys_created_on": now, "sys_updated_on": now, "sys_created_by": user, "sys_updated_by": user}
        row.update({name: value for name, value in (stamps | {"sys_mod_count": "0"}).items() if name in row})
        row["sys_id"] = row["sys_id"] or uuid4().hex
        if "sys_class_name" in row:
            row["sys_class_name"] = table
        if "number" in row and not row["number"] and (prefix := self.schema.tables[table].number_prefix):
            row["number"] = f"{prefix}{self._next_number(table):07d}"
        self._database.query(self._inserts[table], *row.values())
        return row

    def update(
        self, table: str, sys_id: str, values: Mapping[str, str], user: str = "system", *, stamped: bool = True
    ) -> None:
        """Change a row and, where the table has them, its stamps."""
        columns = self.schema.columns(table)
        stamps = {"sys_updated_on": self.now(), "sys_updated_by": user} if stamped else {}
        known = {name: value for name, value in {**values, **stamps}.items() if name in columns}
        places = [f"{_quoted(name)} = ?" for name in known]
        if stamped and "sys_mod_count" in columns:
            places.append("sys_mod_count = sys_mod_count + 1")
        sql = f"UPDATE {_quoted(table)} SET {', '.join(places)} WHERE sys_id = ?"  # noqa: S608
        if places:
            self._database.query(sql, *known.values(), sys_id)

    def delete(self, table: str, sys_id: str, user: str = "system") -> None:
        """Remove a row; of an audited table with a trace (apis/servicenow.md §2.8)."""
        traced = self.schema.tables[table].audited and "sys_audit_delete" in self.schema
        row = self.get(table, sys_id) if traced else None
        if row is not None:
            shown = row[self.schema.display_column(table)]
            trace = {"tablename": table, "documentkey": sys_id, "display_value": shown}
            self.insert("sys_audit_delete", trace, user)
        self._database.query(f"DELETE FROM {_quoted(table)} WHERE sys_id = ?", sys_id)  # noqa: S608

    def get(self, table: str, sys_id: str) -> Row | None:
        """One row."""
        found = self.find(table, sys_id=sys_id)
        return found[0] if found else None

    def find(self, table: str, /, **equals: str) -> list[Row]:
        """The rows with these values, oldest first."""
        return self.match(table, equals)

    def last(self, table: str, /, **equals: str) -> Row | None:
        """The youngest row with these values."""
        found = self.match(table, equals, 1, order="rowid_ DESC")
        return found[0] if found else None

    def match(
        self, table: str, equals: Mapping[str, str], limit: int = -1, order: str = "sys_created_on, rowid_"
    ) -> list[Row]:
        """As `find`, for column names that are known only at run time."""
        names = list(self.schema.columns(table))
        condition = "".join(f" AND {_quoted(name)} = ?" for name in equals)
        rows = self._database.query(
            f"SELECT {', '.join(map(_quoted, names))} FROM {_quoted(table)} WHERE 1{condition}"  # noqa: S608
            f" ORDER BY {order} LIMIT ?",
            *equals.values(),
            limit,
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def query(self, sql: str, values: Iterable[Any]) -> list[tuple[Any, ...]]:
        """The rows of a statement that `sql` made from an encoded query."""
        return self._database.query(sql, *values)

    def _next_number(self, table: str) -> int:
        self._database.query(
            "INSERT INTO counter_ VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET last = last + 1", table, FIRST_NUMBER
        )
        return int(self._database.query("SELECT last FROM counter_ WHERE name = ?", table)[0][0])


def _insert(table: str, columns: Iterable[str]) -> str:
    names = [_quoted(column) for column in columns]
    return f"INSERT INTO {_quoted(table)} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608


def _quoted(name: str) -> str:
    return f'"{name}"'


def _ddl(schema: Schema) -> Iterable[str]:
    yield "CREATE TABLE IF NOT EXISTS counter_ (name TEXT PRIMARY KEY, last INTEGER NOT NULL);"
    for name, table in schema.tables.items():
        yield _view(schema, name) if table.abstract and schema.children(name) else _table(schema, name)
    yield from _indexes(schema)


def _table(schema: Schema, table: str) -> str:
    # Comparisons ignore case, as on the platform's MySQL (apis/servicenow.md §3.3).
    parts = (f"{_quoted(name)} TEXT NOT NULL DEFAULT '' COLLATE NOCASE" for name in schema.columns(table))
    return (
        f"CREATE TABLE IF NOT EXISTS {_quoted(table)} (rowid_ INTEGER PRIMARY KEY, {', '.join(parts)});"
        f"CREATE UNIQUE INDEX IF NOT EXISTS {_quoted(table + '.sys_id')} ON {_quoted(table)} (sys_id);"
    )


def _view(schema: Schema, table: str) -> str:
    names = ", ".join(("rowid_", *map(_quoted, schema.columns(table))))
    parts = (f"SELECT {names} FROM {_quoted(child)}" for child in schema.children(table))  # noqa: S608
    return f"CREATE VIEW IF NOT EXISTS {_quoted(table)} AS {' UNION ALL '.join(parts)};"


def _indexes(schema: Schema) -> Iterable[str]:
    """What the transforms look up: coalesce keys, codes of references, the rows of an import set."""
    wanted = set(LOOKED_UP) | {(it.target, tuple(f.target for f in it.fields if f.coalesce)) for it in schema.maps}
    for it in schema.maps:
        target = schema.columns(it.target)
        wanted |= {(target[f.target].reference, ("erp_source", f.by)) for f in it.fields if f.by}
    wanted |= {(it.source, ("sys_import_set",)) for it in schema.maps}
    for table, names in sorted(wanted):
        if table in schema and names and set(names) <= set(schema.columns(table)):
            index = _quoted(".".join((table, *names)))
            yield f"CREATE INDEX IF NOT EXISTS {index} ON {_quoted(table)} ({', '.join(map(_quoted, names))});"
