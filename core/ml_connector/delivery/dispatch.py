"""A batch on its way: check everything, write the outbox, send phase by phase, settle."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.delivery import deadletters, echo, outbox
from ml_connector.delivery.balance import CARRIED_IN, RECEIVED, SUPERSEDED, Line
from ml_connector.delivery.delivery_row import delivery_row, kept_row
from ml_connector.delivery.discretion import discreet_error, discreet_outcome, discreet_verdict
from ml_connector.delivery.edited import apply_edits, void_edits
from ml_connector.delivery.late import await_headers
from ml_connector.delivery.news import news
from ml_connector.delivery.sink import Effect, Outcome, State
from ml_connector.delivery.withdrawal import VANISHED
from ml_connector.delivery.work import OPEN_STATES, Verdict, Work
from ml_connector.errors import ConnectorError
from ml_connector.store.text import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from ml_connector.delivery.planner import Planner
    from ml_connector.delivery.run import Run
    from ml_connector.delivery.sink import Sink
    from ml_connector.delivery.stop_rule import StopRule
    from ml_connector.delivery.work import KnownDelivery


class Dispatcher:
    """Takes batches of received records to their outcomes."""

    def __init__(self, run: Run, sink: Sink, planner: Planner, stop_rule: StopRule) -> None:
        self._run = run
        self._sink = sink
        self._planner = planner
        self._stop_rule = stop_rule

    def process(self, received: Sequence[Work]) -> int:
        """Bring each work to a verdict that is durable; return how many were delivered or are on their way.

        Raises the sink's fault after settling what is known, when the target can take no more in this run; and
        TooManyRefused.
        """
        works = self._newest(received)
        self._recognise(works)
        newest, works = works, self._pass_by(works)
        self._planner.triage(works)
        self._plan([work for work in works if work.is_open])
        self._conclude([work for work in works if not work.is_open])
        fault = self._send([work for work in works if work.is_open])
        if fault is not None:
            raise fault
        self._run.witness.note(newest)
        self._stop_rule.watch(works)
        return sum(1 for work in works if work.moved)

    def _newest(self, received: Sequence[Work]) -> list[Work]:
        """Keep only the newest version of each key; the others are superseded."""
        newest: dict[str, Work] = {}
        for work in received:
            if (older := newest.pop(work.key, None)) is not None and not older.recheck:
                older.stored = True
                self._count(SUPERSEDED, older, older.record.currency, older.record.amount)
            newest[work.key] = work
        return list(newest.values())

    def _count(self, kind: str, work: Work, currency: str | None, amount: Any, count: int = 1) -> None:
        line = Line(work.record.company, work.record.record_type, kind, "", currency or "")
        self._run.tally.add(line, amount, count)

    def _recognise(self, works: Sequence[Work]) -> None:
        with self._run.store.transaction() as connection:
            known = outbox.find(connection, self._run.target_id, [work.key for work in works])
            apply_edits(connection, self._run, works)
            echo.recognise(connection, [work for work in works if not _has_arrived(known.get(work.key))])
        for work in works:
            work.known = known.get(work.key)
            work.delivery_id = work.known.id if work.known else 0
            self._price(work)
            if work.known and work.known.in_flight and work.known.pipeline != self._run.settings.pipeline:
                self._run.take_over(work.known.pipeline)

    def _price(self, work: Work) -> None:
        """Count a vanished record, of which only the key is told, at the amount it was stored with."""
        known, record = work.known, work.record
        if known is None or record.source_state != VANISHED:
            return
        amount = None if known.amount is None else Decimal(known.amount)
        if not work.recheck:
            self._count(RECEIVED, work, record.currency, record.amount, -1)  # it has no amount of its own to take back
            self._count(RECEIVED, work, known.currency, amount)
        record.amount, record.currency = amount, known.currency

    def _pass_by(self, works: Sequence[Work]) -> list[Work]:
        """Count what a rule of a map leaves out, and return the rest; such a record is stored only if it was before."""
        for work in works:
            if work.left_out and work.known is None and work.verdict is not None:
                line = Line(
                    work.record.company,
                    work.record.record_type,
                    State.SKIPPED,
                    work.verdict.reason,
                    work.record.currency or "",
                )
                self._run.tally.add(line, work.record.amount)
                work.stored = True
        return [work for work in works if not work.stored]

    def _plan(self, works: Sequence[Work]) -> None:
        if not works:
            return
        wanted = [work.record.duplicate_key for work in works if work.record.duplicate_key]
        with self._run.store.transaction() as connection:
            outbox.load_effects(connection, [work.known for work in works if work.known])
            withdrawn = {work.known.id: work for work in works if work.withdrawn and work.known}
            for delivery_id, effect in outbox.effects_of(connection, list(withdrawn), self._run.store.sealer):
                withdrawn[delivery_id].sent.append(effect)
            twins = outbox.duplicates(connection, self._run.target_id, wanted)
        self._planner.plan(works, twins)

    # sending

    def _send(self, works: Sequence[Work]) -> ConnectorError | None:
        if not works:
            return None
        self._run.witness.permit(works)
        waiting = self._write_outbox(works)
        fault: ConnectorError | None = None
        while waiting:
            phase = min(phase for phase, _ in waiting)
            batch = [effect for at, effect in waiting if at == phase]
            outcomes, fault = self._hand_over(batch)
            later = {effect.business_key for at, effect in waiting if at > phase}
            if not (fault or self._sink.orders_phases):
                outcomes, fault = await_headers(self._run, self._sink, outcomes, later)
            by_key = {work.key: work for work in works}
            for outcome in outcomes:
                by_key[outcome.effect.business_key].outcomes.append(outcome)
            waiting = [] if fault else self._next_phase(waiting, phase, by_key)
            self._settle(works, outcomes, waiting)
        return fault

    def _write_outbox(self, works: Sequence[Work]) -> list[tuple[int, Effect]]:
        """Make every row to be sent durable, and the first phase as going out (L2)."""
        with self._run.store.transaction() as connection:
            self._write_deliveries(connection, [(work, _going_out(work)) for work in works])
            outbox.write_effects(connection, works, self._run.store.sealer, self._run.echoes.expected)
            outbox.drop_rows(connection, works)
            outbox.restore_rows(connection, works, self._run.store.sealer)
            waiting = [(work.phase_of(effect), effect) for work in works for effect in work.effects]
            first = min(phase for phase, _ in waiting)
            outbox.mark_going_out(connection, [effect for phase, effect in waiting if phase == first])
        self._mark_stored(works)
        return waiting

    def _hand_over(self, batch: Sequence[Effect]) -> tuple[list[Outcome], ConnectorError | None]:
        """Send one phase; a row whose answer is missing is in doubt, never failed (L3)."""
        answered: dict[int, Outcome] = {}
        fault: ConnectorError | None = None
        try:
            for outcome in self._sink.send(batch):
                answered[outcome.effect.id] = _dated(discreet_outcome(outcome))
        except ConnectorError as error:  # whatever it is, the answers that came are kept
            fault = discreet_error(error, batch)
        words = str(fault) if fault else "the target connector gave no answer for this row"
        lost = (Outcome(e, State.IN_DOUBT, reason="no_answer", message=words) for e in batch if e.id not in answered)
        return [*answered.values(), *map(_dated, lost)], fault

    def _next_phase(
        self, waiting: list[tuple[int, Effect]], done: int, works: dict[str, Work]
    ) -> list[tuple[int, Effect]]:
        """Keep what later phases send, for records whose earlier rows have arrived, or surely will before."""
        arrived = (State.DELIVERED, State.SENT) if self._sink.orders_phases else (State.DELIVERED,)
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
            outbox.settle(connection, outcomes, self._run.echoes.told)
            if waiting:
                following = min(phase for phase, _ in waiting)
                outbox.mark_going_out(connection, [effect for phase, effect in waiting if phase == following])
            self._write_verdicts(connection, finished)

    # verdicts

    def _conclude(self, works: Sequence[Work]) -> None:
        """Store the verdicts of records that need no request."""
        if not works:
            return
        with self._run.store.transaction() as connection:
            for work in works:
                if work.keep and work.known:
                    work.row = kept_row(self._run, work, work.known)
            outbox.change_deliveries(connection, [work.row for work in works if work.row])
            outbox.drop_rows(connection, works)
            outbox.restore_rows(connection, works, self._run.store.sealer)
            self._write_verdicts(connection, works)
        self._mark_stored(works)

    def _write_verdicts(self, connection: Connection, works: Sequence[Work]) -> None:
        for work in works:
            work.verdict = work.verdict and discreet_verdict(work.verdict, work.raw)
        decided = [(work, work.verdict) for work in works if work.verdict is not None and not work.keep]
        self._write_deliveries(connection, decided)
        settled = [work.key for work, verdict in decided if verdict.state not in OPEN_STATES]
        deadletters.close_letters(connection, self._run.target_id, settled, "settled")
        waiting = [work for work, verdict in decided if verdict.state in OPEN_STATES]
        overtaking = [work for work in works if work.keep and work.known and _needs_letter(work.known)]
        deadletters.open_letters(connection, self._run, waiting + overtaking)
        told = [news(work) for work in works if work.row]
        self._run.trail.append(connection, [entry for entry in told if entry is not None])

    def _write_deliveries(self, connection: Connection, decided: Sequence[tuple[Work, Verdict]]) -> None:
        void_edits(connection, self._run, [work for work, _ in decided])
        for work, verdict in decided:
            work.row = delivery_row(self._run, work, verdict)
        fresh = [work for work, _ in decided if not work.delivery_id]
        known = [work for work, _ in decided if work.delivery_id]
        ids = outbox.add_deliveries(connection, [work.row for work in fresh])
        for work, delivery_id in zip(fresh, ids, strict=True):
            work.delivery_id = delivery_id
        met = [self._run.id if work.stored or work.known is None else work.known.last_run for work in known]
        outbox.change_deliveries(connection, [{"id": work.delivery_id, **work.row} for work in known], met)

    def _mark_stored(self, works: Sequence[Work]) -> None:
        """Note, once it is durable, that these records have an outcome, and what that one takes the place of."""
        for work in works:
            known = work.known
            if known is not None and known.last_run == self._run.id and not work.stored:
                if not work.recheck:
                    self._count(SUPERSEDED, work, known.currency, known.amount)
                elif (known.currency, known.amount) != (work.record.currency, _text(work.record.amount)):
                    self._read_otherwise(work, known)
            work.stored = True

    def _read_otherwise(self, work: Work, known: KnownDelivery) -> None:
        """Carry a record in as this run's map reads it, not as the map before did."""
        amount = None if known.amount is None else -Decimal(known.amount)
        self._count(CARRIED_IN, work, known.currency, amount, -1)
        self._count(CARRIED_IN, work, work.record.currency, work.record.amount)


_GOING_OUT = Verdict(State.IN_DOUBT, "going_out", "the request was about to leave when this was written")


def _has_arrived(known: KnownDelivery | None) -> bool:
    """Say whether the target has confirmed some version of a record."""
    return known is not None and known.settled_source_hash is not None


def _needs_letter(known: KnownDelivery) -> bool:
    """Say whether a record that stays as it is may have no dead letter yet: STATE will pass it (L1)."""
    return known.state in OPEN_STATES


def _going_out(work: Work) -> Verdict:
    return replace(work.let_go, state=State.IN_DOUBT) if work.let_go else _GOING_OUT


def _dated(outcome: Outcome) -> Outcome:
    """Return an outcome; a lost answer's with the moment it was lost, from which the settle window counts (L3)."""
    if outcome.state != State.IN_DOUBT:
        return outcome
    return replace(outcome, effect=replace(outcome.effect, lost_at=utc_now()))


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)
