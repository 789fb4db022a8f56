"""`/v1/dimension`: ids as strings, then one object with segments and their values (apis/visma.md §3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector_simulators.kit import json_response
from ml_connector_simulators.visma.queries import is_true, select
from ml_connector_simulators.visma.resource import Filter, Resource
from ml_connector_simulators.visma.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from ml_connector_simulators.visma.api import Call
    from ml_connector_simulators.visma.store import Store

Row = dict[str, Any]
_DIMENSION = RESOURCES["dimension"]
_VALUE = Resource(
    path="/v1/dimension/value",
    keys=("valueId",),
    filters=(Filter("lastModifiedDateTime", "lastModified", ordered=True),),
)


def handlers(store: Store) -> dict[str, Callable[[Call], Response]]:
    """The endpoints below `/v1/dimension`, by path."""

    def ids(call: Call) -> Response:
        return json_response([row["id"] for row in store.rows(call.company, _DIMENSION)])

    def one(call: Call) -> Response:
        row = store.row(call.company, _DIMENSION, call.params["dimension"])
        if row is None:
            return _missing(call)
        return json_response(row | {"segments": [_segment(segment, call) for segment in row["segments"]]})

    def segment(call: Call) -> Response:
        found = _find_segment(store, call)
        return json_response(_segment(found, call)) if found else _missing(call)

    def value(call: Call) -> Response:
        segment = _find_segment(store, call) or {"segmentValues": []}
        found = next((row for row in segment["segmentValues"] if row["valueId"] == call.params["value"]), None)
        return json_response(found) if found else _missing(call)

    return {
        "": ids,
        "/{dimension}": one,
        "/{dimension}/{segment}": segment,
        "/{dimension}/{segment}/{value}": value,
    }


def _segment(segment: Row, call: Call) -> Row:
    """A segment with the values asked for; `expandSegmentsValues=false` leaves them out."""
    if not is_true(call.query, "expandSegmentsValues", default=True):
        return {name: value for name, value in segment.items() if name != "segmentValues"}
    return segment | {"segmentValues": select(_VALUE, segment["segmentValues"], call.query)}


def _find_segment(store: Store, call: Call) -> Row | None:
    dimension = store.row(call.company, _DIMENSION, call.params["dimension"]) or {"segments": []}
    number = call.params["segment"]
    return next((row for row in dimension["segments"] if str(row["segmentId"]) == number), None)


def _missing(call: Call) -> Response:
    return json_response({"message": f"{'/'.join(call.params.values())} was not found."}, 404)
