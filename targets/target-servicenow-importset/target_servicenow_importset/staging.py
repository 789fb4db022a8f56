"""Reading staging rows back: by import set, by their own id, or by key (apis/servicenow.md §3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigError, Forbidden
from ml_connector.vendors.servicenow.reader import demand

from target_servicenow_importset.outcomes import STATE_FIELDS
from target_servicenow_importset.values import same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ml_connector.delivery.sink import Effect, Key, Row
    from ml_connector.vendors.servicenow.reader import Reader

    from target_servicenow_importset.rows import Rows

# Z r_ImportRunHistory.md
CODES = {
    "100": "reference value rejected",
    "200": "choice value rejected",
    "300": "list reference value rejected",
    "800": "invalid target record or field",
    "900": "transform script error",
}
DONE = "processed"  # of sys_import_set.state
IDS_A_CALL = 50  # of 32 characters, so that the URL stays within what proxies take


@dataclass(slots=True)
class Staging:
    """Reads the rows of staging tables. Every method raises Forbidden when the account may not see them."""

    reader: Reader
    rows: Rows

    def of_import_set(self, import_set: str, effects: Sequence[Effect]) -> dict[int, Row]:
        """Return the staging row of each effect (by effect id) that one import set holds.

        They are matched by key: one call never holds a key twice.
        """
        columns = self.rows.key_columns(effects[0])
        fields = (*columns, *STATE_FIELDS)
        found = self.reader.rows(effects[0].table, f"sys_import_set={import_set}", fields)
        demand(effects[0].table, columns, found)
        found.sort(key=lambda row: int(row.get("sys_import_row") or 0))
        by_key: dict[Key, Row] = {tuple(row[column].strip() for column in columns): row for row in found}
        keys = ((effect, tuple(value.strip() for value in self.rows.key(effect))) for effect in effects)
        return {effect.id: by_key[key] for effect, key in keys if key in by_key}

    def by_id(self, effects: Sequence[Effect]) -> dict[int, Row]:
        """Return the staging row of each effect whose handle names it."""
        ids = {effect.id: str((effect.handle or {})["staging_row"]) for effect in effects}
        found = self.reader.lookup(effects[0].table, ["sys_id"], [(it,) for it in ids.values()], (), STATE_FIELDS)
        return {number: found[(row,)][0] for number, row in ids.items() if (row,) in found}

    def newest(self, effects: Sequence[Effect], newer: Callable[[Effect, str], bool]) -> dict[int, Row]:
        """Return, per effect, the newest staging row of its key, if that row is this effect's newest attempt.

        An older version of the same key has other values, or was loaded before this attempt went out.
        """
        columns = self.rows.key_columns(effects[0])
        sent = {effect.id: self.rows.staging(effect) for effect in effects}
        fields = {element for row in sent.values() for element in row}
        keys = {effect.id: self.rows.key(effect) for effect in effects}
        found = self.reader.lookup(effects[0].table, columns, keys.values(), sorted(fields), STATE_FIELDS)
        result: dict[int, Row] = {}
        for effect in effects:
            row = self._newest(found.get(keys[effect.id], []), effect, sent[effect.id])
            if row and newer(effect, row.get("sys_created_on", "")):
                result[effect.id] = row
        return result

    def _newest(self, rows: Sequence[Row], effect: Effect, sent: Row) -> Row | None:
        table = self.rows.table(effect)
        latest = max((row.get("sys_created_on", "") for row in rows), default="")
        for row in (row for row in rows if row.get("sys_created_on", "") == latest):
            if all(same(value, row[name], table.column(name)) for name, value in sent.items()):
                return row
        return None

    def exists(self, import_set: str) -> bool:
        """Say whether the import set is still there: it is deleted after seven days, with its rows."""
        return bool(self.reader.rows("sys_import_set", f"sys_id={import_set}", ("state",)))

    def finished(self, import_set: str) -> bool:
        """Say whether no row of this import set will change any more."""
        sets = self.reader.rows("sys_import_set", f"sys_id={import_set}", ("state",))
        if any(row.get("state", "").lower() == DONE for row in sets):
            return True
        # The end states' tokens are UNCONFIRMED, so `completed` counts as much (apis/servicenow.md §3.2).
        runs = self.reader.rows("sys_import_set_run", f"set={import_set}", ("state", "completed"))
        ended = [row.get("completed") or row.get("state", "").lower().startswith("complete") for row in runs]
        return bool(ended) and all(ended)

    def errors(self, rows: Iterable[Row]) -> dict[str, str]:
        """Return the coded transform errors by the id that `sys_row_error` holds; {} when they may not be read."""
        ids = sorted({row["sys_row_error"] for row in rows if row.get("sys_row_error")})
        try:
            # The columns are UNCONFIRMED, so all are read.
            found = [
                row
                for at in range(0, len(ids), IDS_A_CALL)
                for row in self.reader.rows(
                    "sys_import_set_row_error", f"sys_idIN{','.join(ids[at : at + IDS_A_CALL])}"
                )
            ]
        except (Forbidden, ConfigError):
            return {}
        return {row["sys_id"]: _words(row) for row in found}


def _words(row: Row) -> str:
    """Return the text of an error row, and its code in words."""
    texts = [value for name, value in row.items() if " " in value and not name.startswith("sys_")]
    return " ".join([*(CODES[value] for value in row.values() if value in CODES), *texts])
