"""Reading delivered rows again: where they ended, in the platform's own forms, and never believing a hidden row."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from ml_connector.delivery.reading import TWICE, Found
from ml_connector.delivery.sink import State

from tests.target_servicenow.conftest import make

CENTERS, SUPPLIERS, ORDERS = "cmn_cost_center", "sn_fin_supplier", "proc_po"


def delivered(it, *effects):
    outcomes = it.send(*effects)
    assert {outcome.state for outcome in outcomes} == {State.DELIVERED}
    return [replace(outcome.effect, target_id=outcome.target_id) for outcome in outcomes]


def reread(it, *effects):
    writes = len(it.sim.log.writes())
    found = sorted(it.sink.reread(effects), key=lambda reading: reading.effect.id)
    assert [reading.effect.id for reading in found] == [effect.id for effect in effects]
    assert len(it.sim.log.writes()) == writes
    return found


def test_staging_rows_are_compared_where_they_end(bench):
    it = bench()
    first, second, third = delivered(
        it, *(it.supplier(str(number), payload={"Onboarded": "True"}) for number in (1, 2, 3))
    )
    rows = {row["supplier_number"]: row for row in it.sim.table(SUPPLIERS)}
    it.sim.update(SUPPLIERS, rows["2"]["sys_id"], legal_name="Edited AS", onboarded="false")
    it.sim.delete(SUPPLIERS, rows["3"]["sys_id"])
    equal, edited, deleted = reread(it, first, second, third)
    assert (equal.found, equal.table) == (Found.EQUAL, SUPPLIERS)
    assert set(equal.compared) == {"ERP source", "Supplier number", "Legal name", "Onboarded"}
    assert edited.differences == {"Legal name": ("Nordic Paper AS", "Edited AS"), "Onboarded": ("True", "false")}
    assert deleted.found is Found.MISSING


def test_a_row_made_anew_under_its_key_is_found_by_it(bench):
    it = bench()
    (effect,) = delivered(it, it.supplier("1"))
    it.sim.delete(SUPPLIERS, it.sim.table(SUPPLIERS)[0]["sys_id"])
    delivered(it, it.supplier("1"))
    assert reread(it, effect)[0].found is Found.EQUAL


def test_rows_of_the_table_api_are_compared_in_place(bench):
    it = bench()
    key = {"erp_source": "visma:NO01", "code": "101"}
    payload = {**key, "name": "Sales", "valid_from": "2026-01-01", "valid_to": None}
    (effect,) = delivered(it, make(CENTERS, key, payload, via="table"))
    assert reread(it, effect)[0].found is Found.EQUAL
    it.sim.update(CENTERS, it.sim.table(CENTERS)[0]["sys_id"], valid_to="2026-10-31")
    assert reread(it, effect)[0].differences == {"valid_to": ("", "2026-10-31")}
    it.sim.instance.store.insert(CENTERS, key)
    (twice,) = reread(it, replace(effect, target_id=None))
    assert (twice.found, twice.message) == (Found.DIFFERS, TWICE)


def test_an_amount_in_the_accounts_own_currency_is_not_believed(bench):
    it = bench()
    key = {"erp_source": "visma:NO01", "erp_number": "RegularOrder/1"}
    payload = {**key, "short_description": "Paper", "currency": "NOK", "total_cost": "NOK;100.00"}
    (effect,) = delivered(it, make(ORDERS, key, payload, via="table"))
    (reading,) = reread(it, effect)
    assert reading.found is Found.EQUAL
    assert reading.left_out == {"total_cost": "the instance shows it in the account's own currency"}
    assert reading.amounts == {}


@pytest.mark.parametrize("column", ["", "legal_name"])
def test_what_may_not_be_read_is_never_called_missing_or_equal(bench, column):
    it = bench()
    (effect,) = delivered(it, it.supplier("1", payload={"URL": Decimal("1.50")}))
    it.sim.restrict("read", SUPPLIERS, column=column)
    (reading,) = reread(it, effect)
    if column:
        assert reading.left_out["Legal name"] == "the account may not read it"
        assert "Legal name" not in reading.compared
    else:
        assert reading.found is Found.UNREADABLE
        assert "give the account a role" in reading.message
