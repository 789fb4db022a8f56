"""The trail: append-only events, each hashed over the one before it, runs chained head to head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from ml_connector.store.tables import events, runs
from ml_connector.store.text import digest, encode, stamp, utc_now

if TYPE_CHECKING:
    from sqlalchemy import Connection

GENESIS = "0" * 32


class Trail:
    """Appends the events of one run, in the transaction that makes them true."""

    def __init__(self, run_id: str, head: str) -> None:
        self._run_id = run_id
        self.head = head

    @classmethod
    def begin(cls, connection: Connection, run_id: str, pipeline: str) -> Trail:
        """Start a run's chain at the head of the pipeline's run before it."""
        newest = select(runs.c.head).where(runs.c.pipeline == pipeline, runs.c.head.is_not(None))
        head = connection.execute(newest.order_by(runs.c.started_at.desc()).limit(1)).scalar()
        return cls(run_id, head or GENESIS)

    def append(self, connection: Connection, entries: list[tuple[str, str | None, dict[str, Any]]]) -> None:
        """Append entries of (kind, business key, data)."""
        at = stamp(utc_now())
        rows = []
        for kind, business_key, data in entries:
            row = {"run_id": self._run_id, "at": at, "business_key": business_key, "kind": kind, "data": encode(data)}
            link = digest([self.head, *row.values()])
            rows.append({**row, "previous_hash": self.head, "hash": link})
            self.head = link
        if rows:
            connection.execute(insert(events), rows)
