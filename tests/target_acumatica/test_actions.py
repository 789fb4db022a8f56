"""Actions after a creation: allow-listed, followed through 202 and Location, never taken for done."""

from __future__ import annotations

import pytest
from ml_connector.delivery.sink import State
from ml_connector_simulators.acumatica import Settings
from ml_connector_simulators.acumatica.rules import purchasing
from ml_connector_simulators.acumatica.rules.table import RULES
from ml_connector_simulators.kit import Fault

from tests.target_acumatica.conftest import order, states

DELIVERED, IN_DOUBT, FAILED, PARKED, SENT = State.DELIVERED, State.IN_DOUBT, State.FAILED, State.PARKED, State.SENT
AFTER = {"PurchaseOrder": ["RemoveHold"]}
ACTION = "/PurchaseOrder/RemoveHold$"


@pytest.fixture
def long_action(monkeypatch):
    """Let taking an order off hold be a long operation: 202, and a Location to ask."""
    from dataclasses import replace  # noqa: PLC0415

    rules = {**RULES, "PurchaseOrder": replace(purchasing.PURCHASE_ORDER, long=frozenset({"removehold"}))}
    for module in ("acting", "writing"):
        monkeypatch.setattr(f"ml_connector_simulators.acumatica.{module}.RULES", rules)


def test_an_action_follows_the_creation_once(bench):
    it = bench(after_create=AFTER)
    (first,) = it.send(order("REQ1"))
    assert states([first]) == [(DELIVERED, "created")]
    assert (it.orders[0]["Hold"], first.answered["Status"]) == (False, "Open")
    it.sim.edit("PurchaseOrder", f"Normal/{it.orders[0]['OrderNbr']}", Hold=True, Status="On Hold")  # by people
    it.send(it.remembered(first, order("REQ1", Description="Other", Hold=None).payload))
    assert it.orders[0]["Hold"] is True, "only after a creation"


@pytest.mark.usefixtures("long_action")
def test_a_long_operation_is_followed_to_its_end(bench):
    it = bench(Settings(operation_polls=3), after_create=AFTER)
    (first,) = it.send(order("REQ1"))
    assert states([first]) == [(DELIVERED, "created")]
    assert it.orders[0]["Hold"] is False
    assert len(it.sim.log.writes("/PurchaseOrder/RemoveHold$")) == 1


@pytest.mark.usefixtures("long_action")
def test_an_operation_that_outlasts_the_run_is_sent_and_read_later(bench):
    it = bench(Settings(operation_polls=10**6, operation_seconds=600), after_create=AFTER, patience=3)
    (first,) = it.send(order("REQ1"))
    assert states([first]) == [(SENT, "")]
    assert first.handle["action"] == "RemoveHold"
    assert states(it.settle([first], wait=False)) == [(SENT, "")]
    it.clock.sleep(601)
    (settled,) = it.settle([first], wait=False)
    assert settled.state is DELIVERED
    assert it.orders[0]["Hold"] is False
    assert len(it.sim.log.writes(ACTION)) == 1


def test_an_action_that_is_not_carried_out_parks_and_is_tried_again(bench):
    it = bench(after_create=AFTER)
    refusal = {"exceptionType": "PX.Data.PXException", "exceptionMessage": "The button is disabled."}
    it.sim.faults.add(Fault("status", path=ACTION, method="POST", status=500, body=refusal))
    (first,) = it.send(order("REQ1"))
    assert states([first]) == [(PARKED, "action_failed")]
    assert "button is disabled" in first.message
    (second,) = it.send(it.remembered(first))
    assert states([second]) == [(DELIVERED, "unchanged")]
    assert it.orders[0]["Hold"] is False
    assert len(it.puts()) == 1


@pytest.mark.parametrize("committed", [True, False])
def test_a_lost_answer_of_an_action_is_looked_up(bench, committed):
    it = bench(after_create=AFTER)
    it.sim.faults.add(Fault("commit_then_drop" if committed else "reset", path=ACTION, method="POST"))
    (first,) = it.send(order("REQ1", Hold=None))
    assert states([first]) == [(IN_DOUBT, "answer_lost")]
    it.clock.sleep(901)
    (settled,) = it.settle([first], wait=False)
    assert settled.state is (DELIVERED if committed else FAILED)
    (last,) = it.send(it.remembered(settled))
    assert last.state is DELIVERED
    assert it.orders[0]["Hold"] is False
    assert len(it.orders) == 1
