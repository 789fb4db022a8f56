"""The trail, walked from its first event to its last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.audit.chain import hash_text, link
from ml_connector.audit.trail import COVERED
from ml_connector.store import open_store
from ml_connector.store.tables import events, runs
from sqlalchemy import select

if TYPE_CHECKING:
    from prove.flow import Flow


def broken(flow: Flow) -> list[str]:
    """Return where the trail of a store is broken, and say so too when it holds nothing."""
    store = open_store(flow.store_url)
    with store.transaction() as connection:
        found = connection.execute(select(events).order_by(events.c.seq)).mappings().all()
        pipelines = {row.id: row.pipeline for row in connection.execute(select(runs.c.id, runs.c.pipeline))}
    store.close()
    heads: dict[str, str] = {}
    faults = [] if found else ["the trail is empty"]
    for event in found:
        pipeline = pipelines.get(event["run_id"])
        if pipeline is None:
            faults.append(f"event {event['seq']} belongs to no run")
            continue
        before = heads.get(pipeline)
        if before is not None and event["previous_hash"] != before:
            faults.append(f"event {event['seq']} does not follow the one before it")
        if event["hash"] != link(event["previous_hash"], *(event[name] for name in COVERED)):
            faults.append(f"event {event['seq']} is not what was hashed")
        if event["data"] is not None and event["data_hash"] != hash_text(event["data"]):
            faults.append(f"the data of event {event['seq']} is not what was hashed")
        heads[pipeline] = event["hash"]
    return faults
