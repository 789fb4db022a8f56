"""The trail: append-only events, each hashed over the one before it, runs chained head to head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from ml_connector.store.tables import events, runs
from ml_connector.store.text import digest, encode, stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

GENESIS = "0" * 32


class Trail:
    """Appends the events of one run, in the transaction that makes them true.

    The head is read from the store each time: a transaction that was undone leaves no link behind.
    """

    def __init__(self, run_id: str, head: str) -> None:
        self._run_id = run_id
        self._start = head

    def head(self, connection: Connection) -> str:
        """Return the hash of the run's newest event, or the one it started at."""
        mine = select(events.c.hash).where(events.c.run_id == self._run_id)
        newest: str | None = connection.execute(mine.order_by(events.c.seq.desc()).limit(1)).scalar()
        return newest or self._start

    @classmethod
    def begin(cls, connection: Connection, run_id: str, pipeline: str) -> Trail:
        """Start a run's chain at the newest event of the pipeline, whether or not its run came to an end."""
        newest = select(events.c.hash).join(runs, runs.c.id == events.c.run_id).where(runs.c.pipeline == pipeline)
        head = connection.execute(newest.order_by(events.c.seq.desc()).limit(1)).scalar()
        return cls(run_id, head or GENESIS)

    def append(self, connection: Connection, entries: Sequence[tuple[str, str | None, dict[str, Any]]]) -> None:
        """Append entries of (kind, business key, data)."""
        if not entries:
            return
        at, head = stamp(utc_now()), self.head(connection)
        rows = []
        for kind, business_key, data in entries:
            text = encode(data)
            row = {"run_id": self._run_id, "at": at, "business_key": business_key, "kind": kind}
            data_hash = digest(text)
            link = digest([head, *row.values(), data_hash])
            rows.append({**row, "data": text, "data_hash": data_hash, "previous_hash": head, "hash": link})
            head = link
        connection.execute(insert(events), rows)
