"""Table API: list, one, create, change, delete (apis/servicenow.md §2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ml_connector_simulators.servicenow.api.calls import (
    RefusedError,
    Reply,
    forbidden_change,
    no_record,
)
from ml_connector_simulators.servicenow.api.reading import Reading
from ml_connector_simulators.servicenow.faults import cancelled
from ml_connector_simulators.servicenow.money import REFERENCE_CURRENCY
from ml_connector_simulators.servicenow.records import text_of
from ml_connector_simulators.servicenow.render import Display, Renderer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector_simulators.servicenow.access import Operation
    from ml_connector_simulators.servicenow.api.calls import Call, Session
    from ml_connector_simulators.servicenow.instance import Instance
    from ml_connector_simulators.servicenow.store import Row

DEFAULT_LIMIT = 10_000
VERBS: dict[Operation, str] = {"create": "Insert", "write": "Update", "delete": "Delete"}


@dataclass
class TableApi:
    """One call on one table."""

    instance: Instance
    session: Session
    call: Call
    url: str
    table: str

    def __post_init__(self) -> None:
        self.reading = Reading(self.instance, self.session, self.table)
        self._renderer = self._rendering()

    def answer(self, sys_id: str | None) -> Reply:
        """Do what the method says."""
        match self.call.method, sys_id:
            case "GET", None:
                return self._list()
            case "POST", None:
                return self._create()
            case "GET", str():
                return Reply(200, {"result": self._shown(self._row(sys_id))})
            case "PATCH" | "PUT", str():
                return self._change(sys_id)
            case "DELETE", str():
                return self._delete(sys_id)
        raise RefusedError(405, "Method not supported")

    def _list(self) -> Reply:
        query = self.call.query.get("sysparm_query", "")
        limit = self.call.number("sysparm_limit", DEFAULT_LIMIT)
        offset = self.call.number("sysparm_offset", 0)
        if offset < 0 or limit < 0:
            raise RefusedError(400, "Invalid sysparm_offset value", "Offset and limit must not be negative")
        page = self.reading.page(query, limit, offset)
        rows = [{} if row is None else self._shown(row) for row in page if row is not None or self._hidden_as_empty]
        slow_above = self.instance.installation.slow_above
        if slow_above is not None and len(page) > slow_above:
            return Reply(200, cancelled(rows[: len(rows) * 2 // 3]))
        if not rows and "/v1/" in self.call.path:
            raise RefusedError(404, "No Record found", "Records matching query not found")
        return Reply(200, {"result": rows}, self._paging(query, limit, offset))

    @property
    def _hidden_as_empty(self) -> bool:
        return self.instance.installation.hidden_rows == "empty"

    def _paging(self, query: str, limit: int, offset: int) -> dict[str, str]:
        if self.call.flag("sysparm_no_count"):
            return {}
        total = self.reading.count(query)
        headers = {"X-Total-Count": str(total)}
        if not self.call.flag("sysparm_suppress_pagination_header") and limit:
            headers["Link"] = self._links(total, limit, offset)
        return headers

    def _links(self, total: int, limit: int, offset: int) -> str:
        """`prev` of the first page has an offset below zero, as seen on real instances (§2.1)."""
        last = max(0, (total - 1) // limit * limit)
        places = {"first": 0, "prev": offset - limit, "next": offset + limit, "last": last}
        if offset + limit >= total:
            del places["next"]
        return ",".join(f'<{self._page_url(place)}>;rel="{rel}"' for rel, place in places.items())

    def _page_url(self, offset: int) -> str:
        return f"{self.url}{self.call.path}?{urlencode({**self.call.query, 'sysparm_offset': max(offset, -1)})}"

    def _create(self) -> Reply:
        """A row that may be created but not read is written and answered 403 (KB2697679)."""
        self._require("create")
        row = self.instance.records.insert(self.table, self._values("create"), self.session.name)
        if not self.reading.visible:
            return forbidden_change("Insert").reply
        location = f"{self.url}/api/now/table/{self.table}/{row['sys_id']}"
        return Reply(201, {"result": self._shown(row)}, {"Location": location})

    def _change(self, sys_id: str) -> Reply:
        row = self._row(sys_id)
        self._require("write")
        self.instance.records.update(self.table, row, self._values("write"), self.session.name)
        return Reply(200, {"result": self._shown(self._row(sys_id))})

    def _delete(self, sys_id: str) -> Reply:
        row = self._row(sys_id)
        self._require("delete")
        self.instance.store.delete(self.table, row["sys_id"], self.session.name)
        return Reply(204)

    def _row(self, sys_id: str) -> Row:
        row = self.reading.one(sys_id)
        if row is None:
            raise no_record()
        return row

    def _require(self, operation: Operation) -> None:
        abstract = self.instance.schema.tables[self.table].abstract
        if abstract or not self.instance.access.may(self.session.roles, operation, self.table):
            raise forbidden_change(VERBS[operation])

    def _values(self, operation: Operation) -> Mapping[str, Any]:
        body = self.call.json()
        if not isinstance(body, dict):
            raise RefusedError(400, "Exception while reading request", "The payload is not a JSON object")
        currency = self.session.user["preferred_currency"] or REFERENCE_CURRENCY
        may = self.instance.access.may_column
        texts = {
            name: self._given(name, value)
            for name, value in body.items()
            if may(self.session.roles, operation, self.table, name)
        }
        return self.instance.records.typed(self.table, texts, currency)

    def _given(self, name: str, value: Any) -> str:
        """A value as it is stored; with `sysparm_input_display_value` a reference is given by what people see."""
        text = text_of(value)
        column = self.instance.schema.columns(self.table).get(name)
        if column is None or not column.reference or not self.call.flag("sysparm_input_display_value"):
            return text
        display = self.instance.schema.display_column(column.reference)
        found = self.instance.store.match(column.reference, {display: text}, 1)
        return found[0]["sys_id"] if found else ""

    def _shown(self, row: Row) -> dict[str, Any]:
        fields = [name for name in self.call.query.get("sysparm_fields", "").split(",") if name]
        return self._renderer.row(self.table, row, fields)

    def _rendering(self) -> Renderer:
        """What the caller sees rows through, by the parameters of the call."""
        display = self.call.query.get("sysparm_display_value", "false")
        known: Display = "all" if display == "all" else "true" if display == "true" else "false"
        exclude = self.call.flag("sysparm_exclude_reference_link")
        return Renderer(self.instance.store, self.url, self.session.user, self.reading.may_read, known, exclude)
