"""Outcomes that come later: asynchronous rows and lost answers, learnt by looking, never by sending again (L3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.delivery import deadletters, outbox
from ml_connector.delivery.sink import Outcome, State
from ml_connector.delivery.work import INTERRUPTED, Verdict, worst
from ml_connector.store.tables import deliveries, effects
from ml_connector.store.text import stamp, utc_now

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ml_connector.delivery.run import Run
    from ml_connector.delivery.sink import Sink


def settle_late(run: Run, sink: Sink, *, wait: bool, only: State | None = None) -> int:
    """Ask the target about rows without an outcome, store what it says, and return how many records it moved on."""
    with run.store.transaction() as connection:
        open_rows = outbox.unsettled(connection, run.settings.pipeline, run.target_id, only)
    asked = [effect for rows in open_rows.values() for effect in rows]
    if not asked:
        return 0
    outcomes = list(sink.settle(asked, wait=wait))
    keys = sorted({outcome.effect.business_key for outcome in outcomes})
    with run.store.transaction() as connection:
        outbox.settle(connection, outcomes)
        return sum(_conclude(connection, run, key, outcomes) for key in keys)


def _conclude(connection: Connection, run: Run, key: str, outcomes: list[Outcome]) -> bool:
    """Give one delivery the state its effects have now; return whether that is another one."""
    mine = (deliveries.c.target_id == run.target_id, deliveries.c.business_key == key)
    columns = (deliveries.c.id, deliveries.c.state, deliveries.c.source_hash, deliveries.c.map_version)
    delivery_id, state, source_hash, map_version = connection.execute(select(*columns).where(*mine)).one()
    verdict = _verdict(connection, delivery_id, [outcome for outcome in outcomes if outcome.effect.business_key == key])
    now = stamp(utc_now())
    row: dict[str, Any] = {
        "id": delivery_id,
        "state": verdict.state,
        "run_outcome": verdict.state,
        "last_run": run.id,
        **verdict.columns(),
        "next_attempt_at": None,
    }
    if verdict.state != state:
        row["since"] = now
        run.trail.append(connection, [(verdict.state, key, {"reason": verdict.reason, "message": verdict.message})])
    if verdict.state == State.DELIVERED:
        row |= {"settled_source_hash": source_hash, "settled_map_version": map_version, "verified_at": now}
        deadletters.close_version(connection, run.target_id, key, source_hash)
    outbox.change_deliveries(connection, [row])
    return bool(verdict.state != state)


def _verdict(connection: Connection, delivery_id: int, outcomes: list[Outcome]) -> Verdict:
    """Return the worst of what was just learnt and what the delivery's other rows are in."""
    learnt = {outcome.effect.id: Verdict.of_outcome(outcome) for outcome in outcomes}
    columns = (effects.c.id, effects.c.state, effects.c.reason, effects.c.message)
    verdicts = []
    for effect_id, state, reason, message in connection.execute(
        select(*columns).where(effects.c.delivery_id == delivery_id)
    ):
        if state == outbox.PENDING:
            verdicts.append(INTERRUPTED)
        elif state != State.SKIPPED:
            verdicts.append(learnt.get(effect_id) or Verdict(State(state), reason or "", message or ""))
    return worst(verdicts)
