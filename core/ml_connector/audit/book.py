"""The books as a verifier reads them, from a store or from an export: runs, events in order, hashes of tallies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec
from sqlalchemy import select

from ml_connector.audit.chain import GENESIS
from ml_connector.audit.trail import kept_row, tallies_hash
from ml_connector.store.tables import events, runs, tallies
from ml_connector.store.text import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

_AT_ONCE = 2000


class Event(NamedTuple):
    """One line of the trail."""

    seq: int
    run_id: str
    at: str
    business_key: str | None
    kind: str
    data: str | None
    data_hash: str
    previous_hash: str
    hash: str

    @property
    def told(self) -> dict[str, Any]:
        """The data; nothing when it was purged, or made unreadable, which its hash tells."""
        try:
            data = decode(self.data or "{}")
        except msgspec.DecodeError:
            return {}
        return data if isinstance(data, dict) else {}


class Scope(NamedTuple):
    """The part of a pipeline's chain that a book holds: what its first event follows, and its last event's place."""

    after: str = GENESIS
    first: int = 0
    last: int | None = None  # None: whatever is there


class Book(Protocol):
    """What can be verified; lines and tallies are asked for run by run, so that nothing large is kept in memory."""

    def pipelines(self) -> dict[str, str]:
        """Return the pipeline of every run."""

    def row_of(self, run_id: str) -> dict[str, Any]:
        """Return what the trail would bind of a line of `runs`, and its `head`."""

    def tallies_of(self, run_id: str) -> str:
        """Return the hash of a run's tallies."""

    def strays(self) -> list[str]:
        """Return the runs of which there are tallies, but no line."""

    def events(self, *kinds: str) -> Iterator[Event]:
        """Yield the events in order, or those of some kinds."""

    def scope(self, pipeline: str) -> Scope | None:
        """Return which part of a pipeline's chain is here, None when it is not in this book."""


class StoreBook:
    """The books in a store; with a name, those of one pipeline."""

    def __init__(self, connection: Connection, pipeline: str | None = None) -> None:
        self._connection = connection
        self._pipeline = pipeline

    def pipelines(self) -> dict[str, str]:
        """Return the pipeline of every run."""
        return {row.id: row.pipeline for row in self._connection.execute(select(runs.c.id, runs.c.pipeline))}

    def row_of(self, run_id: str) -> dict[str, Any]:
        """Return what the trail would bind of a line of `runs`, and its `head`."""
        head = self._connection.execute(select(runs.c.head).where(runs.c.id == run_id)).scalar()
        return {**kept_row(self._connection, run_id), "head": head}

    def tallies_of(self, run_id: str) -> str:
        """Return the hash of a run's tallies."""
        return tallies_hash(self._connection, run_id)

    def strays(self) -> list[str]:
        """Return the runs of which there are tallies, but no line."""
        query = select(tallies.c.run_id).distinct().where(tallies.c.run_id.not_in(select(runs.c.id)))
        return list(self._connection.execute(query).scalars())

    def events(self, *kinds: str) -> Iterator[Event]:
        """Yield the events in order, or those of some kinds."""
        query = select(*(events.c[name] for name in Event._fields)).order_by(events.c.seq)
        if kinds:
            query = query.where(events.c.kind.in_(kinds))
        for row in self._connection.execution_options(yield_per=_AT_ONCE).execute(query):
            yield Event(*row)

    def scope(self, pipeline: str) -> Scope | None:
        """Return the whole chain of a pipeline."""
        return Scope() if self._pipeline in (None, pipeline) else None
