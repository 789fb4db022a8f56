"""Import Set API: one row now, many rows later, what became of one (apis/servicenow.md §3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.servicenow.api.calls import (
    RefusedError,
    Reply,
    forbidden_api,
    forbidden_change,
    invalid_table,
    no_record,
)
from ml_connector_simulators.servicenow.imports import RowTooLargeError

if TYPE_CHECKING:
    from ml_connector_simulators.servicenow.api.calls import Call, Session
    from ml_connector_simulators.servicenow.instance import Instance
    from ml_connector_simulators.servicenow.store import Row
    from ml_connector_simulators.servicenow.transform import Transformed

ROLES = frozenset({"import_transformer", "import_admin", "admin"})
# What a single post answers while the business rule "Transform synchronously" is inactive.
NOT_TRANSFORMED = {"transform_map": "", "status": "error", "error_message": "Invalid table "}


@dataclass
class ImportApi:
    """One call on one staging table."""

    instance: Instance
    session: Session
    call: Call
    url: str
    table: str

    def answer(self, rest: str | None) -> Reply:
        """Do what method and path say; `rest` is what follows the table's name."""
        if not self.session.roles & ROLES:
            raise forbidden_api()
        if not self.instance.schema.extends(self.table, "sys_import_set_row"):
            raise invalid_table(self.table)
        match self.call.method, rest:
            case "POST", None:
                return self._single()
            case "POST", "insertMultiple":
                return self._multiple()
            case "GET", str():
                return self._outcome(rest)
        raise RefusedError(405, "Method not supported")

    def _single(self) -> Reply:
        self._require_create()
        record = self.call.json()
        if isinstance(record, list):
            record = record[0] if record else {}  # the rest of an array is lost, nothing says so
        if not isinstance(record, dict):
            raise RefusedError(400, "Exception while reading request", "The payload is not a JSON object")
        try:
            import_set, _, results = self.instance.imports.single(self.table, record, self.session.name)
        except RowTooLargeError:
            raise RefusedError(500, "Row size too large", "The maximum row size is 8126 bytes") from None
        if not self._may_read():
            return Reply(201)  # KB3047115: inserted, but the caller may not see it
        if not self.instance.installation.transform_synchronously:
            return Reply(201, self._body(import_set, [NOT_TRANSFORMED]))
        return Reply(201, self._body(import_set, [self._result(it) for it in results]))

    def _multiple(self) -> Reply:
        self._require_create()
        body = self.call.json()
        records = body.get("records") if isinstance(body, dict) else None
        if not isinstance(records, list) or not all(isinstance(it, dict) for it in records):
            raise RefusedError(400, "Exception while reading request", "The payload has no array of records")
        import_set = self.instance.imports.multiple(
            self.table,
            records,
            self.session.name,
            run_after=self.call.query.get("run_after", ""),
            multi=self.call.query.get("multi_import_set_id", ""),
        )
        ids = {"import_set_id": import_set["sys_id"], "multi_import_set_id": import_set["multi_import_set"]}
        return Reply(201, ids)

    def _outcome(self, sys_id: str) -> Reply:
        row = self.instance.store.get(self.table, sys_id) if self._may_read() else None
        import_set = self.instance.store.get("sys_import_set", row["sys_import_set"]) if row else None
        if row is None or import_set is None:
            raise no_record()
        return Reply(200, self._body(import_set, self._stored_results(row)))

    def _stored_results(self, row: Row) -> list[dict[str, str]]:
        transform_map = self.instance.store.get("sys_transform_map", row["sys_transform_map"])
        if transform_map is None:
            return []
        target = row["sys_target_sys_id"]
        return [
            self._told(transform_map, row["sys_import_state"], target, row["sys_import_state_comment"], row["sys_id"])
        ]

    def _result(self, it: Transformed) -> dict[str, str]:
        return self._told(it.map, it.state, it.target_id, it.message, it.row_id)

    def _told(self, transform_map: Row, state: str, target_id: str, message: str, row_id: str) -> dict[str, str]:
        """One result; a skipped row names itself, not a target (§3.1)."""
        table = transform_map["target_table"]
        told = {"transform_map": transform_map["name"], "table": table}
        target = self.instance.store.get(table, target_id) if target_id else None
        if target is not None:
            display = self.instance.schema.display_column(table)
            link = f"{self.url}/api/now/table/{table}/{target_id}"
            told |= {"display_name": display, "display_value": target[display], "record_link": link}
        told["status"] = state
        told["sys_id"] = target_id or row_id
        if message:
            told["error_message" if state == "error" else "status_message"] = message
        return told

    def _body(self, import_set: Row, results: list[dict[str, str]]) -> dict[str, Any]:
        return {"import_set": import_set["number"], "staging_table": self.table, "result": results}

    def _require_create(self) -> None:
        if not self.instance.access.may(self.session.roles, "create", self.table):
            raise forbidden_change("Insert")

    def _may_read(self) -> bool:
        """Whether the caller sees the staged row and what its maps made of it."""
        targets = (it["target_table"] for it in self.instance.imports.transformer.maps(self.table))
        may = self.instance.access.may
        return all(may(self.session.roles, "read", table) for table in (self.table, *targets))
