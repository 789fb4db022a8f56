"""One batch's story: what a bulk run loaded under an id, from the event that tells of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.audit.book import Event
from ml_connector.bulk.load import LOADED
from ml_connector.store.tables import events, runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

BATCH_COLUMN = "_ML_BATCH_ID"
"""The column in which every row of the target names the batch that wrote it last."""

_OF_THE_RUN = ("id", "pipeline", "kind", "target_id", "target_label", "started_at", "outcome", "balance")


@dataclass(frozen=True, slots=True)
class BatchStory:
    """What is known of a batch that was committed."""

    batch: str
    at: str
    run: dict[str, Any]
    told: dict[str, Any]  # stream, table, counts, keys, query ids; what the event holds

    @property
    def select(self) -> str:
        """The statement that shows the batch's rows in the target: those that no later batch has written again."""
        quoted = self.batch.replace("'", "''")
        return f"SELECT * FROM {self.told.get('table', 'THE_TABLE')} WHERE {BATCH_COLUMN} = '{quoted}'"  # noqa: S608  # shown, not run

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {**asdict(self), "select": self.select}


def find_batch(connection: Connection, batch: str) -> BatchStory | None:
    """Return the story of a batch by its whole id, None when the trail knows no such batch."""
    columns = [events.c[name].label(f"e_{name}") for name in Event._fields]
    query = select(*columns, *(runs.c[name] for name in _OF_THE_RUN)).join(runs, runs.c.id == events.c.run_id)
    row = connection.execute(query.where(events.c.business_key == batch, events.c.kind == LOADED)).mappings().first()
    if row is None:
        return None
    event = Event(*(row[f"e_{name}"] for name in Event._fields))
    return BatchStory(batch, event.at, {name: row[name] for name in _OF_THE_RUN}, event.told)
