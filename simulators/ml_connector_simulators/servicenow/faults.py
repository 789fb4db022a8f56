"""How an instance answers when something is wrong with it, by name (apis/servicenow.md §0.7, §1, §2.4, §2.5, §5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.kit import Fault, encode_json
from ml_connector_simulators.servicenow.api.calls import JSON

if TYPE_CHECKING:
    from collections.abc import Sequence

HIBERNATING = b"""<html><head><title>Instance Hibernating page</title></head>
<body>Your instance is hibernating. Sign in to the developer site to wake it.</body></html>"""
CANCELLED = "Transaction cancelled: maximum execution time exceeded"


def error(message: str, detail: str | None = None) -> dict[str, Any]:
    """The platform's envelope of an error."""
    return {"error": {"message": message, "detail": detail}, "status": "failure"}


def cancelled(rows: Sequence[dict[str, Any]] = ()) -> bytes:
    """The answer of a list read that ran too long: 200, and no JSON (§0.7)."""
    told = encode_json(error(CANCELLED, f"{CANCELLED} Check logs for error trace"))
    return b'{"result":' + encode_json(list(rows)) + b'"" , ' + told.removeprefix(b"{")


@dataclass(frozen=True, slots=True)
class Known:
    """One answer that stands instead of the instance's own; nothing is done."""

    status: int
    body: bytes
    content_type: str = JSON

    def fault(self, **fields: Any) -> Fault:
        """The fault that gives this answer."""
        headers = {"Content-Type": self.content_type}
        return Fault("status", status=self.status, body=self.body.decode(), headers=headers, **fields)


ERRORS = {
    "cancelled": Known(200, cancelled()),
    "failure": Known(200, encode_json({"result": [], **error(CANCELLED)})),  # JSON that says it failed
    "quota": Known(500, encode_json(error(CANCELLED))),  # the 60 seconds of a transaction quota (§2.4)
    "hibernating": Known(200, HIBERNATING, "text/html;charset=UTF-8"),
    "semaphore": Known(429, encode_json(error("Too many requests"))),  # a node's pool is full: no X-RateLimit (§5)
    "forbidden": Known(403, encode_json(error("User Not Authorized", "Failed API level ACL Validation"))),
    "unavailable": Known(503, b"<html><body>Service Unavailable</body></html>", "text/html"),
}
