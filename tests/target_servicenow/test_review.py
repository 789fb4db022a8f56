"""What the instance's own integrations say later of rows that were imported well, over HTTP."""

from __future__ import annotations

import pytest
from ml_connector.delivery.sink import TARGET_REPORTED, State

from tests.target_servicenow.conftest import INVOICE, SUPPLIER, Bench, make

REFUSED, DELIVERED = State.REFUSED, State.DELIVERED


def delivered(it: Bench, *effects, handle=None):
    """Send, settle, and return the effects as the engine asks about them: without payload."""
    outcomes = it.send(*effects)
    done = {o.effect.id: o for o in (*outcomes, *it.settle([o for o in outcomes if o.state is State.SENT]))}
    assert {o.state for o in done.values()} == {DELIVERED}
    return [asked(it, o, handle) for o in done.values()]


def asked(it, outcome, handle=None):
    effect = outcome.effect
    more = {"id": effect.id, "target_id": outcome.target_id, "sent_at": effect.sent_at or it.clock.now()}
    return make(effect.table, effect.key, {}, via=effect.via, handle=handle, **more)


def again(it, effect, handle):
    more = {"id": effect.id, "target_id": effect.target_id, "sent_at": effect.sent_at}
    return make(effect.table, effect.key, {}, via=effect.via, handle=handle, **more)


def staged(it, number):
    return it.sim.table(SUPPLIER, supplier_number=number)[-1]


TROUBLE = {"integration_status": "Failed", "processing_message": "Supplier is blocked in the ERP"}


@pytest.mark.parametrize("mode", ["single", "insert_multiple"])
def test_a_staging_row_that_fails_later_is_told_and_when_it_is_processed_too(bench, mode):
    it = bench(mode=mode)
    effects = delivered(it, it.supplier("1"), it.supplier("2"), it.supplier("3"))
    assert list(it.sink.review(effects)) == []
    it.clock.sleep(600)
    it.sim.update(SUPPLIER, staged(it, "2")["sys_id"], **TROUBLE)
    (told,) = it.sink.review(effects)
    assert (told.effect.key["Supplier number"], told.state, told.reason) == ("2", REFUSED, TARGET_REPORTED)
    assert "Supplier is blocked in the ERP" in told.message
    complained = {"trouble": TARGET_REPORTED}
    troubled = [again(it, effect, complained) if effect is told.effect else effect for effect in effects]
    assert [o.state for o in it.sink.review(troubled)] == [REFUSED]
    it.sim.update(SUPPLIER, staged(it, "2")["sys_id"], integration_status="Processed", processing_message="")
    assert [(o.effect.id, o.state) for o in it.sink.review(troubled)] == [(told.effect.id, DELIVERED)]


def test_it_costs_as_many_calls_as_tables_however_many_rows(bench):
    it = bench(mode="single")
    effects = delivered(it, *(it.supplier(str(n)) for n in range(40)))
    list(it.sink.review(effects))
    it.sim.log.clear()
    list(it.sink.review(effects))
    assert 1 <= len(it.sim.log.requests()) <= 4
    assert it.sim.log.writes() == []


def test_the_failure_of_an_older_version_is_not_the_newer_ones(bench):
    it = bench(mode="single")
    delivered(it, it.supplier("1"))
    it.sim.update(SUPPLIER, staged(it, "1")["sys_id"], **TROUBLE)
    it.clock.sleep(60)
    newer = delivered(it, it.supplier("1", "Renamed"))
    assert list(it.sink.review(newer)) == []


def test_a_row_that_was_cleaned_away_does_not_end_a_complaint(bench):
    it = bench(mode="single")
    (effect,) = delivered(it, it.supplier("1"))
    it.sim.delete(SUPPLIER, staged(it, "1")["sys_id"])
    assert list(it.sink.review([again(it, effect, {"trouble": TARGET_REPORTED})])) == []


def test_an_account_that_may_not_look_is_told_nothing_and_nothing_fails(bench):
    it = bench(mode="single")
    effects = delivered(it, it.supplier("1"))
    it.sim.update(SUPPLIER, staged(it, "1")["sys_id"], **TROUBLE)
    it.sim.restrict("read", SUPPLIER)
    assert list(it.sink.review(effects)) == []


def test_an_invoice_that_its_own_erp_refuses_is_told_by_its_row_in_the_target(bench):
    it = bench(mode="single")
    key = {"ERP source": "visma:NO01", "u_external_invoice_number": "Invoice/1"}
    payload = {**key, "u_supplier_invoice_number": "1", "u_currency": "NOK", "u_amount_invoiced": "NOK;100.00"}
    (effect,) = delivered(it, make(INVOICE, key, payload, sent_at=it.clock.now()))
    it.sim.update("sn_shop_invoice", effect.target_id, erp_integration_status="Error")
    (told,) = it.sink.review([effect])
    assert (told.state, told.reason) == (REFUSED, TARGET_REPORTED)
    it.sim.update("sn_shop_invoice", effect.target_id, erp_integration_status="Processed")
    assert [o.state for o in it.sink.review([again(it, effect, {"trouble": TARGET_REPORTED})])] == [DELIVERED]


def test_a_row_that_the_import_refused_is_no_later_trouble(bench):
    it = bench(mode="single")
    (effect,) = delivered(it, it.supplier("1"))
    it.sim.update(SUPPLIER, staged(it, "1")["sys_id"], sys_import_state="error", **TROUBLE)
    assert list(it.sink.review([effect])) == []
