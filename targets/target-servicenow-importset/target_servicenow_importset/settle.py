"""Learning what became of rows that were sent, without writing anything (apis/servicenow.md §3.2, law L3)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from ml_connector.delivery.answers import UNREADABLE, looked_for, never_arrived
from ml_connector.delivery.sink import Outcome, State
from ml_connector.errors import Forbidden

from target_servicenow_importset.ap_invoices.document import AP_INVOICE_API
from target_servicenow_importset.outcomes import DELIVERED, PENDING, staged, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ml_connector.delivery.sink import Effect, Row
    from ml_connector.http import Clock
    from ml_connector.vendors.servicenow.reader import Reader

    from target_servicenow_importset.ap_invoices.landing import Landing
    from target_servicenow_importset.moments import Moments
    from target_servicenow_importset.staging import Staging
    from target_servicenow_importset.tableapi import TableApi
    from target_servicenow_importset.transforms import Transforms

T = TypeVar("T")

KEPT = timedelta(days=6)  # staging rows are deleted after seven days (Z c_ImportSetsKeyConcepts.md)


@dataclass(slots=True)
class Settler:
    """Reads outcomes from staging rows, import sets and target tables."""

    reader: Reader
    staging: Staging
    transforms: Transforms
    table_api: TableApi
    documents: Landing
    moments: Moments
    window: timedelta  # how long after its answer was lost a row may still appear (L3)
    patience: float
    clock: Clock

    def settle(self, effects: Iterable[Effect], *, wait: bool) -> Iterator[Outcome]:
        """Yield the outcome of each row; with `wait`, look again until it is known or patience ends."""
        return looked_for(effects, self.look, patience=self.patience if wait else 0, clock=self.clock)

    def look(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        """Yield what can be told of each row now."""
        for (_, via, staging_row, import_set), rows in grouped(effects, _place).items():
            if via == "table":
                yield from self._in_table(rows)
            elif via == AP_INVOICE_API:
                yield from self.documents.look(rows)
            elif staging_row:
                yield from self._by_id(rows)
            elif import_set:
                yield from self._in_import_set(import_set, rows)
            else:
                yield from self._by_key(rows)

    def _in_import_set(self, import_set: str, effects: Sequence[Effect]) -> Iterator[Outcome]:
        def read() -> dict[int, Row]:
            return self.staging.of_import_set(import_set, effects)

        try:
            found = read()
            if not found and not self.staging.exists(import_set):
                # Deleted with its rows: only the keys can tell now.
                yield from self._by_key([replace(effect, handle=None) for effect in effects])
                return
            sets = {import_set} if len(found) < len(effects) else set()
            outcomes = self._staged(effects, found, read, sets)
        except Forbidden as error:
            outcomes = [_unreadable(effect, error) for effect in effects]
        yield from outcomes

    def _by_id(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        try:
            found = self.staging.by_id(effects)
            there = [effect for effect in effects if effect.id in found]
            outcomes = self._staged(there, found, lambda: self.staging.by_id(there), set())
        except Forbidden as error:
            yield from (_unreadable(effect, error) for effect in effects)
            return
        yield from outcomes
        yield from self._by_key([effect for effect in effects if effect.id not in found])

    def _staged(
        self, effects: Sequence[Effect], found: dict[int, Row], read: Callable[[], dict[int, Row]], open_sets: set[str]
    ) -> list[Outcome]:
        """Return the outcomes of staging rows; a row still open in a finished import set stays as it is."""
        open_sets |= {row["sys_import_set"] for row in found.values() if row.get("sys_import_state") == PENDING}
        ended = {import_set for import_set in open_sets if self.staging.finished(import_set)}
        if ended:
            found = read()  # the last rows may have moved between the two looks
        if effects and self._several_maps(effects[0].table):
            found = {number: _worst_state(row) for number, row in found.items()}
        errors = self.staging.errors(found.values())
        return [_staged_outcome(effect, found.get(effect.id), ended, errors) for effect in effects]

    def _several_maps(self, table: str) -> bool:
        try:
            return len(self.transforms.of(table)) > 1
        except Forbidden:
            return False

    def _by_key(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        """Look for a lost answer's row in the staging table, and where that cannot tell, in the target table."""
        if not effects:
            return
        try:
            found = self.staging.newest(effects, self.moments.newer)
            there = [effect for effect in effects if effect.id in found]
            outcomes = self._staged(there, found, lambda: self.staging.newest(there, self.moments.newer), set())
        except Forbidden:
            yield from self._in_target(effects)
            return
        yield from outcomes
        absent = [effect for effect in effects if effect.id not in found]
        yield from (self._absent(effect) for effect in absent if self.moments.since(effect.sent_at) <= KEPT)
        yield from self._in_target([effect for effect in absent if self.moments.since(effect.sent_at) > KEPT])

    def _in_target(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        """Look in the table that the staging table is transformed into."""
        if not effects:
            return
        try:
            found = self._targets(effects)
        except Forbidden as error:
            yield from (_unreadable(effect, error) for effect in effects)
            return
        for effect in effects:
            if row := found.get(effect.id):
                yield Outcome(effect, State.DELIVERED, action="updated", target_id=row["sys_id"])
            else:
                yield self._absent(effect)

    def _targets(self, effects: Sequence[Effect]) -> dict[int, Row]:
        """Return the target row of each effect that was saved since the attempt and holds its texts.

        A time stamp alone proves nothing: people edit these rows too.
        """
        table, rows = effects[0].table, self.staging.rows
        columns = rows.key_columns(effects[0])
        transform = next((it for it in self.transforms.of(table) if set(columns) <= it.coalesce.keys()), None)
        if transform is None:
            raise Forbidden(f"no transform map of {table} tells which row of the target table has this key")
        keys = {effect.id: rows.key(effect) for effect in effects}
        into = [transform.coalesce[column] for column in columns]
        texts = {effect.id: rows.texts_in(effect, transform.target, transform.fields) for effect in effects}
        fields = {"sys_updated_on", *(name for it in texts.values() for name in it)}
        found = self.reader.lookup(transform.target, into, keys.values(), sorted(fields))
        live = ((effect, found[keys[effect.id]][0]) for effect in effects if keys[effect.id] in found)
        return {
            effect.id: row
            for effect, row in live
            if self.moments.newer(effect, row["sys_updated_on"])
            and all(row[name].strip() == value.strip() for name, value in texts[effect.id].items())
        }

    def _in_table(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        try:
            for effect, outcome in self.table_api.found(effects, self.moments.newer):
                yield outcome or self._absent(effect)
        except Forbidden as error:
            yield from (_unreadable(effect, error) for effect in effects)

    def _absent(self, effect: Effect) -> Outcome:
        """Judge a row that is nowhere to be seen: it never arrived, once the settle window has passed (L3)."""
        if _loaded(effect):
            message = "the row was loaded, but it cannot be found again to read its outcome"
            return unreadable(effect, message, effect.handle or {})
        if self.moments.since(effect.lost_at) > self.window:
            return never_arrived(effect, self.window)
        message = "the answer was lost; the row may still appear"
        return Outcome(effect, State.IN_DOUBT, handle=effect.handle, reason="answer_lost", message=message)


def grouped(items: Iterable[Effect], key: Callable[[Effect], T]) -> dict[T, list[Effect]]:
    """Return the items by key, in their order."""
    groups: dict[T, list[Effect]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def _place(effect: Effect) -> tuple[str, str, bool, str]:
    """Say where an effect's outcome is to be read."""
    handle = effect.handle or {}
    return effect.table, effect.via, bool(handle.get("staging_row")), str(handle.get("import_set") or "")


def _worst_state(row: Row) -> Row:
    """Return the row of a table with several transform maps as the worst of them left it.

    Its state is the last map's; the error of an earlier one stays attached to it.
    """
    refused = row.get("sys_row_error") and row.get("sys_import_state") in DELIVERED
    return {**row, "sys_import_state": "error", "sys_import_state_comment": ""} if refused else row


def _staged_outcome(effect: Effect, row: Row | None, ended: set[str], errors: Mapping[str, str]) -> Outcome:
    if row is None:
        import_set = (effect.handle or {}).get("import_set")
        return _not_loaded(effect) if import_set in ended else Outcome(effect, State.SENT, handle=effect.handle)
    if row.get("sys_import_state") == PENDING and row["sys_import_set"] in ended:
        return _not_transformed(effect)
    return staged(effect, row, errors.get(row.get("sys_row_error", ""), ""))


def _unreadable(effect: Effect, error: Forbidden) -> Outcome:
    if not _loaded(effect):
        message = f"the answer was lost, and whether the row arrived may not be read: {error}"
        return Outcome(effect, State.IN_DOUBT, handle=effect.handle, reason=UNREADABLE, message=message)
    return unreadable(effect, f"the row was loaded, but its outcome may not be read: {error}", effect.handle or {})


def _loaded(effect: Effect) -> bool:
    """Say whether the instance is known to have taken the row: it gave a handle, or said so without one."""
    return effect.handle is not None


def _not_transformed(effect: Effect) -> Outcome:
    return Outcome(
        effect,
        State.PARKED,
        reason="not_transformed",
        message=f"the import set is processed, but no transform map took this row of {effect.table}",
        suggestion="Activate the table's transform map, then run again.",
    )


def _not_loaded(effect: Effect) -> Outcome:
    return Outcome(
        effect,
        State.FAILED,
        reason="not_loaded",
        message="the import set is processed and does not hold this row",
        suggestion="It is sent again at the next run.",
    )
