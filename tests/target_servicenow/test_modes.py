"""Every write mode against every outcome, over HTTP, judged by the instance's own tables."""

from __future__ import annotations

from decimal import Decimal

import pytest
from ml_connector.delivery.sink import State
from ml_connector_simulators.servicenow import InsertMultiple, Installation

from tests.target_servicenow.conftest import COST_CENTER, INVOICE, LINE, SUPPLIER, Bench, make

MODES = ["single", "batch", "insert_multiple"]
DELIVERED, PARKED, REFUSED, SENT = State.DELIVERED, State.PARKED, State.REFUSED, State.SENT


def final(it: Bench, *effects):
    """Send and settle, as the engine does."""
    outcomes = it.send(*effects)
    open_rows = [o for o in outcomes if o.state in (SENT, State.IN_DOUBT)]
    settled = {o.effect.id: o for o in it.settle(open_rows)} if open_rows else {}
    return [settled.get(o.effect.id, o) for o in outcomes]


@pytest.mark.parametrize("mode", MODES)
def test_created_updated_unchanged(bench, mode):
    it = bench(mode=mode)
    first = final(it, it.supplier("50001"), it.supplier("50002"), it.supplier("50003"))
    assert it.states(first) == [(DELIVERED, "created")] * 3
    rows = {row["supplier_number"]: row for row in it.sim.table("sn_fin_supplier")}
    assert [o.target_id for o in first] == [rows[n]["sys_id"] for n in ("50001", "50002", "50003")]

    second = final(it, it.supplier("50001", "Renamed AS"), it.supplier("50002"))
    assert it.states(second) == [(DELIVERED, "updated"), (DELIVERED, "unchanged")]
    names = {row["supplier_number"]: row["legal_name"] for row in it.sim.table("sn_fin_supplier")}
    assert names == {"50001": "Renamed AS", "50002": "Nordic Paper AS", "50003": "Nordic Paper AS"}


@pytest.mark.parametrize("mode", MODES)
def test_the_same_number_in_two_companies_is_two_suppliers(bench, mode):
    it = bench(mode=mode)
    final(it, it.supplier("50001", "Norsk AS"), it.supplier("50001", "Svensk AB", erp_source="visma:SE01"))
    found = {(row["erp_source"], row["legal_name"]) for row in it.sim.table("sn_fin_supplier")}
    assert found == {("visma:NO01", "Norsk AS"), ("visma:SE01", "Svensk AB")}


@pytest.mark.parametrize("mode", MODES)
def test_a_reference_the_instance_does_not_know_parks_its_row_alone(bench, mode):
    it = bench(mode=mode)
    final(it, it.supplier("50001"))
    good, bad = (invoice(number, supplier) for number, supplier in (("1", "50001"), ("2", "59999")))
    outcomes = final(it, good, bad)
    assert it.states(outcomes) == [(DELIVERED, "created"), (PARKED, "reference_not_found")]
    assert "59999" in outcomes[1].message
    assert (outcomes[1].field, outcomes[1].value) == ("u_supplier", "59999")
    assert outcomes[1].suggestion
    assert [row["external_invoice_number"] for row in it.sim.table("sn_shop_invoice")] == ["Invoice/1"]


@pytest.mark.parametrize("mode", MODES)
def test_amounts_arrive_to_the_cent(bench, mode):
    it = bench(mode=mode)
    final(it, it.supplier("50001"))
    amounts = [Decimal("1234567.89"), Decimal("0.10"), Decimal("-12.34")]
    final(it, *(invoice(str(n), "50001", amount) for n, amount in enumerate(amounts)))
    assert it.sim.sums("sn_shop_invoice", "amount_invoiced") == {"NOK": sum(amounts)}


@pytest.mark.parametrize("mode", ["single", "batch"])
def test_an_inactive_business_rule_parks_rows_that_were_stored(bench, mode):
    it = bench(Installation(transform_synchronously=False), mode=mode)
    outcomes = it.send(it.supplier("50001"), it.supplier("50002"))
    assert it.states(outcomes) == [(PARKED, "transform_inactive")] * 2
    assert it.sim.table("sn_fin_supplier") == []


@pytest.mark.parametrize("mode", ["single", "batch"])
def test_a_row_that_was_loaded_but_may_not_be_read_stays_sent_and_says_so(bench, mode):
    it = bench(mode=mode)
    first = it.supplier("50001"), it.supplier("50002")
    it.sink.check(first[0])  # the dictionary is read while it still may be
    it.sim.revoke("integration.user", "x_ml_connector.reader")
    outcomes = it.send(*first)
    assert it.states(outcomes) == [(SENT, "outcome_unreadable")] * 2
    assert it.states(it.settle(outcomes)) == [(SENT, "outcome_unreadable")] * 2
    it.sim.grant("integration.user", "x_ml_connector.reader")
    assert it.states(it.settle(outcomes)) == [(DELIVERED, "created")] * 2


def test_insert_multiple_that_may_not_be_read_stays_sent_and_says_so(bench):
    it = bench(mode="insert_multiple", key_style="label")
    effects = it.supplier("50001"), it.supplier("50002")
    it.sink.check(effects[0])
    it.sim.revoke("integration.user", "x_ml_connector.reader")
    outcomes = it.settle(it.send(*effects))
    assert it.states(outcomes) == [(SENT, "outcome_unreadable")] * 2
    it.sim.grant("integration.user", "x_ml_connector.reader")
    it.sim.process_imports()
    assert it.states(it.settle(outcomes)) == [(DELIVERED, "created")] * 2


