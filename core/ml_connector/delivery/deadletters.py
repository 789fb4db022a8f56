"""Dead letters: the original Singer record of everything that is not delivered, kept until it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, or_, select, update

from ml_connector.delivery.outbox import pages
from ml_connector.delivery.sink import State
from ml_connector.delivery.work import Origin
from ml_connector.store.tables import dead_letters, deliveries, shapes
from ml_connector.store.text import decode, digest, encode, stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from ml_connector.delivery.run import Run
    from ml_connector.delivery.work import Work
    from ml_connector.secrets.sealing import Sealer


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that waits, as it came from the tap."""

    business_key: str
    stream: str
    record: dict[str, Any]
    shape: StreamShape
    origin: Origin


@dataclass(frozen=True)
class StreamShape:
    """What a SCHEMA message said of a stream; the schema as JSON text."""

    schema: str
    key_properties: tuple[str, ...]

    @cached_property
    def hash(self) -> str:
        """What dead letters of this shape refer to it by."""
        return digest([self.schema, encode(self.key_properties)])


def open_letters(connection: Connection, run: Run, works: Sequence[Work]) -> None:
    """Keep the records of these works; an older version of the same key is closed as superseded.

    A letter that is open already stays as it is, with its number and its age; one that was closed opens again under
    its number, with what a person has changed.
    """
    wanted = {(work.key, work.source_hash): work for work in works}
    known = _letters(connection, run.target_id, [work.key for work in works])
    for version, (_, is_open) in known.items():
        if is_open:
            wanted.pop(version, None)
    if not wanted:
        return
    close_letters(connection, run.target_id, [key for key, _ in wanted], "superseded")
    keep_shapes(connection, {run.shapes[work.stream] for work in wanted.values()})
    fresh = [_row(run, work) for version, work in wanted.items() if version not in known]
    again = [{**_row(run, work), "b_id": known[v][0]} for v, work in wanted.items() if v in known]
    if fresh:
        connection.execute(dead_letters.insert(), fresh)
    if again:
        changed: dict[str, Any] = {name: bindparam(name) for name in again[0] if name != "b_id"}
        statement = update(dead_letters).where(dead_letters.c.id == bindparam("b_id"))
        connection.execute(statement.values(**changed, closed_at=None, closed_by=None), again)


def keep_shapes(connection: Connection, wanted: set[StreamShape]) -> None:
    """Keep the shapes of streams that dead letters refer to, each once."""
    by_hash = {shape.hash: shape for shape in wanted}
    known = set(connection.execute(select(shapes.c.hash).where(shapes.c.hash.in_(by_hash))).scalars())
    fresh = [
        {"hash": name, "schema": shape.schema, "key_properties": encode(shape.key_properties)}
        for name, shape in by_hash.items()
        if name not in known
    ]
    if fresh:
        connection.execute(shapes.insert(), fresh)


def _letters(connection: Connection, target_id: str, keys: list[str]) -> dict[tuple[str, str], tuple[int, bool]]:
    """Return, per version of these records, its letter's number and whether it is open."""
    found = {}
    names = ("business_key", "source_hash", "id", "closed_at")
    query = select(*(dead_letters.c[name] for name in names)).where(dead_letters.c.target_id == target_id)
    for page in pages(keys):
        for key, source_hash, number, closed_at in connection.execute(
            query.where(dead_letters.c.business_key.in_(page))
        ):
            found[key, source_hash] = (number, closed_at is None)
    return found


def _row(run: Run, work: Work) -> dict[str, Any]:
    shape = run.shapes[work.stream]
    return {
        "target_id": run.target_id,
        "business_key": work.key,
        "source_hash": work.source_hash,
        "pipeline": run.settings.pipeline,
        "record_type": work.record.record_type,
        "run_id": run.id,
        "opened_at": stamp(utc_now()),
        "stream": work.stream,
        "record": encode(run.store.sealer.hide(work.raw)),
        "shape": shape.hash,
        "origin": work.origin.place,
        "extracted_at": work.origin.extracted_at,
    }


def close_letters(connection: Connection, target_id: str, keys: Sequence[str], closed_by: str) -> None:
    """Close the open dead letters of these business keys."""
    for page in pages(keys):
        mine = and_(dead_letters.c.target_id == target_id, dead_letters.c.business_key.in_(page))
        statement = update(dead_letters).where(mine, dead_letters.c.closed_at.is_(None))
        connection.execute(statement.values(closed_at=stamp(utc_now()), closed_by=closed_by))


def close_versions(connection: Connection, target_id: str, versions: Sequence[tuple[str, str]]) -> None:
    """Close the dead letters of these versions (business key, source hash), because they have arrived."""
    if not versions:
        return
    mine = (
        dead_letters.c.target_id == target_id,
        dead_letters.c.business_key == bindparam("b_key"),
        dead_letters.c.source_hash == bindparam("b_hash"),
        dead_letters.c.closed_at.is_(None),
    )
    statement = update(dead_letters).where(*mine).values(closed_at=stamp(utc_now()), closed_by="settled")
    connection.execute(statement, [{"b_key": key, "b_hash": source_hash} for key, source_hash in versions])


def due(connection: Connection, pipeline: str, target_id: str, map_version: str) -> list[tuple[int, str]]:
    """Return number and record type of the open dead letters worth another try.

    Those are parked; failed and due; refused under another map, or before this version of them came; or newer than
    the version that has arrived.
    """
    now = stamp(utc_now())
    state = deliveries.c.state
    retry_now = or_(deliveries.c.next_attempt_at.is_(None), deliveries.c.next_attempt_at <= now)
    other = or_(deliveries.c.map_version != map_version, deliveries.c.source_hash != dead_letters.c.source_hash)
    same = and_(
        deliveries.c.target_id == dead_letters.c.target_id, deliveries.c.business_key == dead_letters.c.business_key
    )
    query = (
        select(dead_letters.c.id, dead_letters.c.record_type)
        .join(deliveries, same)
        .where(
            deliveries.c.pipeline == pipeline,
            dead_letters.c.target_id == target_id,
            dead_letters.c.closed_at.is_(None),
            or_(
                state == State.PARKED,
                and_(state == State.FAILED, retry_now),
                and_(state == State.REFUSED, other),
                and_(state == State.DELIVERED, deliveries.c.settled_source_hash != dead_letters.c.source_hash),
            ),
        )
        .order_by(dead_letters.c.id)
    )
    return [(number, record_type) for number, record_type in connection.execute(query)]


def by_ids(connection: Connection, ids: Sequence[int], sealer: Sealer) -> list[DeadLetter]:
    """Return dead letters by their numbers, their records as they came."""
    query = select(dead_letters, shapes.c.schema, shapes.c.key_properties).join(shapes)
    query = query.where(dead_letters.c.id.in_(ids)).order_by(dead_letters.c.id)
    return [
        DeadLetter(
            row["business_key"],
            row["stream"],
            sealer.reveal(decode(row["record"])),
            StreamShape(row["schema"], tuple(decode(row["key_properties"]))),
            Origin(row["origin"], row["extracted_at"]),
        )
        for row in connection.execute(query).mappings()
    ]
