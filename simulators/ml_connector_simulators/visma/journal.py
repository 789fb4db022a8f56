"""`/v2/journaltransaction`: pages count lines, so that a batch may be split over two (apis/visma.md §3.4)."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.kit import json_response
from ml_connector_simulators.visma.queries import BadQueryError, is_true, parse_time, select, whole
from ml_connector_simulators.visma.resource import Filter, Resource
from ml_connector_simulators.visma.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from starlette.responses import Response

    from ml_connector_simulators.visma.api import Call
    from ml_connector_simulators.visma.store import Store

Row = dict[str, Any]
_JOURNAL = RESOURCES["journaltransaction"]
_MODULES = ("GL", "AP", "AR", "CM", "CA", "IN", "DR", "FA", "PM")
_STATUS = ("Hold", "Balanced", "Unposted", "Posted", "Voided", "Scheduled")
_BY_FIELD = Resource(
    path=_JOURNAL.path,
    keys=_JOURNAL.keys,
    filters=(
        Filter("periodId", "financialPeriod"),
        Filter("status", "status", allowed=_STATUS),
        Filter("branch", "branch"),
    ),
)


def handlers(
    store: Store, page_size: Callable[[Resource, Mapping[str, str]], tuple[int, int]]
) -> dict[str, Callable[[Call], Response]]:
    """The endpoints of the journal, by path."""

    def batches(call: Call) -> Response:
        size, largest = page_size(_JOURNAL, call.query)
        lines = list(_lines(_selected(store.rows(call.company, _JOURNAL), call.query)))
        start = (whole(call.query, "pageNumber", 1) - 1) * size
        metadata = {"totalCount": len(lines), "maxPageSize": largest}
        return json_response([row | {"metadata": metadata} for row in _regrouped(lines[start : start + size], call)])

    def one(call: Call) -> Response:
        """The path names no module: outside GL it is ambiguous, and the first module wins."""
        rows = [row for row in store.rows(call.company, _JOURNAL) if row["batchNumber"] == call.params["number"]]
        rows.sort(key=lambda row: row["module"] != "ModuleGL")
        if not rows:
            return json_response({"message": f"Batch {call.params['number']} was not found."}, 404)
        return json_response(rows[0])

    return {"": batches, "/{number}": one}


def _selected(rows: list[Row], query: Mapping[str, str]) -> list[Row]:
    since = query.get("lastmodifieddatetime")
    if since is None and "periodid" not in query:
        raise BadQueryError("Either PeriodId or LastModifiedDateTime is mandatory.")
    module = query.get("module")
    if module is not None and module.upper() not in _MODULES:
        raise BadQueryError(f"The value '{module}' is not valid for module.")
    rows = select(_BY_FIELD, rows, query)
    if since is not None:
        instant = parse_time("lastModifiedDateTime", since)
        rows = [row for row in rows if datetime.fromisoformat(row["lastModifiedDateTime"]) >= instant]
    return [row for row in rows if module is None or row["module"] == f"Module{module.upper()}"]


def _lines(rows: list[Row]) -> Iterator[tuple[Row, Row]]:
    for row in rows:
        for line in row["journalTransactionLines"]:
            yield row, line


def _regrouped(lines: list[tuple[Row, Row]], call: Call) -> Iterator[Row]:
    """Batches with only those of their lines that fell on this page."""
    hidden = set() if is_true(call.query, "expandAttachments") else {"attachments"}
    for _, together in groupby(lines, key=lambda pair: _JOURNAL.key(pair[0])):
        pairs = list(together)
        row = {name: value for name, value in pairs[0][0].items() if name not in hidden}
        yield row | {"journalTransactionLines": [line for _, line in pairs]}
