"""Batch API: many calls in one, one after the other (apis/servicenow.md §4)."""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.servicenow.api.calls import Call, RefusedError, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_INPUT, MAX_OUTPUT = 5 * 1024 * 1024, 10 * 1024 * 1024
SECONDS = 30


def batch(call: Call, handle: Callable[[Call], Reply], item_seconds: float) -> Reply:
    """Serve the items in order until a size or the time ends it; the rest is told by id as unserviced."""
    body = call.json()
    items = body.get("rest_requests") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise RefusedError(400, "Exception while reading request", "rest_requests is missing")
    serviced: list[dict[str, Any]] = []
    for item in items:
        if (len(serviced) + 1) * item_seconds > SECONDS or len(item.get("body", "")) > MAX_INPUT:
            break
        reply = handle(_call(item))
        if len(reply.content()) > MAX_OUTPUT:
            break
        serviced.append(_told(item, reply))
    return Reply(
        200,
        {
            "batch_request_id": str(body.get("batch_request_id", "")),
            "serviced_requests": serviced,
            "unserviced_requests": [item.get("id") for item in items[len(serviced) :]],
        },
    )


def items(call: Call) -> list[Call]:
    """The calls inside a batch; none when it is no batch at all."""
    try:
        return [_call(item) for item in call.json()["rest_requests"]]
    except (RefusedError, KeyError, TypeError):
        return []


def _call(item: dict[str, Any]) -> Call:
    headers = {header["name"]: header["value"] for header in item.get("headers", [])}
    try:
        body = base64.b64decode(item.get("body", ""))
    except binascii.Error:
        body = b""
    return Call.of(item.get("method", "GET"), item.get("url", ""), headers, body)


def _told(item: dict[str, Any], reply: Reply) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": item.get("id"),
        "body": base64.b64encode(reply.content()).decode(),
        "status_code": reply.status,
        "status_text": HTTPStatus(reply.status).phrase,
        "headers": [],
        "execution_time": 1,
    }
    if not item.get("exclude_response_headers"):
        pairs = {"Content-Type": reply.content_type, **reply.headers}
        told["headers"] = [{"name": name, "value": value} for name, value in pairs.items()]
    return told
