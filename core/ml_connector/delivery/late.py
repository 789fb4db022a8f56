"""Outcomes that come later: asynchronous rows and lost answers, learnt by looking, never by sending again (L3)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.delivery import deadletters, outbox
from ml_connector.delivery.discretion import discreet_outcome
from ml_connector.delivery.news import late_news
from ml_connector.delivery.sink import Outcome, State
from ml_connector.delivery.work import INTERRUPTED, KnownDelivery, Verdict, worst
from ml_connector.store.tables import effects
from ml_connector.store.text import stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from ml_connector.delivery.run import Run
    from ml_connector.delivery.sink import Sink


def settle_late(run: Run, sink: Sink, *, wait: bool, only: State | None = None) -> int:
    """Ask the target about rows without an outcome, store what it says, and return how many records it moved on."""
    with run.store.transaction() as connection:
        asked = outbox.unsettled(connection, run.settings.pipeline, run.target_id, only, run.store.sealer)
        stranded = outbox.stranded(connection, run.settings.pipeline, run.target_id)
    hopeful = any(effect.id not in run.outwaited for effect in asked)
    outcomes = list(map(discreet_outcome, sink.settle(asked, wait=wait and hopeful))) if asked else []
    if wait:
        run.outwaited |= {outcome.effect.id for outcome in outcomes if outcome.state in (State.SENT, State.IN_DOUBT)}
    keys = sorted({outcome.effect.business_key for outcome in outcomes}.union(stranded))
    if not keys:
        return 0
    with run.store.transaction() as connection:
        outbox.settle(connection, outcomes)
        return _conclude(connection, run, outbox.find(connection, run.target_id, keys), outcomes)


def _conclude(connection: Connection, run: Run, known: dict[str, KnownDelivery], outcomes: Sequence[Outcome]) -> int:
    """Give deliveries the state their effects have now; return how many are in another one than before."""
    verdicts = _verdicts(connection, list(known.values()), outcomes)
    concluded = [(key, delivery, verdicts[delivery.id]) for key, delivery in known.items()]
    now = stamp(utc_now())
    outbox.change_deliveries(connection, [_row(run, delivery, verdict, now) for _, delivery, verdict in concluded])
    learnt: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        learnt[outcome.effect.business_key].append(outcome)
    told = [late_news(key, delivery, verdict, learnt[key]) for key, delivery, verdict in concluded]
    run.trail.append(connection, [entry for entry in told if entry is not None])
    arrived = [(key, each.source_hash) for key, each, verdict in concluded if verdict.state == State.DELIVERED]
    deadletters.close_versions(connection, run.target_id, arrived)
    return sum(1 for _, delivery, verdict in concluded if verdict.state != delivery.state)


def _row(run: Run, delivery: KnownDelivery, verdict: Verdict, now: str) -> dict[str, Any]:
    row = {
        "id": delivery.id,
        "state": verdict.state,
        "since": delivery.since if verdict.state == delivery.state else now,
        "run_outcome": verdict.state,
        "last_run": run.id,
        **verdict.columns(),
        "next_attempt_at": None,
    }
    if verdict.state == State.DELIVERED:
        settled = {"settled_source_hash": delivery.source_hash, "settled_map_version": delivery.map_version}
        row |= settled | {"verified_at": now}
    return row


def _verdicts(
    connection: Connection, known: Sequence[KnownDelivery], outcomes: Sequence[Outcome]
) -> dict[int, Verdict]:
    """Return, per delivery, the worst of what was just learnt and what its other rows are in."""
    learnt = {outcome.effect.id: Verdict.of_outcome(outcome) for outcome in outcomes}
    columns = (effects.c.delivery_id, effects.c.id, effects.c.state, effects.c.reason, effects.c.message)
    found: dict[int, list[Verdict]] = defaultdict(list)
    for page in outbox.pages(delivery.id for delivery in known):
        query = select(*columns).where(effects.c.delivery_id.in_(page), effects.c.state != State.SKIPPED)
        for delivery_id, effect_id, state, reason, message in connection.execute(query):
            if state == outbox.PENDING:
                found[delivery_id].append(INTERRUPTED)
            else:
                told = Verdict(State(state), reason or "", message or "")
                found[delivery_id].append(learnt.get(effect_id, told))
    return {delivery_id: worst(verdicts) for delivery_id, verdicts in found.items()}
