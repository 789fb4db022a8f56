"""Lost answers and broken servers, over HTTP: what arrived is learnt by looking, and there is no second order (L3)."""

from __future__ import annotations

import pytest
from ml_connector.delivery.sink import State
from ml_connector.errors import BadAnswer, Forbidden, OutOfPatience, Unreachable
from ml_connector_simulators.acumatica import Settings
from ml_connector_simulators.kit import Fault

from tests.target_acumatica.conftest import Bench, line, order, states

DELIVERED, IN_DOUBT, FAILED, PARKED = State.DELIVERED, State.IN_DOUBT, State.FAILED, State.PARKED
PUT = "/PurchaseOrder$"
ERROR_PAGE = "<html><head><title>Runtime Error</title></head></html>"
UNKNOWN_500 = {
    "message": "An error has occurred.",
    "exceptionMessage": "Object reference not set.",
    "exceptionType": "System.NullReferenceException",
}

# Each way to lose the answer of a PUT that was carried out.
COMMITTED = {
    "dropped": Fault("commit_then_drop", path=PUT, method="PUT"),
    "truncated": Fault("truncated", path=PUT, method="PUT"),
    "late": Fault("commit_late", path=PUT, method="PUT", delay=60),
}
# Each way to lose the answer of one that was not.
NOT_COMMITTED = {
    "timeout": Fault("timeout", path=PUT, method="PUT", seconds=30),
    "reset": Fault("reset", path=PUT, method="PUT"),
    "unknown_500": Fault("status", path=PUT, method="PUT", status=500, body=UNKNOWN_500),
    "page_500": Fault("status", path=PUT, method="PUT", status=500, body=ERROR_PAGE),
    "gateway": Fault("status", path=PUT, method="PUT", status=502, body=ERROR_PAGE),
    "page_200": Fault("html", path=PUT, method="PUT"),
}


def lose(it: Bench, fault: Fault) -> None:
    fields = ("kind", "path", "method", "seconds", "delay", "status", "body", "after")
    it.sim.faults.add(Fault(**{name: getattr(fault, name) for name in fields}))


@pytest.mark.parametrize("how", COMMITTED)
def test_created_and_the_answer_lost(bench, how):
    it = bench(patience=1000)
    lose(it, COMMITTED[how])
    (lost,) = it.send(order("REQ1", line(1), line(2, "ORANGES")))
    assert states([lost]) == [(IN_DOUBT, "answer_lost")]
    (found,) = it.settle([lost])
    assert states([found]) == [(DELIVERED, "created")]
    (made,) = it.orders
    assert (found.target_id, found.answered["OrderNbr"]) == (made["id"], made["OrderNbr"])
    assert {told["id"] for told in found.memory["lines"]["Details"].values()} == {row["id"] for row in made["Details"]}
    assert len(it.puts()) == 1, "a lost answer is never sent again"
    assert states(it.send(it.remembered(found))) == [(DELIVERED, "unchanged")]


def test_a_500_after_the_commit_makes_no_second_order(bench):
    it = bench()
    it.sim.faults.add(Fault("commit_then_drop", path=PUT, method="PUT"))
    (lost,) = it.send(order("REQ1"))
    refused = {**UNKNOWN_500, "exceptionType": "PX.Data.PXException", "exceptionMessage": "Could not be sent by email."}
    it.sim.faults.add(Fault("status", path=PUT, method="PUT", status=500, body=refused))
    assert states(it.settle([lost])) == [(DELIVERED, "created")]
    (again,) = it.send(order("REQ1"))  # as if it had been refused, and a person replayed it
    assert states([again]) == [(DELIVERED, "unchanged")]
    assert len(it.orders) == 1


@pytest.mark.parametrize("how", NOT_COMMITTED)
def test_not_created_counts_as_absent_only_after_the_settle_window(bench, how):
    it = bench()
    lose(it, NOT_COMMITTED[how])
    (lost,) = it.send(order("REQ1"))
    assert states([lost]) == [(IN_DOUBT, "answer_lost")]
    assert states(it.settle([lost], wait=False)) == [(IN_DOUBT, "answer_lost")]
    it.clock.sleep(800)
    assert states(it.settle([lost], wait=False)) == [(IN_DOUBT, "answer_lost")]
    it.clock.sleep(101)
    (settled,) = it.settle([lost], wait=False)
    assert states([settled]) == [(FAILED, "never_arrived")]
    assert len(it.puts()) == 1
    assert states(it.send(it.remembered(settled))) == [(DELIVERED, "created")]
    assert len(it.orders) == 1


@pytest.mark.parametrize("how", [*COMMITTED, *NOT_COMMITTED])
def test_a_lost_update_is_believed_when_every_value_shows(bench, how):
    it = bench(patience=1000)
    (first,) = it.send(order("REQ1", line(1)))
    lose(it, {**COMMITTED, **NOT_COMMITTED}[how])
    changed = order("REQ1", line(1, quantity=11), line(2, "ORANGES"), Description="Other words").payload
    (lost,) = it.send(it.remembered(first, changed))
    assert states([lost]) == [(IN_DOUBT, "answer_lost")]
    (settled,) = it.settle([lost])
    assert states([settled]) == [(DELIVERED, "updated") if how in COMMITTED else (FAILED, "incomplete")]
    it.send(it.remembered(settled, changed))
    assert [(row["InventoryID"], row["OrderQty"]) for row in it.orders[0]["Details"]] == [
        ("APPLES", 11),
        ("ORANGES", 10),
    ]


