"""The outbox: deliveries and their effects as durable rows, written before anything is sent (L2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, and_, bindparam, case, insert, select, update

from ml_connector.delivery.sink import Effect, State
from ml_connector.delivery.work import KnownDelivery, KnownEffect
from ml_connector.store.tables import deliveries, effects
from ml_connector.store.text import decode, encode, stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from ml_connector.delivery.sink import Outcome
    from ml_connector.delivery.work import Work

PENDING = "pending"
"""An effect that is written down but whose request has not gone out."""

_KNOWN = (
    deliveries.c.id,
    deliveries.c.state,
    deliveries.c.reason,
    deliveries.c.run_outcome,
    deliveries.c.last_run,
    deliveries.c.amount,
    deliveries.c.currency,
    deliveries.c.source_hash,
    deliveries.c.map_version,
    deliveries.c.settled_source_hash,
    deliveries.c.settled_map_version,
    deliveries.c.attempts,
    deliveries.c.next_attempt_at,
)


def find(connection: Connection, target_id: str, keys: Iterable[str]) -> dict[str, KnownDelivery]:
    """Return what the store knows of these business keys."""
    query = select(deliveries.c.business_key, *_KNOWN).where(
        deliveries.c.target_id == target_id, deliveries.c.business_key.in_(list(keys))
    )
    return {row[0]: KnownDelivery(row[1], State(row[2]), *row[3:]) for row in connection.execute(query)}


def load_effects(connection: Connection, known: Iterable[KnownDelivery]) -> None:
    """Fill in the effects of deliveries that may be sent again."""
    by_id = {delivery.id: delivery for delivery in known}
    columns = (effects.c.id, effects.c.name, effects.c.state, effects.c.settled_hash, effects.c.remote_id)
    query = select(effects.c.delivery_id, *columns).where(effects.c.delivery_id.in_(list(by_id)))
    for delivery_id, *row in connection.execute(query):
        by_id[delivery_id].effects[row[1]] = KnownEffect(*row)


def duplicates(connection: Connection, target_id: str, wanted: dict[str, str]) -> dict[str, str]:
    """Return, per duplicate key, the business key of another document that already carries it.

    `wanted` maps business keys to duplicate keys.
    """
    query = select(deliveries.c.duplicate_key, deliveries.c.business_key).where(
        deliveries.c.target_id == target_id,
        deliveries.c.duplicate_key.in_(set(wanted.values())),
        deliveries.c.state.not_in([State.SKIPPED, State.WAIVED]),
        deliveries.c.reason.is_distinct_from("suspected_duplicate"),
    )
    found: dict[str, str] = {}
    for duplicate_key, business_key in connection.execute(query):
        if wanted.get(business_key) != duplicate_key:
            found.setdefault(duplicate_key, business_key)
    return found


def add_deliveries(connection: Connection, rows: list[dict[str, Any]]) -> list[int]:
    """Insert delivery rows and return their ids, in order."""
    if not rows:
        return []
    statement = insert(deliveries).returning(deliveries.c.id, sort_by_parameter_order=True)
    return list(connection.execute(statement, rows).scalars())


def change_deliveries(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Update delivery rows by their `id`; each row names only the columns that change."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append({**row, "b_id": row["id"]})
    for names, group in groups.items():
        changed: dict[str, Any] = {name: bindparam(name) for name in names if name != "id"}
        connection.execute(update(deliveries).where(deliveries.c.id == bindparam("b_id")).values(changed), group)


def write_effects(connection: Connection, works: Sequence[Work]) -> None:
    """Write every effect to be sent as a pending row, and give each effect its row's id."""
    fresh: list[tuple[Work, int, dict[str, Any]]] = []
    known: list[dict[str, Any]] = []
    for work in works:
        before = work.known.effects if work.known else {}
        for position, effect in enumerate(work.effects):
            values = _values(work, effect)
            if effect.name in before:
                known.append({**values, "b_id": before[effect.name].id})
                work.effects[position] = replace(effect, id=before[effect.name].id)
            else:
                fresh.append((work, position, values))
    if fresh:
        statement = insert(effects).returning(effects.c.id, sort_by_parameter_order=True)
        ids = connection.execute(statement, [values for _, _, values in fresh]).scalars()
        for (work, position, _), effect_id in zip(fresh, ids, strict=True):
            work.effects[position] = replace(work.effects[position], id=effect_id)
    if known:
        changed: dict[str, Any] = {name: bindparam(name) for name in known[0] if name != "b_id"}
        connection.execute(update(effects).where(effects.c.id == bindparam("b_id")).values(changed), known)


