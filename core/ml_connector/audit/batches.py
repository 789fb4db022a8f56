"""One batch's story: what a bulk run loaded under an id, from the event that tells of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.audit.book import Event
from ml_connector.bulk.load import FOUND, LOADED
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
    columns = [events.c[name] for name in Event._fields]
    mine = (events.c.business_key == batch, events.c.kind.in_((LOADED, FOUND)))
    row = connection.execute(select(*columns).where(*mine).order_by(events.c.seq)).first()
    if row is None:
        return None
    event = Event(*row)
    run_id = event.told.get("run", event.run_id)  # of a batch that was found, the run that died
    run = connection.execute(select(*(runs.c[name] for name in _OF_THE_RUN)).where(runs.c.id == run_id)).mappings()
    return BatchStory(batch, event.at, dict(run.one()), event.told)