def test_a_document_that_was_cut_off_between_two_requests_is_completed_not_doubled(bench):
    it = bench(lines_per_request=2)
    lines = [line(number, quantity=number) for number in range(1, 6)]
    it.sim.faults.add(Fault("reset", path=PUT, method="PUT", after=1))
    (lost,) = it.send(order("REQ1", *lines, Hold=False))
    assert states([lost]) == [(IN_DOUBT, "answer_lost")]
    assert lost.target_id == it.orders[0]["id"]
    assert states(it.settle([lost], wait=False)) == [(IN_DOUBT, "answer_lost")]
    it.clock.sleep(901)
    (settled,) = it.settle([lost], wait=False)
    assert states([settled]) == [(FAILED, "incomplete")]
    (done,) = it.send(it.remembered(settled))
    assert states([done]) == [(DELIVERED, "updated")]
    assert [row["OrderQty"] for row in it.orders[0]["Details"]] == [1, 2, 3, 4, 5]
    assert it.orders[0]["Hold"] is False


def test_a_process_that_died_between_two_requests_leaves_nothing_that_is_doubled(bench):
    it = bench(lines_per_request=2)
    lines = [line(number, quantity=number) for number in range(1, 6)]
    effect = order("REQ1", *lines, Hold=None)
    it.sim.faults.add(Fault("reset", path=PUT, method="PUT", after=2))
    (lost,) = it.send(effect)
    forgotten = type(lost)(lost.effect, lost.state)  # the store knows only that it was going out
    it.clock.sleep(901)
    (settled,) = it.settle([forgotten], wait=False)
    assert states([settled]) == [(FAILED, "incomplete")]
    assert states(it.send(it.remembered(settled))) == [(DELIVERED, "updated")]
    assert [row["OrderQty"] for row in it.orders[0]["Details"]] == [1, 2, 3, 4, 5]
    assert it.orders[0]["Hold"] is False


def test_two_orders_of_one_reference_are_told_when_an_answer_is_settled(bench):
    it = bench()
    it.sim.faults.add(Fault("commit_then_drop", path=PUT, method="PUT"))
    (lost,) = it.send(order("REQ1"))
    it.sim.add("PurchaseOrder", {"OrderNbr": "PO900001", "VendorRef": "REQ1"})
    (settled,) = it.settle([lost])
    assert states([settled]) == [(PARKED, "ambiguous_key")]
    assert all(row["id"] in settled.message for row in it.orders)


def test_an_answer_that_nothing_explains_stops_the_run_with_the_row_in_doubt(bench):
    it = bench()
    it.sim.faults.add(Fault("status", path=PUT, method="PUT", status=418))
    outcomes = []
    with pytest.raises(BadAnswer, match="418"):
        outcomes.extend(it.sink.send([order("REQ1"), order("REQ2")]))
    assert states(outcomes) == [(IN_DOUBT, "answer_lost"), (FAILED, "not_sent")]
    assert len(it.puts()) == 1


def test_a_missing_right_stops_with_every_row_accounted_for(bench):
    it = bench()
    it.sim.forbid("PurchaseOrder")
    outcomes = []
    with pytest.raises(Forbidden, match="rights to the form"):
        outcomes.extend(it.sink.send([order("REQ1"), order("REQ2")]))
    assert states(outcomes) == [(FAILED, "not_sent")] * 2
    assert it.orders == []


@pytest.mark.parametrize("asked", [7, None])
def test_429_is_waited_out_and_the_order_arrives_once(bench, asked):
    it = bench()
    headers = {"Retry-After": str(asked)} if asked else {}
    it.sim.faults.add(Fault("status", path=PUT, method="PUT", status=429, headers=headers))
    before = it.clock.monotonic()
    assert states(it.send(order("REQ1"))) == [(DELIVERED, "created")]
    assert it.clock.monotonic() - before >= (asked or 0)
    assert len(it.orders) == 1


def test_a_licence_without_a_free_seat_stops_cleanly(bench):
    it = bench(Settings(seats=0), {"patience": 0})
    outcomes = []
    with pytest.raises(OutOfPatience, match="API Login Limit"):
        outcomes.extend(it.sink.send([order("REQ1")]))
    assert states(outcomes) == [(FAILED, "not_sent")]


def test_an_expired_token_is_renewed_within_the_run(bench):
    it = bench()
    it.sim.faults.add(Fault("token_expiry", path=PUT, method="PUT"))
    assert states(it.send(order("REQ1"), order("REQ2"))) == [(DELIVERED, "created")] * 2
    assert len(it.orders) == 2


def test_the_seat_is_given_back(bench):
    it = bench(Settings(seats=1))
    for _ in range(3):
        it.sink.identity()
        it.sink.close()
    assert [entry.status for entry in it.sim.log.requests() if entry.path.endswith("/auth/logout")] == [204] * 3


def test_an_instance_that_is_gone_is_unreachable(bench):
    it = bench()
    it.sink.client.base_url = "http://127.0.0.1:1"
    with pytest.raises(Unreachable):
        it.sink.identity()


def test_what_may_not_be_read_stays_in_doubt_and_says_why(bench):
    it = bench()
    it.sim.faults.add(Fault("commit_then_drop", path=PUT, method="PUT"))
    (lost,) = it.send(order("REQ1"))
    it.sim.forbid("PurchaseOrder")
    it.clock.sleep(1000)
    assert states(it.settle([lost])) == [(IN_DOUBT, "outcome_unreadable")]
