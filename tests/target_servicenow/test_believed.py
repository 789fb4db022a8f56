"""What must not be believed: values that only look alike, rows that others touched, keys that differ in case."""

from __future__ import annotations

import pytest
from ml_connector.delivery.sink import State
from ml_connector.vendors.servicenow.reader import MAX_QUERY
from ml_connector_simulators.kit import Fault
from ml_connector_simulators.servicenow import Installation
from target_servicenow_importset.outcomes import staged

from tests.target_servicenow.conftest import SUPPLIER, make

DELIVERED, IN_DOUBT, FAILED, PARKED, REFUSED = (
    State.DELIVERED,
    State.IN_DOUBT,
    State.FAILED,
    State.PARKED,
    State.REFUSED,
)
ACCOUNTS, ORDERS = "itfm_gl_accounts", "proc_po"
SINGLE, BATCH = r"/import/\w+$", "/batch$"


def account(it, number, text, **more):
    key = {"erp_source": "visma:NO01", "number": number}
    payload = {**key, "account": text, "name": "Rent"}
    return make(ACCOUNTS, key, payload, via="table", sent_at=it.clock.now(), **more)


def order(it, number, total, **more):
    key = {"erp_source": "visma:NO01", "erp_number": number}
    payload = {**key, "short_description": "Paper", "total_cost": f"NOK;{total}"}
    return make(ORDERS, key, payload, via="table", sent_at=it.clock.now(), **more)


@pytest.mark.parametrize(
    ("old", "new"), [("100", "0100"), ("1", "true"), ("1000", "1E3"), ("10", "1_0"), ("x", "NULL")]
)
def test_a_text_that_is_an_equal_number_is_another_text(bench, old, new):
    it = bench()
    it.send(account(it, "1", old))
    assert it.states(it.send(account(it, "1", new))) == [(DELIVERED, "updated")]
    assert [row["account"] for row in it.sim.table(ACCOUNTS)] == [new]


def test_a_person_who_edits_the_target_does_not_deliver_our_lost_row(bench):
    it = bench(mode="single")
    (first,) = it.send(it.supplier("1", "Old name"))
    it.clock.sleep(60)
    it.sim.faults.add(Fault("reset", path=SINGLE, method="POST"))
    lost = it.send(it.supplier("1", "New name"))
    it.sim.restrict("read", SUPPLIER)
    it.clock.sleep(30)
    it.sim.update("sn_fin_supplier", first.target_id, city="Bergen")
    assert {o.state for o in it.settle(lost, wait=False)} == {IN_DOUBT}
    it.clock.sleep(91)
    assert {o.state for o in it.settle(lost, wait=False)} == {FAILED}


def test_a_person_who_edits_a_row_does_not_deliver_our_lost_amount(bench):
    """Money is stored in the instance's own form, so that only a new row proves that it arrived."""
    it = bench(mode="single")
    (first,) = it.send(order(it, "PO1", "100.00"))
    it.clock.sleep(60)
    it.sim.faults.add(Fault("reset", path=f"/table/{ORDERS}/", method="PATCH"))
    lost = it.send(order(it, "PO1", "250.00", target_id=first.target_id))
    it.clock.sleep(5)
    it.sim.update(ORDERS, first.target_id, vendor_name="A person's vendor")
    assert {o.state for o in it.settle(lost, wait=False)} == {IN_DOUBT}
    it.clock.sleep(91)
    (settled,) = it.settle(lost, wait=False)
    assert settled.state is FAILED
    assert it.states(it.send(it.remembered(settled))) == [(DELIVERED, "updated")]


def test_a_lost_new_row_with_money_is_found(bench):
    it = bench(mode="single")
    it.sim.faults.add(Fault("commit_then_drop", path=f"/table/{ORDERS}$", method="POST"))
    assert it.states(it.settle(it.send(order(it, "PO1", "100.00")), wait=False)) == [(DELIVERED, "created")]


def test_the_settle_window_starts_when_the_row_was_lost_not_when_the_batch_was_planned(bench):
    """A call may wait minutes for its turn: counted from the plan, its absence would be believed at once (L3)."""
    it = bench(mode="single", settle_window=90.0)
    it.client._patience = 300
    busy = {"path": SINGLE, "method": "POST", "status": 429, "headers": {"Retry-After": "200"}}
    it.sim.faults.add(Fault("status", **busy))
    it.sim.faults.add(Fault("reset", path=SINGLE, method="POST"))
    lost = it.send(it.supplier("1"))
    assert it.states(lost) == [(IN_DOUBT, "answer_lost")]
    (again,) = it.settle(lost, wait=False)
    assert again.state is IN_DOUBT
    it.clock.sleep(91)
    assert [o.state for o in it.settle([again], wait=False)] == [FAILED]


