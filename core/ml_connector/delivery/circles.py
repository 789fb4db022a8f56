"""Records that wait for each other: one of them goes first, without its reference, and is completed afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from ml_connector.delivery.sink import State
from ml_connector.delivery.work import IN_FLIGHT, Verdict
from ml_connector.mapping.dimensions import SOURCE_KEY
from ml_connector.store.tables import deliveries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from ml_connector.delivery.work import KnownDelivery
    from ml_connector.mapping.dimensions import Dimension

REFERS_BACK = "refers_back"
"""Why a record waits that was sent without a reference: what it refers to waits for it."""


def refers_back(field: str | None = None, value: str | None = None) -> Verdict:
    """Return the verdict on a record that the target has, but for a reference."""
    words = "the target has it without this reference, which refers back to it; it is completed when that has arrived"
    return Verdict(State.PARKED, REFERS_BACK, words, field, value)


def still_refers_back(known: KnownDelivery, verdict: Verdict) -> Verdict:
    """Return a later verdict on such a record: what is missing in it is not forgotten when the rest has arrived."""
    if known.reason != REFERS_BACK or verdict.state not in (State.DELIVERED, *IN_FLIGHT):
        return verdict
    return replace(refers_back(), state=State.PARKED if verdict.state == State.DELIVERED else verdict.state)


def find(
    connection: Connection, pipeline: str, target_id: str, dimensions: Mapping[str, Dimension]
) -> set[tuple[str, str]]:
    """Return, of each circle of waiting records, the one that goes first and the record that it shall not wait for.

    Only references that the map may leave out can be left out.
    """
    names = ("business_key", "erp_source", "field", "reason", "value")
    query = select(*(deliveries.c[name] for name in names)).where(
        deliveries.c.pipeline == pipeline, deliveries.c.target_id == target_id, deliveries.c.state == State.PARKED
    )
    waits_for = {}
    for key, erp_source, field, reason, value in connection.execute(query):
        dimension = dimensions.get(field or "")
        if dimension and reason == f"{field}_missing" and _may_be_left_out(dimension):
            waits_for[key] = f"{erp_source}:{dimension.record_type}:{value}"
    return {(key, waits_for[key]) for key in _first_of_each(waits_for)}


def _may_be_left_out(dimension: Dimension) -> bool:
    return dimension.value_field == SOURCE_KEY and dimension.missing.action == "omit"


def _first_of_each(waits_for: Mapping[str, str]) -> set[str]:
    """Return the first key, in their order, of every circle."""
    found, seen = set(), set()
    for start in waits_for:
        path: list[str] = []
        key = start
        while key in waits_for and key not in seen:
            seen.add(key)
            path.append(key)
            key = waits_for[key]
        if key in path:
            found.add(min(path[path.index(key) :]))
    return found
