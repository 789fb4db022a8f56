"""Outcomes that come later: asynchronous rows and lost answers, learnt by looking, never by sending again (L3)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.delivery import deadletters, outbox
from ml_connector.delivery.attempts import advice, give_up, late_attempt
from ml_connector.delivery.circles import still_refers_back
from ml_connector.delivery.discretion import discreet_outcome
from ml_connector.delivery.news import TOLD_OF_A_ROW, late_news
from ml_connector.delivery.sink import Outcome, State
from ml_connector.delivery.work import IN_FLIGHT, INTERRUPTED, PENDING, KnownDelivery, Verdict, worst
from ml_connector.errors import ConnectorError
from ml_connector.store.tables import effects
from ml_connector.store.text import stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection

    from ml_connector.delivery.run import Run
    from ml_connector.delivery.sink import Effect, Sink


def settle_late(run: Run, sink: Sink, *, wait: bool, only: State | None = None) -> int:
    """Ask the target about rows without an outcome, store what it says, and return how many records it moved on."""
    with run.store.transaction() as connection:
        outbox.date_losses(connection, run.settings.pipeline, run.target_id)
        asked = outbox.unsettled(connection, run.settings.pipeline, run.target_id, only, run.store.sealer)
        stranded = outbox.stranded(connection, run.settings.pipeline, run.target_id)
    hopeful = any(effect.id not in run.outwaited for effect in asked)
    outcomes, fault = _ask(sink, asked, wait=wait and hopeful)
    outcomes = give_up(run.settings, outcomes)
    if wait:
        run.outwaited |= {outcome.effect.id for outcome in outcomes if outcome.state in (State.SENT, State.IN_DOUBT)}
    moved = _store(run, outcomes, stranded)
    if fault is not None:
        raise fault
    return moved


def await_headers(
    run: Run, sink: Sink, outcomes: Sequence[Outcome], later: Collection[str]
) -> tuple[list[Outcome], ConnectorError | None]:
    """Wait for rows that are only `sent` while their records have further rows; what comes later refers to them."""
    told = {outcome.effect.id: outcome for outcome in outcomes}
    sent = {it.effect.id for it in outcomes if it.state == State.SENT and it.effect.business_key in later}
    if not sent:
        return list(outcomes), None
    with run.store.transaction() as connection:
        # Their handles outlive this process (L2).
        outbox.settle(connection, [told[number] for number in sent], run.echoes.told)
        mine = outbox.unsettled(connection, run.settings.pipeline, run.target_id, State.SENT, run.store.sealer)
    learnt, fault = _ask(sink, [effect for effect in mine if effect.id in sent], wait=True)
    told |= {outcome.effect.id: outcome for outcome in learnt}
    run.outwaited |= {outcome.effect.id for outcome in learnt if outcome.state in IN_FLIGHT}
    return list(told.values()), fault


def _ask(sink: Sink, asked: Sequence[Effect], *, wait: bool) -> tuple[list[Outcome], ConnectorError | None]:
    """Return what the target tells, and the fault or termination that ended the asking: what came before is kept."""
    outcomes: list[Outcome] = []
    try:
        outcomes.extend(map(discreet_outcome, sink.settle(asked, wait=wait)) if asked else ())
    except ConnectorError as error:
        return outcomes, error
    return outcomes, None


def _store(run: Run, outcomes: Sequence[Outcome], stranded: Sequence[str]) -> int:
    keys = sorted({outcome.effect.business_key for outcome in outcomes}.union(stranded))
    if not keys:
        return 0
    with run.store.transaction() as connection:
        outbox.settle(connection, outcomes, run.echoes.told)
        return conclude(connection, run, outbox.find(connection, run.target_id, keys), outcomes)


def conclude(connection: Connection, run: Run, known: dict[str, KnownDelivery], outcomes: Sequence[Outcome]) -> int:
    """Give deliveries the state their effects have now; return how many are in another one than before."""
    rows = _rows(connection, list(known.values()))
    verdicts = _verdicts(rows, outcomes)
    concluded = [(key, each, still_refers_back(each, verdicts[each.id])) for key, each in known.items()]
    now = stamp(utc_now())
    outbox.change_deliveries(connection, [_row(run, delivery, verdict, now) for _, delivery, verdict in concluded])
    settled = {outcome.effect.business_key for outcome in outcomes if outcome.state not in IN_FLIGHT}
    run.trail.append(
        connection,
        [
            late_news(key, delivery, verdict, rows[delivery.id])
            for key, delivery, verdict in concluded
            if key in settled or (verdict.state, verdict.reason) != (delivery.state, delivery.reason or "")
        ],
    )
    arrived = [(key, each.source_hash) for key, each, verdict in concluded if verdict.state == State.DELIVERED]
    deadletters.close_versions(connection, run.target_id, arrived)
    return sum(1 for _, delivery, verdict in concluded if verdict.state != delivery.state)


def _row(run: Run, delivery: KnownDelivery, verdict: Verdict, now: str) -> dict[str, Any]:
    attempts, next_attempt_at = late_attempt(run.settings, delivery, verdict)
    row = {
        "id": delivery.id,
        "state": verdict.state,
        "since": delivery.since if verdict.state == delivery.state else now,
        "run_outcome": verdict.state,
        "last_run": run.id,
        **verdict.columns(),
        **advice(verdict, attempts, next_attempt_at),
        "attempts": attempts,
        "next_attempt_at": next_attempt_at,
    }
    if verdict.state == State.DELIVERED:
        settled = {"settled_source_hash": delivery.source_hash, "settled_map_version": delivery.map_version}
        row |= settled | {"verified_at": now}
    return row


def _rows(connection: Connection, known: Sequence[KnownDelivery]) -> dict[int, list[dict[str, Any]]]:
    """Return the rows of these deliveries that the source still has."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for page in outbox.pages(delivery.id for delivery in known):
        query = select(*(effects.c[name] for name in ("delivery_id", "id", "message", *TOLD_OF_A_ROW)))
        query = query.where(effects.c.delivery_id.in_(page), effects.c.state != State.SKIPPED)
        for row in connection.execute(query).mappings():
            found[row["delivery_id"]].append(dict(row))
    return found


def _verdicts(rows: Mapping[int, Sequence[Mapping[str, Any]]], outcomes: Sequence[Outcome]) -> dict[int, Verdict]:
    """Return, per delivery, the worst of what was just learnt and what its other rows are in."""
    learnt = {outcome.effect.id: Verdict.of_outcome(outcome) for outcome in outcomes}
    return {number: worst([_verdict(row, learnt.get(row["id"])) for row in mine]) for number, mine in rows.items()}


def _verdict(row: Mapping[str, Any], learnt: Verdict | None) -> Verdict:
    if row["state"] == PENDING:
        return INTERRUPTED
    return learnt or Verdict(State(row["state"]), row["reason"] or "", row["message"] or "")
