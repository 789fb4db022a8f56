"""The outbox: deliveries and their effects as durable rows, written before anything is sent (L2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, and_, bindparam, case, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from ml_connector.delivery.sink import Effect, State
from ml_connector.delivery.work import IN_FLIGHT, PENDING, KnownDelivery, KnownEffect
from ml_connector.errors import EnvironmentFault
from ml_connector.store.tables import deliveries, effects
from ml_connector.store.text import decode, encode, stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from ml_connector.delivery.sink import Outcome
    from ml_connector.delivery.work import Work
    from ml_connector.secrets.sealing import Sealer

MOST_KEYS = 10_000
"""How many keys one query names; SQLite takes 32,766."""

_KNOWN = (
    deliveries.c.id,
    deliveries.c.state,
    deliveries.c.pipeline,
    deliveries.c.reason,
    deliveries.c.since,
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


def pages(values: Iterable[Any], size: int = MOST_KEYS) -> Iterator[list[Any]]:
    """Yield values in lists of at most `size`."""
    rest = iter(values)
    while page := list(islice(rest, size)):
        yield page


def find(connection: Connection, target_id: str, keys: Iterable[str]) -> dict[str, KnownDelivery]:
    """Return what the store knows of these business keys."""
    found = {}
    for page in pages(keys):
        mine = (deliveries.c.target_id == target_id, deliveries.c.business_key.in_(page))
        for row in connection.execute(select(deliveries.c.business_key, *_KNOWN).where(*mine)):
            found[row[0]] = KnownDelivery(row[1], State(row[2]), *row[3:])
    return found


def load_effects(connection: Connection, known: Iterable[KnownDelivery]) -> None:
    """Fill in the effects of deliveries that may be sent again."""
    by_id = {delivery.id: delivery for delivery in known}
    columns = [effects.c[name] for name in ("id", "name", "state", "settled_hash", "remote_id", "reason", "memory")]
    for page in pages(by_id):
        query = select(effects.c.delivery_id, *columns).where(effects.c.delivery_id.in_(page))
        for delivery_id, *row in connection.execute(query):
            by_id[delivery_id].effects[row[1]] = KnownEffect(*row)


def effects_of(connection: Connection, delivery_ids: Sequence[int], sealer: Sealer) -> Iterator[tuple[int, Effect]]:
    """Yield the effects of these deliveries that the target has confirmed at some time, whole, headers first."""
    for page in pages(delivery_ids):
        query = select(effects, deliveries.c.business_key).join(deliveries, deliveries.c.id == effects.c.delivery_id)
        settled = (effects.c.settled_hash.is_not(None), effects.c.state != State.SKIPPED)
        mine = (effects.c.delivery_id.in_(page), *settled)
        for row in connection.execute(query.where(*mine).order_by(effects.c.phase, effects.c.id)).mappings():
            yield row["delivery_id"], _effect(dict(row), sealer)


def duplicates(connection: Connection, target_id: str, wanted: Iterable[str]) -> dict[str, str]:
    """Return, per duplicate key, the business key of the document it belongs to: the one in the target, or the first.

    One that waits only because it is suspected itself has no claim, nor has one that was left out before it arrived.
    """
    arrived = deliveries.c.settled_source_hash.is_not(None)
    found: dict[str, str] = {}
    for page in pages(set(wanted)):
        query = select(deliveries.c.duplicate_key, deliveries.c.business_key).where(
            deliveries.c.target_id == target_id,
            deliveries.c.duplicate_key.in_(page),
            or_(arrived, deliveries.c.state.not_in([State.SKIPPED, State.WAIVED])),
            or_(arrived, deliveries.c.reason.is_distinct_from("suspected_duplicate")),
        )
        for duplicate_key, business_key in connection.execute(query.order_by(arrived.desc(), deliveries.c.id)):
            found.setdefault(duplicate_key, business_key)
    return found


def add_deliveries(connection: Connection, rows: list[dict[str, Any]]) -> list[int]:
    """Insert delivery rows and return their ids, in order."""
    if not rows:
        return []
    names = dict.fromkeys(name for row in rows for name in row)
    statement = insert(deliveries).returning(deliveries.c.id, sort_by_parameter_order=True)
    try:
        return list(connection.execute(statement, [{**names, **row} for row in rows]).scalars())
    except IntegrityError:
        raise _met_another() from None


def change_deliveries(connection: Connection, rows: list[dict[str, Any]], met: Sequence[str] = ()) -> None:
    """Update delivery rows by their `id`; each row names only the columns that change.

    `met` names, per row, the run that touched it last when it was read: if another one has since, nothing is written.
    """
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row, before in zip_longest(rows, met):
        groups.setdefault(tuple(row), []).append({**row, "b_id": row["id"], "b_met": before})
    for names, group in groups.items():
        changed: dict[str, Any] = {name: bindparam(name) for name in names if name != "id"}
        mine = [deliveries.c.id == bindparam("b_id")]
        if met:
            mine.append(deliveries.c.last_run == bindparam("b_met"))
        result = connection.execute(update(deliveries).where(*mine).values(changed), group)
        if result.rowcount != len(group):
            raise _met_another()


def _met_another() -> EnvironmentFault:
    return EnvironmentFault(
        "another process delivers the same records to the same target at this moment, under another pipeline's name. "
        "Nothing of this batch was sent. Wait until that one ends, then run again."
    )


def write_effects(
    connection: Connection,
    works: Sequence[Work],
    sealer: Sealer,
    expected: Callable[[Effect], str | None] = lambda _: None,
) -> None:
    """Write every effect to be sent as a pending row, and give each effect its row's id.

    `expected` tells what a row is known as until the target tells its key (see `delivery.echo`).
    """
    fresh: list[tuple[Work, int, dict[str, Any]]] = []
    known: list[dict[str, Any]] = []
    for work in works:
        before = work.known.effects if work.known else {}
        for position, effect in enumerate(work.effects):
            values = _values(work, effect, sealer)
            if effect.name in before:
                known.append({**values, "b_id": before[effect.name].id})
                work.effects[position] = replace(effect, id=before[effect.name].id)
            else:
                fresh.append((work, position, {**values, "known_as": expected(effect)}))
    if fresh:
        statement = insert(effects).returning(effects.c.id, sort_by_parameter_order=True)
        ids = connection.execute(statement, [values for _, _, values in fresh]).scalars()
        for (work, position, _), effect_id in zip(fresh, ids, strict=True):
            work.effects[position] = replace(work.effects[position], id=effect_id)
    if known:
        changed: dict[str, Any] = {name: bindparam(name) for name in known[0] if name != "b_id"}
        connection.execute(update(effects).where(effects.c.id == bindparam("b_id")).values(changed), known)


def _values(work: Work, effect: Effect, sealer: Sealer) -> dict[str, Any]:
    return {
        "delivery_id": work.delivery_id,
        "name": effect.name,
        "phase": work.phase_of(effect),
        "table_name": effect.table,
        "via": effect.via,
        "key": encode(sealer.hide(effect.key)),
        "payload": encode(sealer.hide(effect.payload)),
        "payload_hash": effect.content_hash,
        "state": PENDING,
        **dict.fromkeys(("handle", "reason", "message", "response", "settled_at")),
    }


def mark_going_out(connection: Connection, batch: Sequence[Effect]) -> None:
    """Write that these requests are about to leave: until their answers are stored they are in doubt (L3)."""
    now = stamp(utc_now())
    rows = [{"b_id": effect.id} for effect in batch]
    values = {"sent_at": now, "lost_at": None, "settled_at": None, "response": None, "state": State.IN_DOUBT}
    connection.execute(update(effects).where(effects.c.id == bindparam("b_id")).values(values), rows)


def date_losses(connection: Connection, pipeline: str, target_id: str) -> None:
    """Date the losses that a process which died could not date: from now on, the settle window counts (L3)."""
    ours = select(deliveries.c.id).where(deliveries.c.pipeline == pipeline, deliveries.c.target_id == target_id)
    undated = (effects.c.state == State.IN_DOUBT, effects.c.lost_at.is_(None), effects.c.delivery_id.in_(ours))
    connection.execute(update(effects).where(*undated).values(lost_at=stamp(utc_now())))


def settle(
    connection: Connection, outcomes: Sequence[Outcome], told: Callable[[Outcome], str | None] = lambda _: None
) -> None:
    """Write what became of effects; a loss keeps the moment it was first dated with.

    `told` gives the business key a tap reads a delivered row back by (see `delivery.echo`).
    """
    now = utc_now()
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
            "response": outcome.response,
            "known_as": told(outcome),
            "memory": encode(outcome.memory) if outcome.memory else None,
            "lost_at": _lost_at(outcome, now),
            "settled_at": None if outcome.state in IN_FLIGHT else stamp(now),
        }
        for outcome in outcomes
    ]
    if rows:
        changed: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "b_id"}
        confirmed = bindparam("state", type_=Text) == State.DELIVERED
        for name in ("response", "known_as", "memory"):  # what is not told anew stays
            changed[name] = func.coalesce(bindparam(name, type_=Text), effects.c[name])
        changed["settled_hash"] = case((confirmed, effects.c.payload_hash), else_=effects.c.settled_hash)
        connection.execute(update(effects).where(effects.c.id == bindparam("b_id")).values(changed), rows)


def _lost_at(outcome: Outcome, now: datetime) -> str | None:
    if outcome.state != State.IN_DOUBT:
        return None
    return stamp(outcome.effect.lost_at or now)


def drop_rows(connection: Connection, works: Sequence[Work]) -> None:
    """Mark effects whose row the source no longer has; the target keeps the row, and the run says so."""
    rows = [{"b_id": work.delivery_id, "b_name": name} for work in works for name in work.gone]
    if rows:
        lost = and_(effects.c.delivery_id == bindparam("b_id"), effects.c.name == bindparam("b_name"))
        connection.execute(update(effects).where(lost).values(state=State.SKIPPED, reason="row_gone"), rows)


def restore_rows(connection: Connection, works: Sequence[Work], sealer: Sealer) -> None:
    """Put back what the target has confirmed of rows whose newer content never left."""
    rows = [
        {**_values(work, effect, sealer), "state": State.DELIVERED, "settled_at": stamp(utc_now()), "b_id": effect.id}
        for work in works
        for effect in work.restored
    ]
    if rows:
        changed: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "b_id"}
        connection.execute(update(effects).where(effects.c.id == bindparam("b_id")).values(changed), rows)


def unsettled(
    connection: Connection, pipeline: str, target_id: str, only: State | None, sealer: Sealer
) -> list[Effect]:
    """Return the effects whose outcome is not known yet."""
    states = [only] if only else IN_FLIGHT
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
    return [_effect(dict(row), sealer) for row in connection.execute(query).mappings()]


def stranded(connection: Connection, pipeline: str, target_id: str) -> list[str]:
    """Return the records in flight of which no row is: the run that was about to send them ended before it did."""
    under_way = select(effects.c.id).where(effects.c.delivery_id == deliveries.c.id, effects.c.state.in_(IN_FLIGHT))
    query = select(deliveries.c.business_key).where(
        deliveries.c.pipeline == pipeline,
        deliveries.c.target_id == target_id,
        deliveries.c.state.in_(IN_FLIGHT),
        ~under_way.exists(),
    )
    return list(connection.execute(query).scalars())


def _effect(row: dict[str, Any], sealer: Sealer) -> Effect:
    return Effect(
        id=row["id"],
        business_key=row["business_key"],
        name=row["name"],
        table=row["table_name"],
        via=row["via"],
        key=sealer.reveal(decode(row["key"])),
        payload=sealer.reveal(decode(row["payload"])),
        target_id=row["remote_id"],
        handle=decode(row["handle"]) if row["handle"] else None,
        memory=decode(row["memory"]) if row["memory"] else None,
        sent_at=_moment(row["sent_at"]),
        lost_at=_moment(row["lost_at"]),
    )


def outline(row: dict[str, Any]) -> Effect:
    """Return an effect without its payload, to ask about; one that the target complained of has a handle saying so."""
    troubled = {"trouble": row["reason"]} if row["state"] != State.DELIVERED else None
    named = row["name"], row["table_name"], row["via"], decode(row["key"])
    sent_at = _moment(row["sent_at"])
    return Effect(row["id"], row["business_key"], *named, {}, row["remote_id"], troubled, sent_at=sent_at)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
