"""Fences: who takes a pipeline gets a number, and who holds an older one writes nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sqlalchemy import insert, select, update

from ml_connector.errors import EnvironmentFault
from ml_connector.store.tables import pipelines
from ml_connector.store.text import stamp, utc_now

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Fence:
    """One holder's claim to write for a pipeline."""

    pipeline: str
    number: int

    @classmethod
    def take(cls, connection: Connection, pipeline: str, holder: str) -> Self:
        """Claim the pipeline: every earlier claim ends with this transaction."""
        before = connection.execute(select(pipelines.c.fence).where(pipelines.c.name == pipeline)).scalar()
        values = {"fence": (before or 0) + 1, "holder": holder, "taken_at": stamp(utc_now())}
        if before is None:
            connection.execute(insert(pipelines).values(name=pipeline, **values))
        else:
            connection.execute(update(pipelines).where(pipelines.c.name == pipeline).values(values))
        return cls(pipeline, (before or 0) + 1)

    def prove(self, connection: Connection) -> None:
        """Raise EnvironmentFault unless this is still the newest claim."""
        query = select(pipelines.c.fence, pipelines.c.holder, pipelines.c.taken_at)
        found = connection.execute(query.where(pipelines.c.name == self.pipeline)).one_or_none()
        if found is None or found.fence != self.number:
            taker = f"{found.holder} since {found.taken_at}" if found else "nobody: the store is another one"
            raise EnvironmentFault(
                f"the pipeline {self.pipeline!r} was taken over while this process was halted or cut off; now it "
                f"belongs to {taker}. This process has stopped and writes nothing more; the other one goes on."
            )


def holder_of(connection: Connection, pipeline: str) -> str:
    """Return, in words, who took a pipeline last."""
    query = select(pipelines.c.holder, pipelines.c.taken_at).where(pipelines.c.name == pipeline)
    found = connection.execute(query).one_or_none()
    return f"{found.holder} since {found.taken_at}" if found else "unknown"
