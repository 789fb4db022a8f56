"""What may go wrong on the wire of Acumatica and ServiceNow, and the kinds of requests it strikes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ml_connector_simulators.kit import Fault
from ml_connector_simulators.servicenow.faults import ERRORS

from prove.matrix import FAULTS, TIMEOUT

LATE = 300.0  # seconds on the simulator's clock after which a lost request is carried out all the same
_PAGE = {"Content-Type": "text/html; charset=utf-8"}
_TEXT = {"Content-Type": "text/plain"}
_LIMIT = "<html><head><title>API Login Limit</title></head><body><h1>API Login Limit</h1></body></html>"
_REFUSED = '{"message": "An error has occurred.", "exceptionMessage": "API Login Limit"}'

WIRE = {
    **FAULTS,
    "429 in plain text": Fault("status", status=429, headers=_TEXT, body="Too many requests."),
    "429 in HTML": Fault("status", status=429, headers=_PAGE, body="<html><body>Too many requests.</body></html>"),
    "503 in HTML": Fault("status", status=503, headers=_PAGE, body="<html><body>Service Unavailable</body></html>"),
    "a body that breaks off": Fault("truncated", promise_whole_length=True),
    "done, answer lost": Fault("commit_then_drop"),
    "done long after the time-out": Fault("commit_late", delay=LATE),
}
"""Faults of every vendor."""

ACUMATICA = {
    "API Login Limit as a page": Fault("status", status=500, headers=_PAGE, body=_LIMIT),
    "API Login Limit as JSON": Fault("status", status=500, headers={"Content-Type": "application/json"}, body=_REFUSED),
    "API Login Limit as an unknown error": Fault(
        "status", status=429, headers=_TEXT, body="The custom error module does not recognize this error."
    ),
}
SERVICENOW = {
    name: Fault("status", status=known.status, body=known.body.decode(), headers={"Content-Type": known.content_type})
    for name, known in ERRORS.items()
    if name != "forbidden"
}
RIDDEN_OUT = frozenset({"latency"})
"""Faults that no run may fail by, however often they strike."""

_GUID = "[0-9a-f]{8}-[0-9a-f-]{27}"
PLACES = {
    "tap-acumatica": {
        "the token": ("/connect/token$", "POST"),
        "the endpoints": ("/entity$", "GET"),
        "lists": ("/entity/Default/.*/(Vendor|PurchaseOrder)$", "GET"),
    },
    "tap-servicenow": {
        "the token": ("/oauth_token", "POST"),
        "the dictionary": ("/table/sys_(dictionary|db_object)", "GET"),
        "requests": ("/table/sn_shop_purchase_requisition", "GET"),
        "lines": ("/table/sn_shop_purchase_line", "GET"),
    },
    "target-acumatica": {
        "the token": ("/connect/token$", "POST"),
        "the endpoints": ("/entity$", "GET"),
        "the contract": ("/swagger.json$", "GET"),
        "the branches": ("/CompaniesStructure$", "PUT"),
        "proofs": ("/(Vendor|StockItem|NonStockItem|Account|Subaccount)$", "GET"),
        "references": ("/PurchaseOrder$", "GET"),
        "a read by id": (f"/PurchaseOrder/{_GUID}$", "GET"),
        "PUT": ("/PurchaseOrder$", "PUT"),
        "an action": ("/PurchaseOrder/RemoveHold$", "POST"),
        "signing out": ("/auth/logout$", "POST"),
    },
}
"""The kinds of requests that a connector sends: regular expression of the path, and method."""


@dataclass(frozen=True, slots=True)
class Case:
    """A fault at a kind of request: it strikes after some of them, so many times; None: until it is gone.

    `update`: the documents are there already, and what was asked for has changed.
    """

    connector: str
    place: str
    fault: str
    after: int
    times: int | None
    update: bool = False

    def __str__(self) -> str:
        often = "for good" if self.times is None else f"x{self.times}"
        what = ", changes" if self.update else ""
        return f"{self.connector}{what}, {self.place}: {self.fault} {often} after {self.after}"

    def armed(self) -> Fault:
        """Return the fault, ready to strike."""
        path, method = PLACES[self.connector][self.place]
        return replace(
            faults_of(self.connector)[self.fault], path=path, method=method, after=self.after, times=self.times
        )


SIGN_IN = ("the token", "signing out")
"""Requests whose time-outs are the product's own, and minutes long: a site that was asleep takes as long to answer."""


def faults_at(connector: str, place: str) -> tuple[str, ...]:
    """Return the names of the faults that can be waited for at a kind of request."""
    slow = {"done long after the time-out"} if place in SIGN_IN else set()
    return tuple(name for name in faults_of(connector) if name not in slow)


def faults_of(connector: str) -> dict[str, Fault]:
    """Return the faults that a connector's vendor is known for."""
    return {**WIRE, **(SERVICENOW if connector == "tap-servicenow" else ACUMATICA)}


SETTINGS = {"request_timeout": TIMEOUT, "patience": 2}
