"""Aggregate API: counts and sums of a query (apis/servicenow.md §2.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector_simulators.servicenow.api.calls import RefusedError, Reply
from ml_connector_simulators.servicenow.api.reading import Reading

if TYPE_CHECKING:
    from ml_connector_simulators.servicenow.api.calls import Call, Session
    from ml_connector_simulators.servicenow.instance import Instance

FUNCTIONS = ("sum", "avg", "min", "max")


def aggregate(instance: Instance, session: Session, call: Call, table: str) -> Reply:
    """Answer one call; honours table access rules only, as documented."""
    reading = Reading(instance, session, table)
    if not reading.visible:
        raise RefusedError(403, "User Not Authorized", "Failed API level ACL Validation")
    group_by = _list(call, "sysparm_group_by")
    wanted = [(name, column) for name in FUNCTIONS for column in _list(call, f"sysparm_{name}_fields")]
    counted = [("count", "*")] if call.flag("sysparm_count") else []
    rows = reading.aggregate(call.query.get("sysparm_query", ""), group_by, [*counted, *wanted])
    groups = [_group(row, group_by, [*counted, *wanted]) for row in rows]
    return Reply(200, {"result": groups if group_by else groups[0]})


def _list(call: Call, name: str) -> list[str]:
    return [it for it in call.query.get(name, "").split(",") if it]


def _group(row: tuple[Any, ...], group_by: list[str], wanted: list[tuple[str, str]]) -> dict[str, Any]:
    stats: dict[str, Any] = {}
    for (function, column), value in zip(wanted, row[len(group_by) :], strict=True):
        text = "" if value is None else str(value)
        if function == "count":
            stats["count"] = text
        else:
            stats.setdefault(function, {})[column] = text
    if not group_by:
        return {"stats": stats}
    keys = zip(group_by, row, strict=False)
    return {"stats": stats, "groupby_fields": [{"field": name, "value": value} for name, value in keys]}
