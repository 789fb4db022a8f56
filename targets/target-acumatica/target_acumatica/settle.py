"""Learning what became of lost answers and long operations, without writing anything (law L3).

The server may queue a request for ten minutes and carry it out long after we stopped waiting (apis/acumatica.md §2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.answers import UNREADABLE, looked_for, never_arrived
from ml_connector.delivery.sink import Outcome, State
from ml_connector.errors import Forbidden, RecordParked

from target_acumatica import outcomes
from target_acumatica.actions import ACTION_FAILED
from target_acumatica.document import HOLD
from target_acumatica.lines import all_lines, remember
from target_acumatica.writer import is_known

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from ml_connector.delivery.sink import Effect
    from ml_connector.http import Clock

    from target_acumatica.document import Document, Record
    from target_acumatica.writer import Writer


@dataclass(slots=True)
class Settler:
    """Looks documents up."""

    writer: Writer
    window: timedelta  # how long after its answer was lost a document may still appear (L3)
    patience: float
    clock: Clock

    def settle(self, effects: Iterable[Effect], *, wait: bool) -> Iterator[Outcome]:
        """Yield the outcome of each document; with `wait`, look again until it is known or patience ends."""
        return looked_for(effects, self._look, patience=self.patience if wait else 0, clock=self.clock)

    def _look(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        for effect in effects:
            try:
                yield self._under_way(effect) if effect.handle else self._lost(effect)
            except Forbidden as error:
                words = f"what became of the document may not be read: {error}"
                state = State.SENT if effect.handle else State.IN_DOUBT
                yield Outcome(effect, state, handle=effect.handle, reason=UNREADABLE, message=words)

    # long operations

    def _under_way(self, effect: Effect) -> Outcome:
        """Look at a document whose action had not ended."""
        handle = effect.handle or {}
        try:
            if not self.writer.actions.is_over(str(handle.get("location"))):
                return Outcome(effect, State.SENT, handle=handle, message="its action is under way")
            words = "it ended, and the document does not show it"
        except RecordParked as error:
            words = error.message
        record = self._record(effect)
        action = str(handle.get("action"))
        if record is None or self.writer.actions.open([action], record):
            memory = {**(effect.memory or {}), "todo": [action, *self.writer.actions.due(effect.table, effect.memory)]}
            return Outcome(effect, State.PARKED, reason=ACTION_FAILED, message=words, field=action, memory=memory)
        return self._shown(effect, self.writer.document(effect), record)

    # lost answers

    def _lost(self, effect: Effect) -> Outcome:
        """Look for a document of which nothing was answered."""
        document = self.writer.document(effect)
        record = self._record(effect)
        if record is not None:
            return self._judged(effect, document, record)
        rows = self.writer.references([effect])[effect.id]
        if len(rows) > 1:
            return outcomes.ambiguous(effect, [row["id"] for row in rows])
        if not rows:
            return self._absent(effect)
        found = self.writer.reader.by_id(effect.table, rows[0]["id"], document.expand)
        return self._absent(effect) if found is None else self._judged(effect, document, found)

    def _record(self, effect: Effect) -> Record | None:
        if effect.target_id is None:
            return None
        return self.writer.reader.by_id(effect.table, effect.target_id, self.writer.document(effect).expand)

    def _judged(self, effect: Effect, document: Document, record: Record) -> Outcome:
        """Say whether a document shows the write whose answer was lost.

        A new one is ours as it is, once all its lines are there: the tenant may change values as it saves them. One
        that was there before must show every value.
        """
        matched = all_lines(document, record, effect.memory, fresh=None if is_known(effect.memory) else {})
        incomplete = any(lines.missing or lines.vanished for lines in matched.values())
        lines = [
            it
            for name, found in matched.items()
            for row, live in found.pairs.items()
            for it in document.line_differences(name, row, live)
        ]
        header = document.header_differences(record)
        differing = [*header, *lines]
        incomplete |= self.writer.is_held(effect, document) and any(it.path == HOLD for it in header)
        if incomplete or (is_known(effect.memory) and differing):
            return self._unfinished(effect, record, remember(matched))
        return self._shown(effect, document, record)

    def _shown(self, effect: Effect, document: Document, record: Record) -> Outcome:
        """Return the outcome of a document that is there as it was sent; its actions may still have to be run."""
        matched = all_lines(document, record, effect.memory, fresh=None if is_known(effect.memory) else {})
        due = self.writer.actions.due(effect.table, effect.memory)
        if self.writer.actions.open(due, record):
            return self._unfinished(effect, record, remember(matched))
        return Outcome(
            effect,
            State.DELIVERED,
            action="updated" if is_known(effect.memory) else "created",
            target_id=str(record["id"]),
            memory=remember(matched),
            answered=outcomes.texts(document.values(record)),
        )

    def _unfinished(self, effect: Effect, record: Record, memory: dict[str, Any]) -> Outcome:
        """Judge a document that is there, but not all of what was sent: the rest may still come (L3)."""
        target_id = str(record["id"])
        if not self._is_past(effect):
            words = "the answer was lost; the document is there, and the rest may still come"
            return Outcome(effect, State.IN_DOUBT, reason="answer_lost", message=words, target_id=target_id)
        return Outcome(
            effect,
            State.FAILED,
            reason="incomplete",
            message="the answer was lost; the document is there, but does not show all that was sent",
            suggestion="It is completed at the next run.",
            target_id=target_id,
            memory={**memory, **self.writer.to_remember(effect)},
        )

    def _absent(self, effect: Effect) -> Outcome:
        """Judge a document that is nowhere to be seen: it never arrived, once the settle window has passed (L3)."""
        if not self._is_past(effect):
            words = "the answer was lost; the document may still appear"
            return Outcome(effect, State.IN_DOUBT, reason="answer_lost", message=words)
        return never_arrived(effect, self.window)

    def _is_past(self, effect: Effect) -> bool:
        return self._since(effect.lost_at) > self.window

    def _since(self, moment: datetime | None) -> timedelta:
        """Return how long ago a moment was; none that was told is not over."""
        return timedelta(0) if moment is None else self.clock.now() - moment
