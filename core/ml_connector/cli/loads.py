"""What bulk runs have loaded, table by table, as their trail tells it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.bulk.load import FOUND, LOADED
from ml_connector.store.tables import events, runs
from ml_connector.store.text import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Loaded:
    """One batch that was committed."""

    batch: str
    pipeline: str
    stream: str
    table: str
    staged: int
    new: int
    changed: int
    unchanged: int
    superseded: int
    deleted: int
    first_key: str | None
    last_key: str | None

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return asdict(self)


def loads_of(
    connection: Connection, *, runs_of: Sequence[str] | None = None, pipeline: str | None = None
) -> list[Loaded]:
    """Return what some runs, or all of a pipeline, have loaded, in the order in which it was read."""
    query = (
        select(runs.c.pipeline, events.c.business_key, events.c.data)
        .join(runs, runs.c.id == events.c.run_id)
        .where(events.c.kind.in_((LOADED, FOUND)))
        .order_by(runs.c.started_at, events.c.business_key)
    )
    if runs_of is not None:
        query = query.where(events.c.run_id.in_(runs_of))
    if pipeline is not None:
        query = query.where(runs.c.pipeline == pipeline)
    return [_loaded(*row) for row in connection.execute(query)]


def _loaded(pipeline: str, batch: str, data: str) -> Loaded:
    told = decode(data)
    names = [name for name in Loaded.__dataclass_fields__ if name not in ("batch", "pipeline")]
    return Loaded(batch, pipeline, *(told.get(name) for name in names))
