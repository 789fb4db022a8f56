"""A batch on its way: check everything, write the outbox, send phase by phase, settle."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.delivery import deadletters, outbox
from ml_connector.delivery.balance import SUPERSEDED, Line, Tally
from ml_connector.delivery.sink import Effect, Outcome, State
from ml_connector.delivery.work import OLDER_VERSION_OPEN, OPEN_STATES, KnownDelivery, Verdict, Work
from ml_connector.errors import EnvironmentFault, OutOfPatience
from ml_connector.store.text import encode, stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from ml_connector.delivery.deadletters import StreamShape
    from ml_connector.delivery.planner import Planner
    from ml_connector.delivery.settings import EngineSettings
    from ml_connector.delivery.sink import Sink
    from ml_connector.delivery.trail import Trail
    from ml_connector.store import Store

PAUSES = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
"""How long a failed record waits before the next runs try it again."""

STOPPED = (EnvironmentFault, OutOfPatience)
"""Faults after which no further row can be sent in this run."""


@dataclass(slots=True)
class Run:
    """What every part of one run shares."""

    id: str
    settings: EngineSettings
    target_id: str
    map_version: str
    store: Store
    trail: Trail
    tally: Tally = field(default_factory=Tally)
    shapes: dict[str, StreamShape] = field(default_factory=dict)


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
        fresh = [(work, self._row(work, verdict)) for work, verdict in decided if not work.delivery_id]
        ids = outbox.add_deliveries(connection, [row for _, row in fresh])
        for (work, _), delivery_id in zip(fresh, ids, strict=True):
            work.delivery_id = delivery_id
        inserted = {id(work) for work, _ in fresh}
        changed = [
            {"id": work.delivery_id, **self._row(work, verdict)}
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

    def _row(self, work: Work, verdict: Verdict) -> dict[str, Any]:
        record, now = work.record, stamp(utc_now())
        settled = verdict.state in (State.DELIVERED, State.UNCHANGED)
        attempts, retry_at = self._next_attempt(work.known, verdict)
        row = {
            "target_id": self._run.target_id,
            "business_key": work.key,
            "pipeline": self._run.settings.pipeline,
            "erp_source": record.erp_source,
            "company": record.company,
            "record_type": record.record_type,
            "title": record.title,
            "state": State.DELIVERED if settled else verdict.state,
            "reason": verdict.reason or None,
            "field": verdict.field,
            "value": verdict.value,
            "message": verdict.message or None,
            "suggestion": verdict.suggestion or None,
            "amount": None if record.amount is None else str(record.amount),
            "currency": record.currency,
            "document_date": None if record.document_date is None else record.document_date.isoformat(),
            "source_state": record.source_state,
            "source_modified_at": record.source_modified_at,
            "duplicate_key": record.duplicate_key,
            "defaulted": encode(work.defaulted) if work.defaulted else None,
            "source_hash": work.source_hash,
            "map_version": self._run.map_version,
            "attempts": attempts,
            "next_attempt_at": retry_at,
            "last_run": self._run.id,
            "run_outcome": verdict.state,
        }
        if verdict.reason == OLDER_VERSION_OPEN:  # the stored version stays the one whose rows are under way
            del row["source_hash"], row["map_version"]
        if work.known is None or work.known.state != row["state"]:
            row["since"] = now
        if settled:
            row |= {
                "settled_source_hash": work.source_hash,
                "settled_map_version": self._run.map_version,
                "verified_at": now,
            }
        return row

    def _next_attempt(self, known: KnownDelivery | None, verdict: Verdict) -> tuple[int, str | None]:
        if verdict.state != State.FAILED:
            return 0, None
        attempts = (known.attempts if known else 0) + 1
        if attempts > self._run.settings.max_attempts:
            return attempts, _NEVER
        pause = PAUSES[min(attempts, len(PAUSES)) - 1]
        at = max(verdict.retry_at or utc_now(), utc_now() + pause)
        return attempts, stamp(at)


_NEVER = "9999-12-31T00:00:00.000000+00:00"
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
