"""A sink against the Acumatica simulator over real HTTP, with a clock that both believe."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from ml_connector.delivery.sink import Effect, Outcome, State
from ml_connector.http import Budget, Retry
from ml_connector.vendors.acumatica.client import open_client
from ml_connector_simulators.acumatica import CLIENT_ID, CLIENT_SECRET, PASSWORD, TENANT, USER, AcumaticaSimulator
from ml_connector_simulators.kit import running
from target_acumatica.sink import AcumaticaSink, Options
from target_acumatica.writer import Rules

from prove.common_clock import CommonClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SIGN_IN = {
    "tenant": TENANT,
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "username": USER,
    "password": PASSWORD,
}
RULES = ("park_silent", "make_deleted", "empty")
_ids = count(1)


class Bench:
    """One simulator and one sink, with what a test says about them."""

    def __init__(self, sim: AcumaticaSimulator, config: dict[str, Any] | None = None, **options: Any) -> None:
        self.sim = sim
        self.clock = CommonClock(sim)
        settings = {
            "instance_url": sim.url,
            "endpoint": "Default",
            "endpoint_version": "24.200.001",
            "auth_method": "oauth_password",
            "request_timeout": 1.0,
            "patience": 20,
            **SIGN_IN,
            **(config or {}),
        }
        budget = Budget(max_concurrency=1, clock=self.clock)
        connection = open_client(settings, agent="test", budget=budget)
        connection.client._retry = Retry(wait_initial=0.0, wait_max=0.0, jitter=0.0)
        rules = Rules(**{name: options.pop(name) for name in RULES if name in options})
        self.sink = AcumaticaSink(connection, settings, Options(**{**options, "rules": rules}), self.clock)

    @property
    def orders(self) -> list[dict[str, Any]]:
        """The purchase orders that carry a reference of ours."""
        return [row for row in self.sim.rows("PurchaseOrder") if str(row["VendorRef"] or "").startswith("REQ")]

    def puts(self, entity: str = "PurchaseOrder") -> list[Any]:
        return self.sim.log.writes(f"/{entity}$")

    def send(self, *effects: Effect) -> list[Outcome]:
        """Send, and see that each document has exactly one outcome, in the order of the effects."""
        outcomes = list(self.sink.send(effects))
        assert sorted(o.effect.id for o in outcomes) == sorted(e.id for e in effects)
        return sorted(map(self._dated, outcomes), key=lambda o: o.effect.id)

    def _dated(self, outcome: Outcome) -> Outcome:
        """Date a loss, as the engine does."""
        if outcome.state is not State.IN_DOUBT:
            return outcome
        return replace(outcome, effect=replace(outcome.effect, lost_at=self.clock.now()))

    def settle(self, outcomes: Sequence[Outcome], *, wait: bool = True) -> list[Outcome]:
        """Settle documents from what a store would keep of their outcomes."""
        found = list(self.sink.settle([self.remembered(o) for o in outcomes], wait=wait))
        assert sorted(o.effect.id for o in found) == sorted(o.effect.id for o in outcomes)
        return sorted(found, key=lambda o: o.effect.id)

    def remembered(self, outcome: Outcome, payload: dict[str, Any] | None = None) -> Effect:
        """Return the effect as the store would give it back, perhaps in a newer version."""
        effect = outcome.effect
        return replace(
            effect,
            payload=payload or effect.payload,
            handle=outcome.handle,
            memory=outcome.memory or effect.memory,
            target_id=outcome.target_id or effect.target_id,
            sent_at=effect.sent_at or self.clock.now(),
        )


def states(outcomes: Sequence[Outcome]) -> list[tuple[State, str]]:
    return [(o.state, o.reason or o.action) for o in outcomes]


def line(
    number: int, item: str | None = "APPLES", quantity: Any = 10, cost: Any = "2.29", **more: Any
) -> dict[str, Any]:
    return {"__row__": str(number), "InventoryID": item, "OrderQty": quantity, "UnitCost": cost, **more}


def order(reference: str, *lines: dict[str, Any], **header: Any) -> Effect:
    payload = {
        "VendorRef": reference,
        "VendorID": "ALLFRUITSW",
        "Description": f"Request {reference}",
        "Date": "2026-10-28",
        "Hold": True,
        "Details": list(lines) or [line(1)],
        **header,
    }
    return make("PurchaseOrder", {"VendorRef": reference}, payload)


def vendor(reference: str, **fields: Any) -> Effect:
    payload = {"AccountRef": reference, "VendorName": "Nordic Paper", "VendorClass": "GOODS", **fields}
    return make("Vendor", {"AccountRef": reference}, payload)


def make(entity: str, key: dict[str, str], payload: dict[str, Any], **more: Any) -> Effect:
    number = next(_ids)
    return Effect(
        number, f"servicenow:X:test:{'/'.join(key.values())}", "header", entity, "entity", key, payload, **more
    )


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    """Return a maker of benches; options of the sink by name, `settings` for the simulator."""
    opened = []

    def start(settings: Any = None, config: dict[str, Any] | None = None, **options: Any) -> Bench:
        context = running(AcumaticaSimulator(settings=settings))
        opened.append(context)
        return Bench(context.__enter__(), config, **options)

    yield start
    for context in opened:
        context.__exit__(None, None, None)
