"""Runs that died: what they had committed without telling the trail is found in the target and told by the next run.

A process that is killed between the target's commit and the event of a batch leaves a batch that only the target knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from ml_connector.bulk.load import FOUND, LOADED, NEVER_ENDED
from ml_connector.store.tables import events, runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from ml_connector.bulk.load import Load
    from ml_connector.delivery.run import Run


def died(connection: Connection, run: Run) -> list[str]:
    """Return the pipeline's earlier runs into this target that have no end, oldest first.

    The caller holds the pipeline, so none of them is still running. Those that a later run has told of are left out.
    """
    told = select(events.c.seq).where(events.c.kind == NEVER_ENDED, events.c.business_key == runs.c.id).exists()
    mine = (runs.c.pipeline == run.settings.pipeline, runs.c.target_id == run.target_id, runs.c.id != run.id)
    query = select(runs.c.id).where(*mine, runs.c.outcome == "running", ~told).order_by(runs.c.started_at)
    return list(connection.execute(query).scalars())


def tell(connection: Connection, run: Run, dead: str, loads: Sequence[Load]) -> int:
    """Write that a run never ended, and an event for each of its batches that the trail lacks; return how many."""
    known = select(events.c.business_key).where(events.c.run_id == dead, events.c.kind == LOADED)
    there = set(connection.execute(known).scalars())
    lacking = [load for load in loads if load.batch not in there]
    found = [(FOUND, load.batch, {"run": dead, **load.told(0)}) for load in lacking]
    run.trail.append(connection, [*found, (NEVER_ENDED, dead, {"batches": len(loads), "found": len(found)})])
    return len(found)