@pytest.mark.parametrize("denied", ["supplier_number", "legal_name"])
def test_a_staging_column_that_may_not_be_read_does_not_make_a_row_absent(bench, denied):
    it = bench(mode="insert_multiple", key_style="label")
    outcomes = it.send(it.supplier("1"), it.supplier("2"))
    it.sim.restrict("read", SUPPLIER, column=denied)
    it.sim.process_imports()
    it.clock.sleep(1000)
    assert FAILED not in {o.state for o in it.settle(outcomes, wait=False)}
    single = bench(mode="single")
    single.sim.faults.add(Fault("commit_then_drop", path=SINGLE, method="POST"))
    lost = single.send(single.supplier("1"))
    single.sim.restrict("read", SUPPLIER, column=denied)
    single.clock.sleep(1000)
    assert [o.state for o in single.settle(lost, wait=False)] == [DELIVERED]


@pytest.mark.parametrize("mode", ["single", "batch", "insert_multiple"])
def test_of_two_keys_that_differ_in_case_only_the_second_is_parked(bench, mode):
    """To ServiceNow they are one row: the second would overwrite the first (apis/servicenow.md §3.3)."""
    it = bench(mode=mode)
    numbers = ("ab1", "AB1", "x", "ab1 ")
    effects = [it.supplier(number, f"Name {number}") for number in numbers]
    outcomes = it.send(*effects[:2]) + it.send(*effects[2:])
    parked = [o for o in outcomes if o.state is PARKED]
    assert [(o.effect.key["Supplier number"], o.reason) for o in parked] == [("AB1", "same_key"), ("ab1 ", "same_key")]
    assert all("visma:NO01, ab1'" in o.message and o.suggestion for o in parked)
    it.sim.process_imports()
    assert sorted(row["legal_name"] for row in it.sim.table("sn_fin_supplier")) == ["Name ab1", "Name x"]
    assert PARKED not in {o.state for o in it.send(it.supplier("ab1", "Renamed"))}


def test_a_row_of_another_case_in_a_table_is_not_overwritten(bench):
    it = bench()
    it.send(account(it, "ab1", "100"))
    other = bench_again(it)
    assert other.states(other.send(account(other, "AB1", "200"))) == [(PARKED, "same_key")]
    assert [row["account"] for row in it.sim.table(ACCOUNTS)] == ["100"]


def bench_again(it):
    """Return another run of the target against the same instance."""
    return type(it)(it.sim)


@pytest.mark.parametrize(
    ("words", "state", "reason"),
    [
        ("Reference value rejected for short_description: 7", PARKED, "reference_not_found"),
        ("Choice value rejected for description: x", REFUSED, "choice_rejected"),
        ("Choice value rejected for payment_reference: x", REFUSED, "choice_rejected"),
        ("Row transform ignored by onBefore script", REFUSED, "transform_script"),
    ],
)
def test_a_cause_is_read_from_whole_words(words, state, reason):
    effect = make(SUPPLIER, {"u_key": "1"}, {"u_key": "1"})
    outcome = staged(effect, {"sys_id": "r", "sys_import_state": "error", "sys_import_state_comment": words})
    assert (outcome.state, outcome.reason) == (state, reason)


def test_a_row_that_one_of_two_transform_maps_refused_is_not_delivered(bench):
    """A staging row tells the last map's state only; the error of an earlier one is still attached to it."""
    it = bench(mode="insert_multiple", key_style="label")
    store = it.sim.instance.store
    (transform_map,) = store.find("sys_transform_map", source_table=SUPPLIER)
    first = store.insert("sys_transform_map", {**transform_map, "sys_id": "", "name": "A first map", "order": "1"})
    store.insert(
        "sys_transform_entry",
        {"map": first["sys_id"], "source_field": "legal_name", "target_field": "no_such_column", "coalesce": "false"},
    )
    outcomes = it.send(it.supplier("1"))
    assert [(o.state, o.reason) for o in it.settle(outcomes)] == [(REFUSED, "invalid_target")]


def test_hundreds_of_refused_rows_are_read_in_urls_that_fit(bench):
    installation = Installation(choice_actions={(SUPPLIER, "country"): "reject"}, imports="manual")
    it = bench(installation, mode="insert_multiple", key_style="label")
    outcomes = it.send(*(it.supplier(str(n), erp_source="visma:XX99") for n in range(150)))
    it.sim.process_imports()
    settled = it.settle(outcomes, wait=False)
    assert {o.state for o in settled} <= {PARKED, REFUSED}
    longest = max(len(str(entry.query.get("sysparm_query", ""))) for entry in it.sim.log.requests())
    assert longest < MAX_QUERY + 200
