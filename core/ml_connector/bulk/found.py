"""Runs that died or broke off: what they committed without telling the trail is found in the target by the next run.

A process that is killed between the target's commit and the event of a batch leaves a batch that only the target knows;
so does one that lost the answer to a commit and never got through again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from ml_connector.bulk.load import CHECKED, FOUND, LOADED
from ml_connector.store.tables import events, runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from ml_connector.bulk.load import Load
    from ml_connector.delivery.run import Run

_BROKEN = ("running", "stopped")


def broken(connection: Connection, run: Run) -> list[str]:
    """Return the pipeline's earlier runs into this target that came to no good end, oldest first.

    The caller holds the pipeline, so none of them is still running. Those that a later run has checked are left out.
    """
    checked = select(events.c.seq).where(events.c.kind == CHECKED, events.c.business_key == runs.c.id).exists()
    mine = (runs.c.pipeline == run.settings.pipeline, runs.c.target_id == run.target_id, runs.c.id != run.id)
    query = select(runs.c.id).where(*mine, runs.c.outcome.in_(_BROKEN), ~checked).order_by(runs.c.started_at)
    return list(connection.execute(query).scalars())


def tell(connection: Connection, run: Run, earlier: str, loads: Sequence[Load]) -> int:
    """Write that an earlier run was checked, and an event for each batch the trail lacks; return how many."""
    known = select(events.c.business_key).where(events.c.run_id == earlier, events.c.kind == LOADED)
    there = set(connection.execute(known).scalars())
    found = [(FOUND, load.batch, {"run": earlier, **load.told(0)}) for load in loads if load.batch not in there]
    outcome = connection.execute(select(runs.c.outcome).where(runs.c.id == earlier)).scalar_one()
    told = {"outcome": "never ended" if outcome == "running" else outcome, "batches": len(loads), "found": len(found)}
    run.trail.append(connection, [*found, (CHECKED, earlier, told)])
    return len(found)
