"""Transform maps at work: one staging row into target rows (apis/servicenow.md §3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector_simulators.servicenow.money import REFERENCE_CURRENCY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector_simulators.servicenow.records import Records, Value
    from ml_connector_simulators.servicenow.schema import Column
    from ml_connector_simulators.servicenow.store import Row, Store

NULL = "NULL"  # the literal that clears a field
REFERENCE_REJECTED, CHOICE_REJECTED, INVALID_TARGET = "100", "200", "800"  # codes of sys_import_set_row_error


@dataclass(frozen=True, slots=True)
class Transformed:
    """What one map made of one row: `state` as `sys_import_state` tells it."""

    map: Row
    row_id: str
    state: str
    target_id: str = ""
    message: str = ""
    error_code: str = ""
    error_field: str = ""


class RejectedError(Exception):
    """The whole row is refused by a field map."""

    def __init__(self, code: str, column: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.column = column


class Transformer:
    """Runs the active maps of a staging table; as user System, so no access rule applies."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records

    def maps(self, table: str) -> list[Row]:
        """The active maps of a staging table, in order."""
        found = self._store.find("sys_transform_map", source_table=table, active="true")
        return sorted(found, key=lambda it: int(it["order"]))

    def run(self, transform_map: Row, row: Row) -> Transformed:
        """Transform one staging row by one map."""
        entries = self._store.find("sys_transform_entry", map=transform_map["sys_id"])
        try:
            values = self._values(transform_map, entries, row)
        except RejectedError as refused:
            return Transformed(transform_map, row["sys_id"], "error", "", str(refused), refused.code, refused.column)
        keys = [it["target_field"] for it in entries if it["coalesce"] == "true"]
        return Transformed(transform_map, row["sys_id"], *self._write(transform_map, keys, values))

    def _write(self, transform_map: Row, keys: list[str], values: dict[str, Value]) -> tuple[str, str, str]:
        """Find the target row by the coalesce columns and write it: state, target, message."""
        target = transform_map["target_table"]
        wanted = {key: str(values.get(key, "")) for key in keys}
        if keys and not any(wanted.values()) and transform_map["create_new_record_on_empty_coalesce"] != "true":
            return "skipped", "", "No coalesce value"
        found = self._store.match(target, wanted, 1) if any(wanted.values()) else []
        if not found:
            row = self._records.insert(target, values, "system")
            return "inserted", row["sys_id"], ""
        existing = found[0]
        # A coalesce value that differs only in case found its row: it is no change.
        changes = self._records.changed(target, existing, {k: v for k, v in values.items() if k not in wanted})
        if not changes:
            return "ignored", existing["sys_id"], "No field values changed"
        self._records.update(target, existing, changes, "system")
        return "updated", existing["sys_id"], ""

    def _values(self, transform_map: Row, entries: list[Row], row: Row) -> dict[str, Value]:
        """The target's values. An empty one overwrites nothing unless the map copies empty fields."""
        target = transform_map["target_table"]
        columns = self._store.schema.columns(target)
        values: dict[str, Value] = {}
        for entry in entries:
            name = entry["target_field"]
            if name not in columns or entry["source_field"] not in row:
                raise RejectedError(INVALID_TARGET, name, f"Invalid field in the transform map: {name}")
            text = row[entry["source_field"]]
            if text == NULL or (not text and transform_map["copy_empty_fields"] == "true"):
                values[name] = ""
            elif text:
                values.update(self._records.typed(target, *self._resolved(entry, columns[name], text, row)))
        return values

    def _resolved(self, entry: Row, column: Column, text: str, row: Row) -> tuple[Mapping[str, str], str]:
        """One value ready for its column, and the currency a bare amount is in."""
        currency = row.get(entry["currency_field"], "") or REFERENCE_CURRENCY
        if column.reference:
            text = self._referenced(entry, column, text, row)
        elif column.choices:
            text = _choice(entry, column, text)
        elif column.element == "erp_source" and not self._store.match("sn_fin_erp_source", {"code": text}, 1):
            raise RejectedError(REFERENCE_REJECTED, column.element, f"ERP source {text} does not exist")
        return ({column.element: text} if text else {}), currency

    def _referenced(self, entry: Row, column: Column, text: str, row: Row) -> str:
        """The row a code stands for, within the ERP source of the staging row where the table has one."""
        schema = self._store.schema
        by = entry["reference_value_field"] or schema.display_column(column.reference)
        equals = {by: text}
        if "erp_source" in schema.columns(column.reference):
            equals["erp_source"] = row.get("erp_source") or row.get("u_erp_source", "")
        found = self._store.match(column.reference, equals, 1)
        if found:
            return found[0]["sys_id"]
        if entry["choice_action"] == "reject":
            message = f"Reference value rejected for {column.element}: {text}"
            raise RejectedError(REFERENCE_REJECTED, column.element, message)
        return self._store.insert(column.reference, equals)["sys_id"] if entry["choice_action"] == "create" else ""


def _choice(entry: Row, column: Column, text: str) -> str:
    for value, label in column.choices.items():
        if text.lower() in {value.lower(), label.lower()}:
            return value
    if entry["choice_action"] == "reject":
        raise RejectedError(CHOICE_REJECTED, column.element, f"Choice value rejected for {column.element}: {text}")
    return text if entry["choice_action"] == "create" else ""
