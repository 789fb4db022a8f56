"""Import sets: rows staged and transformed at once or later, and what is told about it (apis/servicenow.md §3)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.servicenow.records import text_of
from ml_connector_simulators.servicenow.store import STAMP
from ml_connector_simulators.servicenow.transform import Transformed, Transformer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector_simulators.servicenow.installation import Installation
    from ml_connector_simulators.servicenow.records import Records
    from ml_connector_simulators.servicenow.store import Row, Store

MAX_ROW_BYTES = 8126
TOTALS = {"inserted": "inserts", "updated": "updates", "ignored": "ignored", "skipped": "skipped", "error": "errors"}
WAITING = {"loading", "loaded"}
KEPT_SECONDS = 7 * 24 * 3600


class RowTooLargeError(Exception):
    """A staging row may not exceed 8,126 bytes (§3.3)."""


class ImportSets:
    """The import sets of an instance."""

    def __init__(self, store: Store, records: Records, installation: Installation) -> None:
        self._store = store
        self._installation = installation
        self.transformer = Transformer(store, records)

    def single(self, table: str, record: Mapping[str, Any], user: str) -> tuple[Row, Row, list[Transformed]]:
        """Stage one row and transform it now; the set, the staged row and one result per map."""
        import_set = self._open_set(table)
        last = self._store.last(table, sys_import_set=import_set["sys_id"])
        number = int(last["sys_import_row"]) + 1 if last else 0
        row = self._stage(table, record, import_set, number, user)
        results = self._transform(table, row) if self._installation.transform_synchronously else []
        return import_set, row, results

    def multiple(
        self, table: str, records: list[Mapping[str, Any]], user: str, *, run_after: str = "", multi: str = ""
    ) -> Row:
        """Stage many rows for a later transform; keys are column labels unless a record says otherwise (§0.1)."""
        setting = next(iter(self._store.find("sys_rest_insert_multiple", source_table=table)), None)
        synchronous = setting is not None and setting["transformation"] == "synchronous"
        mode = "synchronous" if synchronous else "asynchronous"
        multi = multi or self._store.insert("sys_multi_import_set", {"state": "loading"})["sys_id"]
        import_set = self._new_set(table, mode, run_after=run_after, multi_import_set=multi)
        by_name = setting is not None and setting["column_mapping"] == "column_name"
        for number, record in enumerate(records):
            try:
                self._stage(table, record if by_name else self._named(table, record), import_set, number, user)
            except RowTooLargeError:
                continue  # the row is missing afterwards, nothing says so
        if synchronous:
            self._finish(import_set["sys_id"])
        return import_set

    def step(self) -> None:
        """Move every asynchronous set on by one state; one that runs after another waits for it."""
        for import_set in self._waiting():
            self._step(import_set)

    def _step(self, import_set: Row) -> None:
        before = self._store.get("sys_import_set", import_set["run_after"]) if import_set["run_after"] else None
        if import_set["state"] == "loading":
            loaded = {"state": "loaded", "load_completed": self._store.now()}
            self._store.update("sys_import_set", import_set["sys_id"], loaded)
        elif before is None or before["state"] == "processed":
            self._finish(import_set["sys_id"])

    def catch_up(self) -> None:
        """Process what is due by the clock."""
        due = self._ago(self._installation.import_seconds)
        for import_set in self._waiting():
            if import_set["sys_created_on"] <= due:
                if import_set["state"] == "loading":
                    self._step(import_set)
                self._step({**import_set, "state": "loaded"})

    def finish(self) -> None:
        """Process everything that waits, as a test asks for."""
        while True:
            before = [(it["sys_id"], it["state"]) for it in self._waiting()]
            self.step()
            if before == [(it["sys_id"], it["state"]) for it in self._waiting()]:
                return

    def clean(self) -> None:
        """Delete import sets older than a week with their rows, as the nightly job does (§3.2)."""
        week_ago = self._ago(KEPT_SECONDS)
        for import_set in self._store.find("sys_import_set"):
            if import_set["sys_created_on"] < week_ago:
                for row in self._store.find(import_set["table_name"], sys_import_set=import_set["sys_id"]):
                    self._store.delete(import_set["table_name"], row["sys_id"])
                self._store.delete("sys_import_set", import_set["sys_id"])

    def _ago(self, seconds: float) -> str:
        now = datetime.strptime(self._store.now(), STAMP).replace(tzinfo=UTC)
        return (now - timedelta(seconds=seconds)).strftime(STAMP)

    def _waiting(self) -> list[Row]:
        found = self._store.find("sys_import_set", mode="asynchronous")
        return [it for it in found if it["state"] in WAITING]

    def _finish(self, set_id: str) -> None:
        import_set = self._store.get("sys_import_set", set_id)
        if import_set is None:
            return
        table = import_set["table_name"]
        rows = self._store.find(table, sys_import_set=set_id, sys_import_state="pending")
        for row in sorted(rows, key=lambda it: int(it["sys_import_row"])):
            self._transform(table, row)
        for run in self._store.find("sys_import_set_run", set=set_id):
            state = "complete_with_errors" if run["errors"] != "0" else "complete"
            self._store.update("sys_import_set_run", run["sys_id"], {"state": state, "completed": self._store.now()})
        self._store.update("sys_import_set", set_id, {"state": "processed"})

    def _open_set(self, table: str) -> Row:
        """Single posts of one day share a set."""
        found = self._store.find("sys_import_set", table_name=table, mode="synchronous", state="loading")
        today = self._store.now()[:10]
        same_day = (it for it in found if it["sys_created_on"].startswith(today))
        return next(same_day, None) or self._new_set(table, "synchronous")

    def _new_set(self, table: str, mode: str, **values: str) -> Row:
        return self._store.insert("sys_import_set", {"table_name": table, "mode": mode, "state": "loading", **values})

    def _named(self, table: str, record: Mapping[str, Any]) -> dict[str, Any]:
        labels = {column.label: element for element, column in self._store.schema.columns(table).items()}
        return {labels[label]: value for label, value in record.items() if label in labels}

    def _stage(self, table: str, record: Mapping[str, Any], import_set: Row, number: int, user: str) -> Row:
        """Write one staging row: texts, cut at max_length without a word."""
        own = {column.element: column for column in self._store.schema.tables[table].columns}
        values = {name: text_of(value)[: own[name].max_length] for name, value in record.items() if name in own}
        if sum(len(value.encode()) for value in values.values()) > MAX_ROW_BYTES:
            raise RowTooLargeError
        values |= {"sys_import_set": import_set["sys_id"], "sys_import_row": str(number)}
        return self._store.insert(table, values, user)

    def _transform(self, table: str, row: Row) -> list[Transformed]:
        results = []
        for transform_map in self.transformer.maps(table):
            result = self.transformer.run(transform_map, row)
            run = self._run(row["sys_import_set"], transform_map, result.state)
            self._tell(table, row, run, result)
            results.append(result)
        return results

    def _run(self, set_id: str, transform_map: Row, state: str) -> Row:
        """The history of one map over one set, with this row counted."""
        key = {"set": set_id, "sys_transform_map": transform_map["sys_id"]}
        found = self._store.match("sys_import_set_run", key, 1)
        run = found[0] if found else self._store.insert("sys_import_set_run", {**key, "state": "running"})
        counts = Counter({name: int(run[name]) for name in ("total", *TOTALS.values())})
        counts.update(["total", TOTALS[state]])
        self._store.update("sys_import_set_run", run["sys_id"], {name: str(n) for name, n in counts.items()})
        return run

    def _tell(self, table: str, row: Row, run: Row, result: Transformed) -> None:
        """Write the outcome into the staging row, its error and its integration status."""
        values = {
            "sys_import_state": result.state,
            "sys_import_state_comment": result.message,
            "sys_target_table": result.map["target_table"],
            "sys_target_sys_id": result.target_id,
            "sys_transform_map": result.map["sys_id"],
            "import_set_run": run["sys_id"],
        }
        if result.state == "error":
            error = {
                "row": row["sys_id"],
                "run": run["sys_id"],
                "error_code": result.error_code,
                "error_message": result.message,
                "field": result.error_field,
            }
            values["sys_row_error"] = self._store.insert("sys_import_set_row_error", error)["sys_id"]
            prefix = "u_" if "u_integration_status" in row else ""
            values |= {f"{prefix}integration_status": "Failed", f"{prefix}processing_message": result.message}
        self._store.update(table, row["sys_id"], values)
