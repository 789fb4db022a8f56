"""Which rows a caller's query finds: the part Table and Aggregate API share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector_simulators.servicenow.api.calls import invalid_table
from ml_connector_simulators.servicenow.query import EncodedQuery, parse
from ml_connector_simulators.servicenow.sql import Selection

if TYPE_CHECKING:
    from ml_connector_simulators.servicenow.access import Operation
    from ml_connector_simulators.servicenow.api.calls import Session
    from ml_connector_simulators.servicenow.instance import Instance
    from ml_connector_simulators.servicenow.store import Row


NO_ROWS = "glide.invalid_query.returns_no_rows"  # §0.6: off by default
MYSELF = "javascript:gs.getUserID()"  # the one script of a query that is simulated


@dataclass
class Reading:
    """One caller's reading of one table."""

    instance: Instance
    session: Session
    table: str

    def __post_init__(self) -> None:
        if self.table not in self.instance.schema:
            raise invalid_table(self.table)

    @property
    def visible(self) -> bool:
        """Whether the caller may read any row at all."""
        return self.instance.access.may(self.session.roles, "read", self.table)

    def count(self, query: str) -> int:
        """How many rows match, before row access rules (apis/servicenow.md §2.1)."""
        selection, encoded = self._selection(query)
        where = selection.where(encoded)
        return int(self._run(selection, f"SELECT COUNT(*) FROM {selection.source()} WHERE {where}")[0][0])  # noqa: S608

    def page(self, query: str, limit: int, offset: int) -> list[Row | None]:
        """The rows of one page; None for one the caller may not see: the limit comes first (§0.5)."""
        rows = self._select(query, limit, offset)
        if not self.visible:
            return [None] * len(rows)
        hidden = self._hidden([row["sys_id"] for row in rows])
        return [None if row["sys_id"] in hidden else row for row in rows]

    def aggregate(self, query: str, group_by: list[str], functions: list[tuple[str, str]]) -> list[tuple[str, ...]]:
        """Per group: its values, then each SQL function of a column (`*` for rows)."""
        selection, encoded = self._selection(query)
        keys = [place.sql for path in group_by if (place := selection.place(path))]
        parts = [f"{function}({_argument(selection, column)})" for function, column in functions]
        where = selection.where(encoded)
        group = f" GROUP BY {', '.join(keys)}" if keys else ""
        return self._run(selection, f"SELECT {', '.join(keys + parts)} FROM {selection.source()} WHERE {where}{group}")  # noqa: S608

    def one(self, sys_id: str) -> Row | None:
        """One row the caller may see."""
        found = self.page(f"sys_id={sys_id}", 1, 0)
        return found[0] if found else None

    def may_read(self, table: str, column: str) -> bool:
        """Whether a column shows up."""
        return self.instance.access.may_column(self.session.roles, "read", table, column)

    def _select(self, query: str, limit: int, offset: int) -> list[Row]:
        selection, encoded = self._selection(query)
        names = list(self.instance.schema.columns(self.table))
        where = selection.where(encoded)
        # Without a total order the database gives rows as it likes, page by page (§2.3).
        order = ", ".join([*selection.order(encoded), f"substr(t.sys_id, {1 + offset % 7})"])
        columns = ", ".join(f't."{name}"' for name in names)
        sql = f"SELECT {columns} FROM {selection.source()} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
        selection.values.extend([limit, offset])
        return [dict(zip(names, row, strict=True)) for row in self._run(selection, sql)]

    def _hidden(self, ids: list[str]) -> set[str]:
        """Those of the rows that an access rule on rows denies."""
        denied: set[str] = set()
        for rule in self.instance.access.hidden(self.session.roles, self.table):
            selection = Selection(self.instance.schema, self.table, lambda *_: True, "drop")
            where = selection.where(parse(rule))
            sql = f"SELECT t.sys_id FROM {selection.source()} WHERE {where}"  # noqa: S608
            denied |= {row[0] for row in self._run(selection, sql)}
        return denied & set(ids)

    def _selection(self, query: str) -> tuple[Selection, EncodedQuery]:
        unknown = self.instance.installation.unknown_column
        if unknown == "drop" and self.instance.store.find("sys_properties", name=NO_ROWS, value="true"):
            unknown = "no_rows"
        query = query.replace(MYSELF, self.session.user["sys_id"])
        return Selection(self.instance.schema, self.table, self._may_query, unknown), parse(query)

    def _may_query(self, table: str, column: str, operation: Operation) -> bool:
        return self.instance.access.may_query(self.session.roles, table, column, operation)

    def _run(self, selection: Selection, sql: str) -> list[tuple[str, ...]]:
        return self.instance.store.query(sql, selection.values)


def _argument(selection: Selection, path: str) -> str:
    """A column as an aggregate takes it: numbers as numbers, money in the reference currency (§2.6)."""
    place = selection.place(path)
    if place is None:
        return "*" if path == "*" else "NULL"
    if place.column.type == "currency2":
        place = selection.place(f"{path}.reference_amount") or place
    return f"CAST(NULLIF({place.sql}, '') AS NUMERIC)" if place.column.numeric else f"NULLIF({place.sql}, '')"
