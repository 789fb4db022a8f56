"""The trail: append-only events, each hashed over the one before it; runs chained head to head, pipelines crosswise."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from sqlalchemy import func, insert, select, update

from ml_connector.audit.actor import actor, host
from ml_connector.audit.chain import GENESIS, bound, hash_text, link
from ml_connector.secrets import MASK
from ml_connector.secrets.personal import without_iban
from ml_connector.store.tables import events, runs, tallies
from ml_connector.store.text import encode, stamp, storable, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

STARTED, ENDED = "run_started", "run_ended"
"""The first and the last event of a run; what lies between is about records."""

HEADS, TALLIES = "heads", "tallies"
"""What these two events hold besides the run's row: the other pipelines' newest events, and a hash of the tallies."""

COVERED = ("seq", "run_id", "at", "business_key", "kind", "data_hash")
"""The columns that an event's hash is over, in this order, after the hash before it."""

BY_HASH = ("message", "state_from", "state_to")
"""Columns of `runs` that may hold a vendor's words or keys of records: the trail binds them by their hash (L10)."""


class Head(NamedTuple):
    """The newest event of a pipeline."""

    seq: int
    hash: str


class Trail:
    """Appends the events of one run, in the transaction that makes them true.

    The head is read from the store each time: a transaction that was undone leaves no link behind.
    """

    def __init__(self, run_id: str, start: str) -> None:
        self.run_id = run_id
        self._start = start

    @classmethod
    def begin(cls, connection: Connection, pipeline: str, kind: str, **facts: Any) -> Self:
        """Open a run: its row in `runs`, and its chain at the newest event of the pipeline.

        The first event binds the row, and the heads of all other pipelines: whoever takes one of them away has to
        change this one too. `facts` are further columns of `runs`.
        """
        now = utc_now()
        row = {
            "id": f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
            "pipeline": pipeline,
            "kind": kind,
            "started_at": stamp(now),
            "outcome": "running",
            "actor": actor(),
            "host": host(),
            **facts,
        }
        others = heads(connection)
        mine = others.pop(pipeline, Head(0, GENESIS))
        trail = cls(row["id"], mine.hash)
        connection.execute(insert(runs), row)
        trail.append(connection, [(STARTED, None, {**kept_row(connection, trail.run_id), HEADS: others})])
        return trail

    def end(self, connection: Connection, **facts: Any) -> None:
        """Close the run: its last event binds its whole row and its tallies; the row keeps the head."""
        mine = runs.c.id == self.run_id
        connection.execute(update(runs).where(mine).values(ended_at=stamp(utc_now()), **facts))
        told = {**kept_row(connection, self.run_id), TALLIES: tallies_hash(connection, self.run_id)}
        self.append(connection, [(ENDED, None, told)])
        connection.execute(update(runs).where(mine).values(head=self.head(connection)))

    def head(self, connection: Connection) -> str:
        """Return the hash of the run's newest event, or the one it started at."""
        mine = select(events.c.hash).where(events.c.run_id == self.run_id)
        newest: str | None = connection.execute(mine.order_by(events.c.seq.desc()).limit(1)).scalar()
        return newest or self._start

    def append(self, connection: Connection, entries: Sequence[tuple[str, str | None, dict[str, Any]]]) -> None:
        """Append entries of (kind, business key, data).

        `data` holds codes, field names, hashes, amounts and ids only: no payload value, no vendor's words (L10).
        """
        if not entries:
            return
        at, head = stamp(utc_now()), self.head(connection)
        rows = []
        for seq, (kind, business_key, data) in zip(_numbers(connection, len(entries)), entries, strict=True):
            written = without_iban(encode(data), MASK)  # a person's reason may name one
            key = None if business_key is None else storable(business_key)  # what is hashed is what is kept
            covered = (seq, self.run_id, at, key, kind, hash_text(written))
            row = dict(zip(COVERED, covered, strict=True)) | {"data": written, "previous_hash": head}
            head = link(head, *covered)
            rows.append(row | {"hash": head})
        connection.execute(insert(events), rows)


def heads(connection: Connection) -> dict[str, Head]:
    """Return the newest event of every pipeline that has one."""
    each = runs.alias()
    newest = select(func.max(events.c.seq)).where(events.c.run_id == each.c.id).correlate(each).scalar_subquery()
    per_pipeline = select(func.max(newest)).select_from(each).group_by(each.c.pipeline)
    query = select(runs.c.pipeline, events.c.seq, events.c.hash).join(runs, runs.c.id == events.c.run_id)
    found = connection.execute(query.where(events.c.seq.in_(per_pipeline)).order_by(runs.c.pipeline))
    return {pipeline: Head(seq, link_hash) for pipeline, seq, link_hash in found}


def tallies_hash(connection: Connection, run_id: str) -> str:
    """Return a hash over what a run received and what became of it."""
    names = [column for column in tallies.c if column.name != "run_id"]
    return hash_tallies(tuple(row) for row in connection.execute(select(*names).where(tallies.c.run_id == run_id)))


def hash_tallies(rows: Iterable[tuple[Any, ...]]) -> str:
    """Return the hash of a run's tallies, in any order: company, type, kind, reason, currency, count, amount."""
    return hash_text(encode(sorted(rows, key=encode)))


def bound_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the trail keeps of a line of `runs`; its head is the trail itself."""
    told = {name: value for name, value in row.items() if value is not None and name != "head"}
    return {name: bound(str(value)) if name in BY_HASH else value for name, value in told.items()}


def kept_row(connection: Connection, run_id: str) -> dict[str, Any]:
    """Return what the trail keeps of the line of a run, as the store has it."""
    return bound_row(dict(connection.execute(select(runs).where(runs.c.id == run_id)).mappings().one()))


def _numbers(connection: Connection, count: int) -> Sequence[int]:
    """Return the next places in the order of events: an event's hash covers its place, and a store has one writer."""
    last: int = connection.execute(select(func.max(events.c.seq))).scalar() or 0
    return range(last + 1, last + 1 + count)
