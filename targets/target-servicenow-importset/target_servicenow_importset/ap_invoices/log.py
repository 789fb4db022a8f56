"""The instance's log of posted invoices (apis/servicenow.md §6.4).

The documentation names the table, and that it is found by the batch id. Its columns are UNCONFIRMED: they are looked
for in the instance's dictionary under likely names, or named in the settings; without them the invoices themselves must
tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigError, Forbidden

from target_servicenow_importset.ap_invoices.document import NUMBER, source_of
from target_servicenow_importset.moments import MOMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ml_connector.delivery.sink import Effect, Key, Row
    from ml_connector.vendors.servicenow.dictionary import Dictionary
    from ml_connector.vendors.servicenow.reader import Reader

    from target_servicenow_importset.moments import Moments

LOG = "sn_spend_intg_invoice_integration_log"
LIKELY: dict[str, tuple[str, ...]] = {
    "batch": ("batch_id", "u_batch_id", "batchid", "Batch ID", "Batch"),
    "source": ("source_system", "u_source_system", "Source system", "Source-System"),
    "invoice": (NUMBER, f"u_{NUMBER}", "External invoice number", "Invoice number"),
    "status": ("status", "u_status", "integration_status", "state", "Status", "Integration status", "State"),
    "message": ("error_message", "u_error_message", "processing_message", "message", "Error message", "Message"),
}
NEEDED = ("batch", "status")
BY_NUMBER = ("source", "invoice")  # companies may use one number, so that alone names no invoice
STUCK = timedelta(days=1)  # an invoice that waits longer is not waited for
FAILING = ("error", "fail", "reject", "invalid", "skip")  # UNCONFIRMED, so any word that says so
TWICE = ("duplicate", "already exist", "exists already")  # UNCONFIRMED likewise
DONE = ("success", "processed", "complete", "created", "inserted", "updated", "done")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the log says of one invoice."""

    batch: str
    status: str
    words: str

    @property
    def failed(self) -> bool:
        """Say whether the instance did not take the invoice, or not wholly."""
        return any(word in self.status.lower() for word in FAILING)

    @property
    def twice(self) -> bool:
        """Say whether the instance refused the invoice because it has it."""
        return self.failed and any(word in self.words.lower() for word in TWICE)

    @property
    def done(self) -> bool:
        """Say whether the instance took the invoice."""
        return not self.failed and any(word in self.status.lower() for word in DONE)


@dataclass(slots=True)
class InvoiceLog:
    """Reads the log; what cannot be read is no reason to stop."""

    reader: Reader
    dictionary: Dictionary
    moments: Moments
    named: Mapping[str, str]  # columns from the settings
    _columns: dict[str, str] = field(default_factory=dict)

    def columns(self) -> dict[str, str]:
        """Return the log's columns by what they tell. Raises Forbidden, ConfigError naming the setting."""
        if not self._columns:
            live = self.dictionary.table(LOG)
            for what, likely in LIKELY.items():
                names = [self.named[what]] if self.named.get(what) else likely
                found = next((each[0].element for each in map(live.find, names) if len(each) == 1), "")
                if found:
                    self._columns[what] = found
            missing = [what for what in NEEDED if what not in self._columns]
            if missing:
                self._columns.clear()
                raise ConfigError(
                    f"{LOG}: which column tells the {' and the '.join(missing)} is not known: name it in the setting "
                    "ap_invoice_log_columns"
                )
        return self._columns

    def trouble(self) -> str:
        """Return why the log cannot be read, '' when it can."""
        try:
            self.columns()
            self.reader.probe(LOG)
        except (Forbidden, ConfigError) as error:
            return str(error)
        return ""

    def entries(self, effects: Sequence[Effect]) -> dict[int, Entry]:
        """Return what the log says of each invoice's newest attempt, by effect id; {} when it may not be read."""
        try:
            columns = self.columns()
            return self._of_batches(effects, columns) | self._by_number(effects, columns)
        except (Forbidden, ConfigError):
            return {}

    def _of_batches(self, effects: Sequence[Effect], columns: Mapping[str, str]) -> dict[int, Entry]:
        batches = {effect.id: str((effect.handle or {}).get("batch") or "") for effect in effects}
        found = self._rows(columns["batch"], set(batches.values()) - {""}, columns)
        told = ((effect, _about(effect, found.get((batches[effect.id],), ()), columns)) for effect in effects)
        return {effect.id: _entry(rows[-1], columns) for effect, rows in told if rows}

    def _by_number(self, effects: Sequence[Effect], columns: Mapping[str, str]) -> dict[int, Entry]:
        """Look up invoices whose answer, and so their batch, was lost."""
        lost = [effect for effect in effects if not (effect.handle or {}).get("batch")]
        told = {}
        for effect, rows in self._of_numbers(lost, columns):
            mine = [row for row in rows if self.moments.newer(effect, row.get("sys_created_on", ""))]
            if mine:
                told[effect.id] = _entry(mine[-1], columns)
        return told

    def under_way(self, effects: Sequence[Effect]) -> dict[int, Entry]:
        """Return which invoices an earlier call has brought, and the instance has not processed yet."""
        try:
            columns = self.columns()
            found = list(self._of_numbers(effects, columns))
        except (Forbidden, ConfigError):
            return {}
        since = self.moments.reader.server_time(self.moments.clock.now() - STUCK).strftime(MOMENT)
        told: dict[int, Entry] = {}
        for effect, rows in found:
            late = [row for row in rows if row.get("sys_created_on", "") >= since]
            if late and not ((entry := _entry(late[-1], columns)).done or entry.failed):
                told[effect.id] = entry
        return told

    def _of_numbers(self, effects: Sequence[Effect], columns: Mapping[str, str]) -> Iterator[tuple[Effect, list[Row]]]:
        """Yield each invoice with the rows of its source and number."""
        if not effects or not all(what in columns for what in BY_NUMBER):
            return
        source = columns["source"]
        found = self._rows(columns["invoice"], {effect.key[NUMBER] for effect in effects}, columns)
        for effect in effects:
            rows = found.get((effect.key[NUMBER],), [])
            yield effect, [row for row in rows if row.get(source, "").strip() == source_of(effect).strip()]

    def _rows(self, column: str, values: Iterable[str], columns: Mapping[str, str]) -> dict[Key, list[Row]]:
        keys = [(value,) for value in values]
        if not keys:
            return {}
        optional = (*columns.values(), "sys_created_on")
        found = self.reader.lookup(LOG, [column], keys, [columns[what] for what in NEEDED], optional)
        return {key: sorted(rows, key=lambda row: row.get("sys_created_on", "")) for key, rows in found.items()}


def _about(effect: Effect, rows: Sequence[Row], columns: Mapping[str, str]) -> list[Row]:
    """Return the rows of a batch that are about one invoice: by its number, else by a message that names it."""
    number = effect.key[NUMBER]
    if "invoice" in columns:
        return [row for row in rows if row.get(columns["invoice"], "").strip() == number.strip()]
    named = re.compile(rf"(?<!\w){re.escape(number)}(?!\w)")
    return [row for row in rows if named.search(row.get(columns.get("message", ""), ""))]


def _entry(row: Row, columns: Mapping[str, str]) -> Entry:
    return Entry(row[columns["batch"]], row[columns["status"]], row.get(columns.get("message", ""), ""))
