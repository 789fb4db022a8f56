"""Where posted invoices land: what the instance's log and its own table of invoices show of them (law L3)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.delivery.answers import UNREADABLE, never_arrived
from ml_connector.delivery.reading import Found
from ml_connector.delivery.sink import Outcome, State
from ml_connector.errors import Forbidden

from target_servicenow_importset.ap_invoices.document import INVOICES, LINE_LIST, LINES, column, line_count, staged
from target_servicenow_importset.outcomes import ambiguous, logged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import timedelta

    from ml_connector.delivery.reading import Reading
    from ml_connector.delivery.sink import Effect, Row
    from ml_connector.vendors.servicenow.dictionary import Dictionary
    from ml_connector.vendors.servicenow.reader import Reader

    from target_servicenow_importset.ap_invoices.log import Entry, InvoiceLog
    from target_servicenow_importset.moments import Moments
    from target_servicenow_importset.reread import Rereader


ACCEPTED = "accepted, not processed yet"


@dataclass(slots=True)
class Landing:
    """Looks for posted invoices; writes nothing."""

    reader: Reader
    dictionary: Dictionary
    log: InvoiceLog
    rereader: Rereader
    moments: Moments
    window: timedelta  # how long an invoice may take from its call to its row

    def rows(self, effects: Sequence[Effect]) -> dict[int, list[Row]]:
        """Return the instance's invoices by effect id. Raises Forbidden."""
        table = self.dictionary.table(INVOICES)
        columns = [table.element(name) for name in effects[0].key]
        keys = {effect.id: tuple(effect.key.values()) for effect in effects}
        found = self.reader.lookup(INVOICES, columns, keys.values(), (), ["number"])
        return {effect.id: found.get(keys[effect.id], []) for effect in effects}

    def lines(self, invoices: Iterable[str]) -> Mapping[str, int] | None:
        """Return how many lines each invoice has, None when they may not be read."""
        try:
            found = self.reader.lookup(LINES, ["invoice"], [(number,) for number in invoices], ())
        except Forbidden:
            return None
        return Counter({number: len(rows) for (number,), rows in found.items()})

    # what became of a call

    def look(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        """Yield what can be told of each invoice now."""
        told = self.log.entries(effects)
        try:
            rows = self.rows(effects)
        except Forbidden as error:
            yield from (self._unreadable(effect, told.get(effect.id), error) for effect in effects)
            return
        lines = self.lines(row["sys_id"] for found in rows.values() for row in found)
        trouble = self.log.trouble() if len(told) < len(effects) else ""
        for effect in effects:
            entry, found = told.get(effect.id), rows[effect.id]
            if len(found) > 1:
                yield ambiguous(effect, len(found))
            elif entry is not None and entry.failed:
                yield self._refused(effect, entry, next((row["sys_id"] for row in found), None))
            elif found:
                yield self._landed(effect, found[0], entry, lines) or self._waiting(effect, entry, trouble)
            else:
                yield self._waiting(effect, entry, trouble)

    def _refused(self, effect: Effect, entry: Entry, number: str | None) -> Outcome:
        """Judge an invoice that the log complains of; a call of ours that came twice is no fault of the invoice."""
        if number is not None and entry.twice and self._shows(effect, number):
            return Outcome(effect, State.DELIVERED, action="unchanged", target_id=number)
        return logged(effect, entry.words, number)

    def _landed(self, effect: Effect, row: Row, entry: Entry | None, lines: Mapping[str, int] | None) -> Outcome | None:
        """Judge an invoice that is there; None when it is not known yet whether it is this attempt's, and whole."""
        number = row["sys_id"]
        missing = 0 if lines is None else line_count(effect) - lines.get(number, 0)
        done = entry is not None and entry.done
        if entry is not None and not done:
            return None
        if missing > 0:
            over = done or self.moments.since(effect.sent_at) > self.window
            return _incomplete(effect, row, missing) if over else None
        if done or effect.target_id is None or self._shows(effect, number):
            action = "updated" if effect.target_id else "created"
            return Outcome(effect, State.DELIVERED, action=action, target_id=number)
        return None

    def _shows(self, effect: Effect, number: str) -> bool:
        """Say whether an invoice that is there shows what was sent, with all its lines."""
        return self.compare([replace(effect, target_id=number)])[effect.id].found is Found.EQUAL

    def _waiting(self, effect: Effect, entry: Entry | None, trouble: str) -> Outcome:
        """Judge an invoice that is not there, or not all of it: never arrived, once the settle window has passed."""
        handle = effect.handle or ({"batch": entry.batch} if entry else None)
        if handle is not None:
            why = f"; the log of invoices cannot be read: {trouble}" if trouble and not entry else ""
            told = "the log says that it was processed, but it is not seen" if entry and entry.done else ACCEPTED
            return Outcome(effect, State.SENT, handle=handle, message=f"{told}{why}")
        if self.moments.since(effect.lost_at) > self.window:
            return never_arrived(effect, self.window)
        message = "the answer was lost; the invoice may still appear"
        return Outcome(effect, State.IN_DOUBT, reason="answer_lost", message=message)

    def _unreadable(self, effect: Effect, entry: Entry | None, error: Forbidden) -> Outcome:
        if entry is not None and entry.failed:
            return logged(effect, entry.words, None)
        if entry is not None and entry.done:
            return Outcome(effect, State.DELIVERED, action="created", target_id=effect.target_id)
        handle = effect.handle or ({"batch": entry.batch} if entry else None)
        return Outcome(
            effect,
            State.SENT if handle else State.IN_DOUBT,
            handle=handle,
            reason=UNREADABLE,
            message=f"whether the invoice arrived may not be read: {error}",
            suggestion=f"Give the account a role that may read {INVOICES}.",
        )

    # delivered invoices again

    def compare(self, effects: Sequence[Effect]) -> dict[int, Reading]:
        """Compare invoices with the instance's, header and number of lines, under the document's own names."""
        own = {effect.id: effect for effect in effects}
        read = {reading.effect.id: reading for reading in self.rereader.reread(map(staged, effects))}
        there = {number: reading for number, reading in read.items() if reading.found in (Found.EQUAL, Found.DIFFERS)}
        rows = self.rows([own[number] for number in there]) if there else {}
        lines = self.lines(row["sys_id"] for found in rows.values() for row in found)
        return {
            number: _named(reading, own[number], _lines_of(rows.get(number, ()), lines))
            for number, reading in read.items()
        }


def _lines_of(rows: Sequence[Row], lines: Mapping[str, int] | None) -> int | None:
    return None if lines is None or len(rows) != 1 else lines.get(rows[0]["sys_id"], 0)


def _named(reading: Reading, effect: Effect, lines: int | None) -> Reading:
    """Return a reading of a staged header as one of the document."""
    names = {column(name): name for name in effect.payload}
    differences = {names.get(name, name): pair for name, pair in reading.differences.items()}
    compared = [names.get(name, name) for name in reading.compared]
    found, sent = reading.found, line_count(effect)
    if lines is not None and LINE_LIST in effect.payload:
        compared.append(LINE_LIST)
        if lines != sent:
            differences[LINE_LIST] = (f"{sent} lines", f"{lines} lines")
            found = Found.DIFFERS
    return replace(
        reading,
        effect=effect,
        found=found,
        differences=differences,
        compared=tuple(compared),
        left_out={names.get(name, name): why for name, why in reading.left_out.items()},
        amounts={names.get(name, name): amount for name, amount in reading.amounts.items()},
    )


def _incomplete(effect: Effect, row: Row, missing: int) -> Outcome:
    return Outcome(
        effect,
        State.PARKED,
        target_id=row["sys_id"],
        reason="incomplete_invoice",
        message=f"{missing} of {line_count(effect)} lines are not in invoice {row.get('number') or row['sys_id']}",
        field=LINE_LIST,
        suggestion="Delete it there while it is a draft, or add the lines there; then run again.",
    )
