"""A batch on its way: check everything, write the outbox, send phase by phase, settle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.delivery import deadletters, outbox
from ml_connector.delivery.balance import SUPERSEDED, Line
from ml_connector.delivery.delivery_row import delivery_row
from ml_connector.delivery.sink import Effect, Outcome, State
from ml_connector.delivery.work import OPEN_STATES, Verdict, Work
from ml_connector.errors import BadAnswer, ConfigError, EnvironmentFault, OutOfPatience

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from ml_connector.delivery.planner import Planner
    from ml_connector.delivery.run import Run
    from ml_connector.delivery.sink import Sink

STOPPED = (BadAnswer, ConfigError, EnvironmentFault, OutOfPatience)
"""Faults after which no further row can be sent in this run."""


class Dispatcher:
    """Takes batches of received records to their outcomes."""

    def __init__(self, run: Run, sink: Sink, planner: Planner) -> None:
        self._run = run
        self._sink = sink
        self._planner = planner

    def process(self, received: Sequence[Work]) -> int:
        """Bring each work to a verdict that is durable; return how many were delivered.

        Raises the sink's fault after settling what is known, when the target can take no more in this run.
        """
        works = self._newest(received)
        self._recognise(works)
        self._planner.triage(works)
        self._plan([work for work in works if work.verdict is None and not work.keep])
        decided = [work for work in works if work.verdict is not None or work.keep]
        self._conclude(decided)
        fault = self._send([work for work in works if work.verdict is None and not work.keep])
        if fault is not None:
            raise fault
        return sum(1 for work in works if work.verdict and work.verdict.state == State.DELIVERED)

    def _newest(self, received: Sequence[Work]) -> list[Work]:
        """Keep only the newest version of each key; the others are superseded."""
        newest: dict[str, Work] = {}
        for work in received:
            if (older := newest.pop(work.key, None)) is not None and not older.recheck:
                older.stored = True
                self._supersede(
                    older.record.company, older.record.record_type, older.record.currency, older.record.amount
                )
            newest[work.key] = work
        return list(newest.values())

    def _supersede(self, company: str, record_type: str, currency: str | None, amount: Any) -> None:
        self._run.tally.add(Line(company, record_type, SUPERSEDED, "", currency or ""), amount)

    def _recognise(self, works: Sequence[Work]) -> None:
        with self._run.store.transaction() as connection:
            known = outbox.find(connection, self._run.target_id, [work.key for work in works])
        for work in works:
            work.known = known.get(work.key)
            work.delivery_id = work.known.id if work.known else 0

    def _plan(self, works: Sequence[Work]) -> None:
        if not works:
            return
        wanted = {work.key: work.record.duplicate_key for work in works if work.record.duplicate_key}
        with self._run.store.transaction() as connection:
            outbox.load_effects(connection, [work.known for work in works if work.known])
            twins = outbox.duplicates(connection, self._run.target_id, wanted)
        self._planner.plan(works, twins)

    # sending

    def _send(self, works: Sequence[Work]) -> Exception | None:
        if not works:
            return None
        waiting = self._write_outbox(works)
        fault: Exception | None = None
        while waiting:
            phase = min(phase for phase, _ in waiting)
            batch = [effect for at, effect in waiting if at == phase]
            outcomes, fault = self._hand_over(batch)
            by_key = {work.key: work for work in works}
            for outcome in outcomes:
                by_key[outcome.effect.business_key].outcomes.append(outcome)
            waiting = [] if fault else self._next_phase(waiting, phase, by_key)
            self._settle(works, outcomes, waiting)
        return fault

    def _write_outbox(self, works: Sequence[Work]) -> list[tuple[int, Effect]]:
        """Make every row to be sent durable, and the first phase as going out (L2)."""
        with self._run.store.transaction() as connection:
            self._write_deliveries(connection, [(work, _GOING_OUT) for work in works])
            outbox.write_effects(connection, works)
            outbox.drop_rows(connection, works)
            waiting = [(work.phase_of(effect), effect) for work in works for effect in work.effects]
            first = min(phase for phase, _ in waiting)
            outbox.mark_going_out(connection, [effect for phase, effect in waiting if phase == first])
        return waiting

    def _hand_over(self, batch: Sequence[Effect]) -> tuple[list[Outcome], Exception | None]:
        """Send one phase; a row whose answer is missing is in doubt, never failed (L3)."""
        answered: dict[int, Outcome] = {}
        fault: Exception | None = None
        try:
            for outcome in self._sink.send(batch):
                answered[outcome.effect.id] = outcome
        except STOPPED as error:
            fault = error
        words = str(fault) if fault else "the target connector gave no answer for this row"
        lost = (Outcome(e, State.IN_DOUBT, reason="no_answer", message=words) for e in batch if e.id not in answered)
        return [*answered.values(), *lost], fault

    @staticmethod
    def _next_phase(waiting: list[tuple[int, Effect]], done: int, works: dict[str, Work]) -> list[tuple[int, Effect]]:
        """Keep what later phases send, for records whose earlier rows have arrived."""
        arrived = (State.DELIVERED, State.SENT)
        return [
            (phase, effect)
            for phase, effect in waiting
            if phase > done and all(outcome.state in arrived for outcome in works[effect.business_key].outcomes)
        ]

    def _settle(self, works: Sequence[Work], outcomes: list[Outcome], waiting: list[tuple[int, Effect]]) -> None:
        """Store outcomes and, for records with nothing left to send, their verdicts and events, in one transaction."""
        unfinished = {effect.business_key for _, effect in waiting}
        finished = [work for work in works if work.key not in unfinished and work.verdict is None]
        for work in finished:
            work.verdict = work.conclusion
        with self._run.store.transaction() as connection:
            outbox.settle(connection, outcomes)
            if waiting:
                following = min(phase for phase, _ in waiting)
                outbox.mark_going_out(connection, [effect for phase, effect in waiting if phase == following])
            self._write_verdicts(connection, finished)

    # verdicts

    def _conclude(self, works: Sequence[Work]) -> None:
        """Store the verdicts of records that need no request."""
        if works:
            with self._run.store.transaction() as connection:
                self._write_verdicts(connection, works)

    def _write_verdicts(self, connection: Connection, works: Sequence[Work]) -> None:
        kept = [
            {"id": w.delivery_id, "last_run": self._run.id, "run_outcome": w.known.state}
            for w in works
            if w.keep and w.known
        ]
        outbox.change_deliveries(connection, kept)
        self._count_stored([work for work in works if work.keep])
        decided = [(work, work.verdict) for work in works if work.verdict is not None and not work.keep]
        self._write_deliveries(connection, decided)
        settled = [work.key for work, verdict in decided if verdict.state not in OPEN_STATES]
        deadletters.close_letters(connection, self._run.target_id, settled, "settled")
        unsettled = [(work, self._run.shapes[work.stream]) for work, verdict in decided if verdict.state in OPEN_STATES]
        deadletters.open_letters(connection, self._run.id, self._run.settings.pipeline, self._run.target_id, unsettled)
        told = [(work, verdict) for work, verdict in decided if verdict.state != State.UNCHANGED]
        self._run.trail.append(connection, [(verdict.state, work.key, _story(work, verdict)) for work, verdict in told])

    def _write_deliveries(self, connection: Connection, decided: Sequence[tuple[Work, Verdict]]) -> None:
        fresh = [(work, delivery_row(self._run, work, verdict)) for work, verdict in decided if not work.delivery_id]
        ids = outbox.add_deliveries(connection, [row for _, row in fresh])
        for (work, _), delivery_id in zip(fresh, ids, strict=True):
            work.delivery_id = delivery_id
        inserted = {id(work) for work, _ in fresh}
        changed = [
            {"id": work.delivery_id, **delivery_row(self._run, work, verdict)}
            for work, verdict in decided
            if id(work) not in inserted
        ]
        outbox.change_deliveries(connection, changed)
        self._count_stored([work for work, _ in decided])

    def _count_stored(self, works: Sequence[Work]) -> None:
        """Count as superseded what this run already had for a key whose outcome is written anew."""
        for work in works:
            again = work.known is not None and work.known.last_run == self._run.id and not work.recheck
            if again and work.known and not work.stored:
                self._supersede(work.record.company, work.record.record_type, work.known.currency, work.known.amount)
            work.stored = True


_GOING_OUT = Verdict(State.IN_DOUBT, "going_out", "the request was about to leave when this was written")


def _story(work: Work, verdict: Verdict) -> dict[str, Any]:
    """Return what the trail keeps of one record's outcome; no payload, so no personal data (L10)."""
    rows = {
        outcome.effect.name: {
            "state": outcome.state,
            "action": outcome.action,
            "target_id": outcome.target_id,
            "request_id": outcome.request_id,
        }
        for outcome in work.outcomes
    }
    told = {
        "reason": verdict.reason,
        "field": verdict.field,
        "message": verdict.message,
        "rows": rows,
        "gone": work.gone,
    }
    return {"source_hash": work.source_hash, **{name: value for name, value in told.items() if value}}
