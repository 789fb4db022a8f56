"""What the instance's own integrations say later of rows that were imported well (apis/servicenow.md §3.2, §6.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.delivery.sink import TARGET_REPORTED, Outcome, State
from ml_connector.errors import ConfigError, Forbidden

from target_servicenow_importset.moments import GRAIN, MOMENT
from target_servicenow_importset.outcomes import DELIVERED as IMPORTED
from target_servicenow_importset.settle import grouped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from ml_connector.delivery.sink import Effect, Row
    from ml_connector.vendors.servicenow.dictionary import Dictionary
    from ml_connector.vendors.servicenow.reader import Reader

    from target_servicenow_importset.rows import Rows
    from target_servicenow_importset.transforms import Transforms

STATUS, MESSAGE, ERP_STATUS = "Integration status", "Processing message", "ERP integration status"  # labels
FAILING = ("Failed", "Error")


@dataclass(frozen=True, slots=True)
class Watched:
    """A table that tells of its rows, under these columns."""

    table: str
    status: str
    message: str | None


@dataclass(slots=True)
class Reviewer:
    """Asks each table once for the rows that are in trouble: as many calls as tables, however many rows there are."""

    reader: Reader
    dictionary: Dictionary
    rows: Rows
    transforms: Transforms

    def review(self, effects: Iterable[Effect]) -> Iterator[Outcome]:
        """Yield the rows the instance complains of, and those it complained of and does no longer."""
        for table, members in grouped(effects, lambda effect: effect.table).items():
            complaints: dict[int, Row] = {}
            seen: set[int] = set()
            for watched, by_key in self._places(table, members):
                try:
                    found = self._complaints(watched, members, by_key=by_key)
                    seen |= self._seen(watched, members, by_key=by_key)
                except (Forbidden, ConfigError):
                    continue  # whoever may not look is not told; `ping` says what may be read
                complaints |= {number: self._told(row, watched) for number, row in found.items()}
            yield from (_complaint(effect, complaints[effect.id]) for effect in members if effect.id in complaints)
            yield from (
                Outcome(effect, State.DELIVERED, target_id=effect.target_id)
                for effect in members
                if effect.id in seen and effect.id not in complaints and effect.handle
            )

    def _places(self, table: str, effects: Sequence[Effect]) -> Iterator[tuple[Watched, bool]]:
        """Yield where rows of a table are told of: in the staging table by key, in the target table by id."""
        targets = [table]
        if effects[0].via != "table":
            try:
                targets = [it.target for it in self.transforms.of(table)]
            except Forbidden:
                targets = []
            yield from ((watched, True) for watched in self._watched(table, STATUS))
        for target in targets:
            yield from ((watched, False) for watched in self._watched(target, ERP_STATUS))

    def _watched(self, table: str, label: str) -> Iterator[Watched]:
        live = self.dictionary.table(table)
        messages = [column.element for column in live.find(MESSAGE)]
        yield from (Watched(table, it.element, next(iter(messages), None)) for it in live.find(label)[:1])

    def _complaints(self, watched: Watched, effects: Sequence[Effect], *, by_key: bool) -> dict[int, Row]:
        since = min((effect.sent_at for effect in effects if effect.sent_at), default=None)
        recent = f"^sys_updated_on>={self._server(since)}" if since else ""
        query = f"{watched.status}IN{','.join(FAILING)}{recent}"
        found = self.reader.rows(watched.table, query, self._fields(watched, effects, by_key=by_key))
        failing = [row for row in found if row.get(watched.status) in FAILING]  # a term may be dropped unsaid (§0.6)
        if by_key:  # a row that the import itself refused is no later trouble
            failing = [row for row in failing if row.get("sys_import_state") in IMPORTED]
        return self._matched(failing, effects, by_key=by_key)

    def _seen(self, watched: Watched, effects: Sequence[Effect], *, by_key: bool) -> set[int]:
        """Return which rows in trouble the instance still shows, with a status that says that it is over."""
        troubled = [effect for effect in effects if effect.handle]
        if not troubled:
            return set()
        fields = self._fields(watched, troubled, by_key=by_key)
        if by_key:
            columns, keys = self.rows.key_columns(troubled[0]), [self.rows.key(effect) for effect in troubled]
        else:
            columns, keys = ("sys_id",), [(effect.target_id or "",) for effect in troubled]
        found = self.reader.lookup(watched.table, list(columns), keys, (), fields)
        rows = [row for group in found.values() for row in group if row.get(watched.status, "") not in ("", *FAILING)]
        return set(self._matched(rows, troubled, by_key=by_key))

    def _matched(self, rows: Sequence[Row], effects: Sequence[Effect], *, by_key: bool) -> dict[int, Row]:
        """Return, per effect, the row that its newest attempt made, or its row in the target table."""
        if not by_key:
            by_id = {row.get("sys_id"): row for row in rows}
            return {effect.id: by_id[effect.target_id] for effect in effects if effect.target_id in by_id}
        columns = self.rows.key_columns(effects[0])
        keyed: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            keyed.setdefault(tuple(row.get(column, "").strip() for column in columns), []).append(row)
        mine = {effect.id: keyed.get(tuple(it.strip() for it in self.rows.key(effect)), []) for effect in effects}
        newest = {effect.id: self._newest(mine[effect.id], effect) for effect in effects}
        return {number: row for number, row in newest.items() if row is not None}

    def _newest(self, rows: Sequence[Row], effect: Effect) -> Row | None:
        since = self._server(effect.sent_at - GRAIN) if effect.sent_at else ""
        ours = [row for row in rows if row.get("sys_created_on", "") >= since]
        return max(ours, key=lambda row: row.get("sys_created_on", ""), default=None)

    def _fields(self, watched: Watched, effects: Sequence[Effect], *, by_key: bool) -> list[str]:
        own = [watched.status, *([watched.message] if watched.message else []), "sys_created_on"]
        return [*own, *(("sys_import_state", *self.rows.key_columns(effects[0])) if by_key else ())]

    def _server(self, moment: datetime) -> str:
        return self.reader.server_time(moment).strftime(MOMENT)

    def _told(self, row: Row, watched: Watched) -> Row:
        return {"status": row[watched.status], "message": row.get(watched.message or "", "")}


def _complaint(effect: Effect, told: Row) -> Outcome:
    return Outcome(
        effect,
        State.REFUSED,
        target_id=effect.target_id,
        reason=TARGET_REPORTED,
        message=f"ServiceNow: {told['status']}: {told['message'] or 'no message'}",
        suggestion="Remove the cause there and let it process the row: it then closes by itself. Or correct the "
        "record in the source: its next version is sent.",
    )
