"""Trouble that a target tells of later: its own integration status re-opens what was delivered, and closes it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, or_, select, update

from ml_connector.delivery import outbox
from ml_connector.delivery.balance import CARRIED_IN, Line
from ml_connector.delivery.discretion import discreet_outcome
from ml_connector.delivery.late import conclude
from ml_connector.delivery.sink import TARGET_REPORTED, State
from ml_connector.store.tables import deliveries, effects
from ml_connector.store.text import stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from ml_connector.delivery.run import Run
    from ml_connector.delivery.sink import Effect, Outcome, Sink


ASKED_AT_ONCE = 10_000  # rows in memory; the target is asked once per table for each such part


def review(run: Run, sink: Sink) -> None:
    """Ask the target about what was delivered lately, and about what it complained of before."""
    window = run.settings.review_after
    if window is None or not sink.reviews:
        return
    since, last = stamp(utc_now() - window), 0
    while asked := _asked(run, since, last):
        last = asked[-1].id
        told = map(discreet_outcome, sink.review(asked))
        news = [outcome for outcome in told if (outcome.state == State.DELIVERED) == bool(outcome.effect.handle)]
        if news:
            _store(run, news)


def _asked(run: Run, since: str, after: int) -> list[Effect]:
    """Return the next rows to ask about, without their payloads; those in trouble have a handle that says so."""
    lately = and_(
        deliveries.c.state == State.DELIVERED, effects.c.state == State.DELIVERED, effects.c.settled_at >= since
    )
    troubled = and_(deliveries.c.reason == TARGET_REPORTED, effects.c.reason == TARGET_REPORTED)
    query = (
        select(effects, deliveries.c.business_key)
        .join(deliveries, deliveries.c.id == effects.c.delivery_id)
        .where(deliveries.c.pipeline == run.settings.pipeline, deliveries.c.target_id == run.target_id)
        .where(or_(lately, troubled), effects.c.id > after)
        .order_by(effects.c.id)
        .limit(ASKED_AT_ONCE)
    )
    with run.store.reading() as connection:
        return [outbox.outline(dict(row)) for row in connection.execute(query).mappings()]


def _store(run: Run, told: Sequence[Outcome]) -> None:
    keys = sorted({outcome.effect.business_key for outcome in told})
    rows = [
        {
            "b_id": outcome.effect.id,
            "state": outcome.state,
            "reason": outcome.reason or None,
            "message": outcome.message or None,
        }
        for outcome in told
    ]
    changed: dict[str, Any] = {name: bindparam(name) for name in ("state", "reason", "message")}
    with run.store.transaction() as connection:
        connection.execute(update(effects).where(effects.c.id == bindparam("b_id")).values(changed), rows)
        known = outbox.find(connection, run.target_id, keys)
        _carry_in(connection, run, [each.id for each in known.values() if each.last_run != run.id])
        conclude(connection, run, known, told)


def _carry_in(connection: Connection, run: Run, reopened: Sequence[int]) -> None:
    """Count deliveries that are open again as this run's (L8)."""
    names = ("company", "record_type", "currency", "amount")
    for page in outbox.pages(reopened):
        query = select(*(deliveries.c[name] for name in names)).where(deliveries.c.id.in_(page))
        for company, record_type, currency, amount in connection.execute(query):
            run.tally.add(Line(company, record_type, CARRIED_IN, "", currency or ""), amount)
