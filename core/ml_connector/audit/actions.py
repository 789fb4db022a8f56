"""What a person decides: one transaction, with a run of kind `action` that says who, where and why (L9)."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.audit.actor import actor
from ml_connector.audit.trail import Trail
from ml_connector.delivery.lock import pipeline_lock
from ml_connector.store.tables import runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from ml_connector.store import Store


@dataclass(frozen=True, slots=True)
class Action:
    """A person's action under way; everything done with `connection` is durable when it ends, or undone."""

    connection: Connection
    trail: Trail
    actor: str

    @property
    def run_id(self) -> str:
        """The id of the action's line in `runs`."""
        return self.trail.run_id

    def note(self, kind: str, business_key: str | None, data: dict[str, Any]) -> None:
        """Append to the trail what was done to a record, and why: `data["reason"]` in the person's words.

        `kind` is a delivery state if and only if the action gives the delivery that state. No payload values (L10).
        """
        self.trail.append(self.connection, [(kind, business_key, data)])


@contextmanager
def action(store: Store, store_url: str, pipeline: str, verb: str, target_id: str | None = None) -> Iterator[Action]:
    """Do what a person decided, while no run of the pipeline is under way.

    `target_id` is the target of the records it is about, where that is not the target of the pipeline's newest run.

    Raises:
        EnvironmentFault: Another process is running this pipeline; nothing was changed.
    """
    with pipeline_lock(store_url, pipeline) as fence, store.fenced(fence), store.transaction() as connection:
        place = _place(connection, pipeline)
        if target_id is not None:
            place["target_id"] = target_id
        trail = Trail.begin(connection, pipeline, "action", message=verb, mapping="", map_version="", **place)
        yield Action(connection, trail, actor())
        trail.end(connection, outcome="finished", exit_code=0)


def _place(connection: Connection, pipeline: str) -> dict[str, str]:
    newest = select(runs.c.target_id, runs.c.target_label).where(runs.c.pipeline == pipeline)
    found = connection.execute(newest.order_by(runs.c.started_at.desc()).limit(1)).first()
    return dict(found._mapping) if found else {"target_id": "", "target_label": ""}  # noqa: SLF001  # public by its documentation
