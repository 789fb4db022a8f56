"""Dead letters: the original Singer record of everything that is not delivered, kept until it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, or_, select, update

from ml_connector.delivery.sink import State
from ml_connector.store.tables import dead_letters, deliveries
from ml_connector.store.text import decode, encode, stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from ml_connector.delivery.work import Work


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that waits, as it came from the tap."""

    id: int
    business_key: str
    record_type: str
    stream: str
    record: dict[str, Any]
    schema: dict[str, Any]
    key_properties: list[str]


@dataclass(frozen=True, slots=True)
class StreamShape:
    """What a SCHEMA message said of a stream."""

    schema: dict[str, Any]
    key_properties: list[str]


def open_letters(
    connection: Connection, run_id: str, pipeline: str, target_id: str, works: Iterable[tuple[Work, StreamShape]]
) -> None:
    """Keep the records of these works; an older version of the same key is closed as superseded."""
    rows = []
    for work, shape in works:
        identity = {"target_id": target_id, "business_key": work.key, "source_hash": work.source_hash}
        connection.execute(
            delete(dead_letters).where(*(dead_letters.c[name] == value for name, value in identity.items()))
        )
        rows.append(
            {
                **identity,
                "pipeline": pipeline,
                "record_type": work.record.record_type,
                "run_id": run_id,
                "opened_at": stamp(utc_now()),
                "stream": work.stream,
                "record": encode(work.raw),
                "schema": encode(shape.schema),
                "key_properties": encode(shape.key_properties),
            }
        )
    if rows:
        close_letters(connection, target_id, [row["business_key"] for row in rows], "superseded")
        connection.execute(dead_letters.insert(), rows)


def close_letters(connection: Connection, target_id: str, keys: list[str], closed_by: str) -> None:
    """Close the open dead letters of these business keys."""
    mine = and_(dead_letters.c.target_id == target_id, dead_letters.c.business_key.in_(keys))
    statement = update(dead_letters).where(mine, dead_letters.c.closed_at.is_(None))
    connection.execute(statement.values(closed_at=stamp(utc_now()), closed_by=closed_by))


def close_version(connection: Connection, target_id: str, key: str, source_hash: str) -> None:
    """Close the dead letter of one version of a record, because that version has arrived."""
    mine = (
        dead_letters.c.target_id == target_id,
        dead_letters.c.business_key == key,
        dead_letters.c.source_hash == source_hash,
        dead_letters.c.closed_at.is_(None),
    )
    connection.execute(update(dead_letters).where(*mine).values(closed_at=stamp(utc_now()), closed_by="settled"))


def due(connection: Connection, pipeline: str, target_id: str, map_version: str) -> list[DeadLetter]:
    """Return the open dead letters worth another try: parked, failed and due, or refused under another map."""
    now = stamp(utc_now())
    state = deliveries.c.state
    retry_now = or_(deliveries.c.next_attempt_at.is_(None), deliveries.c.next_attempt_at <= now)
    query = (
        _with_delivery()
        .where(
            dead_letters.c.pipeline == pipeline,
            dead_letters.c.target_id == target_id,
            dead_letters.c.closed_at.is_(None),
            or_(
                state == State.PARKED,
                and_(state == State.FAILED, retry_now),
                and_(state == State.REFUSED, deliveries.c.map_version != map_version),
                and_(state == State.DELIVERED, deliveries.c.settled_source_hash != dead_letters.c.source_hash),
            ),
        )
        .order_by(dead_letters.c.id)
    )
    return [_letter(row) for row in connection.execute(query).mappings()]


def by_ids(connection: Connection, ids: list[int]) -> list[DeadLetter]:
    """Return dead letters by their numbers."""
    query = _with_delivery().where(dead_letters.c.id.in_(ids)).order_by(dead_letters.c.id)
    return [_letter(row) for row in connection.execute(query).mappings()]


def _with_delivery() -> Any:
    joined = and_(
        deliveries.c.target_id == dead_letters.c.target_id, deliveries.c.business_key == dead_letters.c.business_key
    )
    return select(dead_letters).join(deliveries, joined)


def _letter(row: Any) -> DeadLetter:
    return DeadLetter(
        id=row["id"],
        business_key=row["business_key"],
        record_type=row["record_type"],
        stream=row["stream"],
        record=decode(row["record"]),
        schema=decode(row["schema"]),
        key_properties=decode(row["key_properties"]),
    )