def _values(work: Work, effect: Effect) -> dict[str, Any]:
    return {
        "delivery_id": work.delivery_id,
        "name": effect.name,
        "phase": work.phase_of(effect),
        "table_name": effect.table,
        "via": effect.via,
        "key": encode(effect.key),
        "payload": encode(effect.payload),
        "payload_hash": effect.content_hash,
        "state": PENDING,
    }


def mark_going_out(connection: Connection, batch: Sequence[Effect]) -> None:
    """Write that these requests are about to leave: until their answers are stored they are in doubt (L3)."""
    rows = [{"b_id": effect.id, "sent_at": stamp(utc_now()), "state": State.IN_DOUBT} for effect in batch]
    statement = update(effects).where(effects.c.id == bindparam("b_id"))
    connection.execute(statement.values(sent_at=bindparam("sent_at"), state=bindparam("state")), rows)


def settle(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Write what became of effects."""
    rows = [
        {
            "b_id": outcome.effect.id,
            "state": outcome.state,
            "action": outcome.action,
            "remote_id": outcome.target_id or outcome.effect.target_id,
            "handle": encode(outcome.handle) if outcome.handle else None,
            "reason": outcome.reason or None,
            "message": outcome.message or None,
            "request_id": outcome.request_id,
        }
        for outcome in outcomes
    ]
    if rows:
        changed: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "b_id"}
        confirmed = bindparam("state", type_=Text) == State.DELIVERED
        changed["settled_hash"] = case((confirmed, effects.c.payload_hash), else_=effects.c.settled_hash)
        connection.execute(update(effects).where(effects.c.id == bindparam("b_id")).values(changed), rows)


def drop_rows(connection: Connection, works: Sequence[Work]) -> None:
    """Mark effects whose row the source no longer has; the target keeps the row, and the run says so."""
    for work in works:
        if work.gone:
            lost = and_(effects.c.delivery_id == work.delivery_id, effects.c.name.in_(work.gone))
            connection.execute(update(effects).where(lost).values(state=State.SKIPPED, reason="row_gone"))


def unsettled(connection: Connection, pipeline: str, target_id: str, only: State | None) -> dict[str, list[Effect]]:
    """Return, per business key, the effects whose outcome is not known yet."""
    states = [only] if only else [State.SENT, State.IN_DOUBT]
    query = (
        select(effects, deliveries.c.business_key)
        .join(deliveries, deliveries.c.id == effects.c.delivery_id)
        .where(
            deliveries.c.pipeline == pipeline,
            deliveries.c.target_id == target_id,
            effects.c.state.in_(states),
        )
        .order_by(effects.c.phase, effects.c.id)
    )
    found: dict[str, list[Effect]] = {}
    for row in connection.execute(query).mappings():
        found.setdefault(row["business_key"], []).append(_effect(dict(row)))
    return found


def _effect(row: dict[str, Any]) -> Effect:
    return Effect(
        id=row["id"],
        business_key=row["business_key"],
        name=row["name"],
        table=row["table_name"],
        via=row["via"],
        key=decode(row["key"]),
        payload=decode(row["payload"]),
        target_id=row["remote_id"],
        handle=decode(row["handle"]) if row["handle"] else None,
        sent_at=_moment(row["sent_at"]),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
