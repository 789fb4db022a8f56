"""Records of earlier batches that were refused: which of them wait, and what is written when they arrive after all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.delivery import outbox
from ml_connector.delivery.balance import SUPERSEDED
from ml_connector.delivery.deadletters import close_letters
from ml_connector.delivery.news import BOUND
from ml_connector.delivery.sink import State
from ml_connector.delivery.work import OPEN_STATES
from ml_connector.store.tables import deliveries
from ml_connector.store.text import stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

    from ml_connector.delivery.run import Run
    from ml_connector.delivery.work import KnownDelivery

_WAITING = (*OPEN_STATES, State.WAIVED)
"""What a person gave up is among them: a newer version of it may arrive, and is then no longer given up."""


def keys_waiting(connection: Connection, target_id: str, stream: str) -> set[str]:
    """Return the business keys of a stream that this target has not got, whatever the pipeline was called then."""
    mine = (deliveries.c.target_id == target_id, deliveries.c.record_type == stream)
    query = select(deliveries.c.business_key).where(*mine, deliveries.c.state.in_(_WAITING))
    return set(connection.execute(query).scalars())


def arrivals(connection: Connection, target_id: str, keys: Collection[str]) -> dict[str, KnownDelivery]:
    """Return which of these keys belong to records that wait."""
    known = outbox.find(connection, target_id, keys)
    return {key: each for key, each in known.items() if each.state in _WAITING}


def settle(connection: Connection, run: Run, batch: str, waited: Mapping[str, KnownDelivery]) -> None:
    """Write that records which waited have arrived with a batch, and close their dead letters.

    A delivery that waited counts in this run: it was carried in, or received and refused in this very run. What has
    arrived is another line of the same record, and counts under the batch. So the one that waited is superseded:
    carried in 1 + received 1 = delivered 1 + superseded 1, the amounts each as they came.
    """
    if not waited:
        return
    now = stamp(utc_now())
    outbox.change_deliveries(connection, [_row(run, each, now) for each in waited.values()])
    close_letters(connection, run.target_id, list(waited), "settled")
    run.trail.append(connection, [(State.DELIVERED, key, _told(each, batch)) for key, each in waited.items()])


def _row(run: Run, known: KnownDelivery, now: str) -> dict[str, Any]:
    cleared = dict.fromkeys(("reason", "field", "value", "message", "suggestion", "next_attempt_at"))
    row = {"id": known.id, "state": State.DELIVERED, "since": now, "verified_at": now, **cleared}
    if known.last_run == run.id:  # else it was another pipeline's, or given up: no part of this run's balance
        row["run_outcome"] = SUPERSEDED
    return row


def _told(known: KnownDelivery, batch: str) -> dict[str, Any]:
    """Return the event's content: of the version that arrived, only the batch is known."""
    bound = {name: getattr(known, name) for name in BOUND} | {"state": State.DELIVERED, "reason": None}
    return {name: value for name, value in bound.items() if value} | {"batch": batch}