def test_insert_multiple_is_sent_until_its_transform_ran(bench):
    it = bench(Installation(imports="manual"), mode="insert_multiple", patience=30)
    outcomes = it.send(it.supplier("50001"), it.supplier("50002"))
    assert [o.state for o in outcomes] == [SENT, SENT]
    assert it.sim.table("sn_fin_supplier") == []
    waited = it.settle(outcomes)
    assert [o.state for o in waited] == [SENT, SENT]
    it.sim.process_imports()
    assert it.states(it.settle(waited, wait=False)) == [(DELIVERED, "created")] * 2


def test_a_synchronous_insert_multiple_is_settled_by_the_call_itself(bench):
    setting = InsertMultiple(keys="column_name", synchronous=True)
    it = bench(Installation(insert_multiple={SUPPLIER: setting}), mode="insert_multiple")
    outcomes = it.send(*(it.supplier(str(50000 + n)) for n in range(30)))
    assert it.states(outcomes) == [(DELIVERED, "created")] * 30
    assert len(it.sim.log.writes("insertMultiple")) == 2  # the first row alone, then the rest


def test_no_active_transform_map_parks_what_was_loaded(bench):
    it = bench(Installation(inactive_maps=frozenset({SUPPLIER})), mode="insert_multiple", key_style="label")
    assert it.states(final(it, it.supplier("50001"))) == [(PARKED, "not_transformed")]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (None, "/api/now/v1/batch"),
        (InsertMultiple(keys="column_name", synchronous=True), f"/api/now/import/{SUPPLIER}/insertMultiple"),
        (InsertMultiple(keys="label", synchronous=False), "/api/now/v1/batch"),
    ],
)
def test_auto_takes_insert_multiple_only_where_it_answers_at_once(bench, setting, expected):
    installation = Installation(insert_multiple={SUPPLIER: setting} if setting else {})
    it = bench(installation, mode="auto")
    final(it, *(it.supplier(str(50000 + n)) for n in range(10)))
    assert {entry.path for entry in it.sim.log.writes()} == {expected}
    assert len(it.sim.table("sn_fin_supplier")) == 10


def test_batch_sends_fifty_rows_a_call(bench):
    it = bench(mode="batch")
    assert len(it.send(*(it.supplier(str(n)) for n in range(120)))) == 120
    assert len(it.sim.log.writes()) == 3
    assert len(it.sim.table("sn_fin_supplier")) == 120


def test_rows_of_one_key_do_not_overtake_each_other(bench):
    it = bench(mode="batch", batch_size=2, max_concurrency=4)
    versions = [it.supplier("50001", f"Version {n}") for n in range(6)]
    others = [it.supplier(str(n)) for n in range(20)]
    final(it, *(effect for pair in zip(versions, others, strict=False) for effect in pair))
    assert [row["legal_name"] for row in it.sim.table("sn_fin_supplier", supplier_number="50001")] == ["Version 5"]


def test_lines_follow_their_header(bench):
    it = bench()
    final(it, it.supplier("50001"), cost_center("101"), gl_account("4000"))
    final(it, invoice("1", "50001"))
    assert it.states(final(it, *(line("1", n) for n in range(1, 4)))) == [(DELIVERED, "created")] * 3
    assert {row["invoice"] for row in it.sim.table("sn_shop_invoice_line")} == {
        row["sys_id"] for row in it.sim.table("sn_shop_invoice")
    }


def invoice(number: str, supplier: str, amount: Decimal = Decimal("100.00")):
    key = {"ERP source": "visma:NO01", "u_external_invoice_number": f"Invoice/{number}"}
    payload = {**key, "u_supplier": supplier, "u_amount_invoiced": amount, "u_currency": "NOK", "u_subtotal": amount}
    return make(INVOICE, key, payload)


def line(invoice_number: str, number: int):
    key = {
        "ERP source": "visma:NO01",
        "u_external_invoice_number": f"Invoice/{invoice_number}",
        "ERP line number": str(number),
    }
    return make(LINE, key, {**key, "u_cost_center": "101", "u_gl_account": "4000", "u_subtotal": Decimal("33.34")})


def cost_center(code: str):
    key = {"ERP source": "visma:NO01", "Code": code}
    return make(COST_CENTER, key, {**key, "Name": f"Cost centre {code}"})


def gl_account(code: str):
    key = {"ERP source": "visma:NO01", "Number": f"id-{code}"}
    return make("sn_fcms_intg_gl_account_stage", key, {**key, "GL Account": code})


def test_lines_sent_before_their_header_is_transformed_wait_for_it(bench):
    it = bench(Installation(imports="manual"), mode="insert_multiple", key_style="label", batch_size=1)
    it.send(it.supplier("50001"), cost_center("101"), gl_account("4000"))
    headers = it.send(*(invoice(str(n), "50001") for n in range(4)))
    lines = it.send(*(line(str(n), 1) for n in range(4)))
    sets = it.sim.table("sys_import_set")
    assert [row["run_after"] for row in sets] == ["", *(row["sys_id"] for row in sets[:-1])]
    for row in sets:
        it.sim.update("sys_import_set", row["sys_id"], state="loaded")
    it.sim.process_imports()
    assert {o.state for o in it.settle([*headers, *lines])} == {DELIVERED}
