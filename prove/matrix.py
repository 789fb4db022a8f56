"""Faults times verbs: what may go wrong on the wire, what our executables can be asked, and where it strikes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_connector_simulators.kit import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT, PATIENCE = 1, 3  # seconds
LIMIT = 90.0  # of the wall clock: many times what time-out and patience add up to, on a busy machine

FAULTS = {
    "latency": Fault("latency", seconds=0.2),
    "429 with Retry-After": Fault("status", status=429, headers={"Retry-After": "1"}),
    "429 without Retry-After": Fault("status", status=429),
    "500": Fault("status", status=500, body="oops"),
    "401 expiry": Fault("token_expiry"),
    "time-out": Fault("timeout", seconds=TIMEOUT + 1),
    "reset": Fault("reset"),
    "truncated JSON": Fault("truncated"),
    "HTML instead of JSON": Fault("html"),
}
RIDDEN_OUT = frozenset({"latency"})
"""Faults that no run may fail by, however often they strike."""


@dataclass(frozen=True, slots=True)
class Verb:
    """What an executable is asked to do, in which way of writing, and which requests the fault waits for."""

    executable: str  # tap or target
    name: str
    place: str  # words for the requests
    path: str | None  # regular expression; None for all but token requests
    method: str | None = None
    mode: str = "batch"
    map: str = "servicenow-s2p"
    asynchronous: bool = False

    def __str__(self) -> str:
        return f"{self.executable} {self.name}, {self.place}"


_TAP = (("the API", None), ("the token endpoint", "/connect/token"))
_TARGET = (("the API", None), ("the token endpoint", "/oauth_token"))
_LOADS = (
    Verb("target", "load one by one", "", None, mode="single"),
    Verb("target", "load in batches", "", None, mode="batch"),
    Verb("target", "load by insertMultiple", "", None, mode="insert_multiple"),
    Verb("target", "load by insertMultiple, later", "", None, mode="insert_multiple", asynchronous=True),
    Verb("target", "load tables", "", None, mode="single", map="servicenow-apo"),
)
_WRITES, _READS = ("writes", "/api/now/(v1/batch|import|table)", "POST"), ("reads", "/api/now/table", "GET")


def verbs() -> Iterator[Verb]:
    """Yield every verb of both connectors, at every kind of request it sends."""
    for name in ("discover", "sync", "ping", "census"):
        for place, path in _TAP:
            yield Verb("tap", name, place, path)
    for load in _LOADS:
        for place, path, method in (_WRITES, _READS, ("the token endpoint", "/oauth_token", None)):
            yield replace(load, place=place, path=path, method=method)
    for name in ("ping", "reread"):
        for place, path in _TARGET:
            yield Verb("target", name, place, path)


@dataclass(frozen=True, slots=True)
class Case:
    """A fault at a verb: it strikes after some requests, so many times; None: until it is gone."""

    verb: Verb
    fault: str
    after: int
    times: int | None

    def __str__(self) -> str:
        often = "for good" if self.times is None else f"x{self.times}"
        return f"{self.verb}: {self.fault} {often} after {self.after}"

    def armed(self) -> Fault:
        """Return the fault, ready to strike."""
        model = FAULTS[self.fault]
        place = {"path": self.verb.path, "method": self.verb.method, "after": self.after, "times": self.times}
        return replace(model, **place)  # type: ignore[arg-type]
