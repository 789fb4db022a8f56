"""A sink against the ServiceNow simulator over real HTTP, with a clock that both believe."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from ml_connector.delivery.sink import Effect, Outcome, State
from ml_connector.http import Basic, Budget, Client, Retry
from ml_connector.vendors.servicenow.errors import classify
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import Installation, ServiceNowSimulator
from target_servicenow_importset.sink import Options, ServiceNowSink
from target_servicenow_importset.transforms import KeyStyle
from target_servicenow_importset.values import EmptyValues
from target_servicenow_importset.writer import Mode

from prove.common_clock import CommonClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SUPPLIER, COST_CENTER, GL_ACCOUNT = (
    "sn_fcms_intg_imp_supplier",
    "sn_fcms_intg_imp_cost_center",
    "sn_fcms_intg_gl_account_stage",
)
INVOICE, LINE = "sn_spend_intg_imp_invoice", "sn_spend_intg_imp_invoice_line"
WORDS = {"mode": Mode, "key_style": KeyStyle, "empty_values": EmptyValues}
_ids = count(1)


class Bench:
    """One simulator and one sink, with what a test says about them."""

    def __init__(self, sim: ServiceNowSimulator, **options: Any) -> None:
        self.sim = sim
        self.clock = CommonClock(sim)
        self.client = Client(
            sim.url,
            auth=Basic("integration.user", "demo-sn-password"),
            classify=classify,
            budget=Budget(max_concurrency=4, clock=self.clock),
            retry=Retry(wait_initial=0.0, wait_max=0.0, jitter=0.0),
            timeout=(5, 1.0),
            patience=20,
            clock=self.clock,
        )
        words = {name: kind(options[name]) for name, kind in WORDS.items() if name in options}
        self.sink = ServiceNowSink(self.client, Options(**{**options, **words}), self.clock)

    def send(self, *effects: Effect) -> list[Outcome]:
        """Send, and see that each row has exactly one outcome, in the order of the effects."""
        outcomes = list(self.sink.send(effects))
        assert sorted(o.effect.id for o in outcomes) == sorted(e.id for e in effects)
        return sorted(map(self._dated, outcomes), key=lambda o: o.effect.id)

    def _dated(self, outcome: Outcome) -> Outcome:
        """Date a loss, as the engine does."""
        if outcome.state is not State.IN_DOUBT:
            return outcome
        return replace(outcome, effect=replace(outcome.effect, lost_at=self.clock.now()))

    def settle(self, outcomes: Sequence[Outcome], *, wait: bool = True) -> list[Outcome]:
        """Settle rows from what a store would keep of their outcomes."""
        found = list(self.sink.settle([self.remembered(o) for o in outcomes], wait=wait))
        assert sorted(o.effect.id for o in found) == sorted(o.effect.id for o in outcomes)
        return sorted(found, key=lambda o: o.effect.id)

    def remembered(self, outcome: Outcome) -> Effect:
        effect = outcome.effect
        return make(
            effect.table,
            effect.key,
            effect.payload,
            via=effect.via,
            id=effect.id,
            handle=outcome.handle,
            sent_at=effect.sent_at or self.clock.now(),
            lost_at=effect.lost_at,
            target_id=effect.target_id,
        )

    def states(self, outcomes: Sequence[Outcome]) -> list[tuple[State, str]]:
        return [(o.state, o.action or o.reason) for o in outcomes]

    def supplier(self, number: str, name: str = "Nordic Paper AS", **more: Any) -> Effect:
        key = {"ERP source": more.pop("erp_source", "visma:NO01"), "Supplier number": number}
        return make(
            SUPPLIER, key, {**key, "Legal name": name, **more.pop("payload", {})}, sent_at=self.clock.now(), **more
        )


def make(table: str, key: dict[str, str], payload: dict[str, Any], via: str = "import_set", **more: Any) -> Effect:
    number = more.pop("id", None) or next(_ids)
    return Effect(number, f"visma:NO01:test:{number}", "header", table, via, key, payload, **more)


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    """Return a maker of benches; options of the sink by name, `installation` for the simulator."""
    opened = []

    def start(installation: Installation | None = None, **options: Any) -> Bench:
        context = running(ServiceNowSimulator(installation))
        opened.append(context)
        return Bench(context.__enter__(), **options)

    yield start
    for context in opened:
        context.__exit__(None, None, None)
