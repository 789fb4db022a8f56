"""Writing tables that have no staging table: look up by key, then POST or PATCH (`via: table`)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ml_connector.delivery.sink import Outcome, State

from target_servicenow_importset.calls import Call
from target_servicenow_importset.outcomes import ambiguous, same_key, written
from target_servicenow_importset.values import same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ml_connector.delivery.sink import Effect, Row
    from ml_connector.vendors.servicenow.reader import Reader

    from target_servicenow_importset.rows import Rows


class TableApi:
    """Turns effects into Table API writes, and reads what became of them."""

    def __init__(self, reader: Reader, rows: Rows) -> None:
        self._reader = reader
        self._rows = rows

    def plan(self, effects: Sequence[Effect]) -> tuple[list[Outcome], list[Call]]:
        """Look the keys up; return the outcomes known without a write, and the writes."""
        outcomes: list[Outcome] = []
        calls: list[Call] = []
        for effect, live in self._live(effects):
            if len(live) > 1:
                outcomes.append(ambiguous(effect, len(live)))
            elif not live and self._rows.key_columns(effect) == ("sys_id",):
                outcomes.append(_gone(effect))
            elif live and self._of_another(effect, live[0]):
                outcomes.append(same_key(effect, ", ".join(live[0][name] for name in self._rows.key_columns(effect))))
            elif live and not self._differences(effect, live[0]):
                outcomes.append(_delivered(effect, live[0], "unchanged"))
            else:
                calls.append(self._call(effect, live))
        return outcomes, calls

    def found(
        self, effects: Sequence[Effect], newer: Callable[[Effect, str], bool]
    ) -> Iterator[tuple[Effect, Outcome | None]]:
        """Say of each in-doubt row whether its write is seen in the table; None = not seen.

        A reference, a date or money may be stored in the instance's own form, so a row that was created since the
        attempt (`newer`) need only have its texts. One that was there before must show every value: others edit it.
        """
        for effect, live in self._live(effects):
            if len(live) > 1:
                yield effect, ambiguous(effect, len(live))
                continue
            differ = self._differences(effect, live[0]) if live else []
            fresh = bool(live) and newer(effect, live[0].get("sys_created_on", ""))
            if live and (not differ or (fresh and not self._texts(effect, differ))):
                yield effect, _delivered(effect, live[0], "updated" if effect.target_id else "created")
            else:
                yield effect, None

    def _live(self, effects: Sequence[Effect]) -> Iterator[tuple[Effect, list[Row]]]:
        """Yield each effect of one table with the live rows of its key."""
        columns = self._rows.key_columns(effects[0])
        wanted = {element for effect in effects for element in self._rows.plain(effect)}
        keys = [self._rows.key(effect) for effect in effects]
        optional = (*sorted(wanted), "sys_created_on")
        found = self._reader.lookup(effects[0].table, columns, keys, (), optional)
        for effect, key in zip(effects, keys, strict=True):
            yield effect, found.get(key, [])

    def _of_another(self, effect: Effect, row: Row) -> bool:
        """Say whether a row was found by a key in another case, and is none that this record was delivered to."""
        names = self._rows.key_columns(effect)
        found = [row[name].strip() for name in names]
        return found != [value.strip() for value in self._rows.key(effect)] and row["sys_id"] != effect.target_id

    def _call(self, effect: Effect, live: Sequence[Row]) -> Call:
        body = self._rows.plain(effect)
        query = urlencode({"sysparm_fields": ",".join(("sys_id", *body)), "sysparm_exclude_reference_link": "true"})
        row = f"/{live[0]['sys_id']}" if live else ""
        path = f"/api/now/table/{effect.table}{row}?{query}"
        return Call(effect, "PATCH" if live else "POST", path, body, partial(self._read, created=not live))

    def _read(self, effect: Effect, answer: Any, *, created: bool) -> Outcome:
        outcome = written(effect, answer, created=created)
        if outcome.state is not State.DELIVERED:
            return outcome
        lost = self._not_stored(effect, {name: str(value) for name, value in answer["result"].items()})
        if not lost:
            return outcome
        return replace(
            outcome,
            state=State.PARKED,
            reason="column_not_written",
            message=f"the row was saved without the new value of {', '.join(lost)}",
            field=lost[0],
            suggestion=f"Give the account a role that may write these columns of {effect.table}, then run again.",
        )

    def _not_stored(self, effect: Effect, stored: Row) -> list[str]:
        """Return the columns whose sent value did not arrive: the instance leaves out what the account may not write.

        It keeps references, dates and numbers in its own form, so only texts must come back as they were sent.
        """
        differ = [name for name in self._differences(effect, stored) if name in stored]
        return [name for name in differ if stored[name] == "" or self._texts(effect, [name])]

    def _differences(self, effect: Effect, row: Row) -> list[str]:
        """Return the columns that do not show the value sent, unreadable ones included."""
        table = self._rows.table(effect)
        sent = self._rows.plain(effect).items()
        return [name for name, value in sent if name not in row or not same(value, row[name], table.column(name))]

    def _texts(self, effect: Effect, columns: Sequence[str]) -> list[str]:
        table = self._rows.table(effect)
        return [name for name in columns if table.column(name).is_text]


def _delivered(effect: Effect, row: Row, action: str) -> Outcome:
    return Outcome(effect, State.DELIVERED, action=action, target_id=row["sys_id"])


def _gone(effect: Effect) -> Outcome:
    return Outcome(
        effect,
        State.FAILED,
        reason="row_gone",
        message=f"the row of {effect.table} that was to be taken over is gone",
        suggestion="It is looked for anew at the next run.",
    )
