"""Invoices by the AP Invoice API: one document, one effect, never a second invoice (apis/servicenow.md §6.4, L3)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ml_connector.delivery.reading import Found
from ml_connector.delivery.sink import State
from ml_connector.errors import AuthError, ConfigError
from ml_connector.mapping import TargetMap, check_maps, search_path
from ml_connector_simulators.kit import Fault, running
from ml_connector_simulators.servicenow import Installation, RateLimit, ServiceNowSimulator, access
from target_servicenow_importset.ap_invoices.documents import ApOptions
from target_servicenow_importset.ap_invoices.sender import RECORD_LIMIT, Updates

from tests.target_servicenow.conftest import Bench, make
from tests.target_servicenow.flow import Flow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ml_connector.delivery.sink import Effect, Outcome

MAP = "servicenow-s2p-api"
PATH = "/ap_invoice/json$"
SOURCE = "visma:NO01"
LOG = "sn_spend_intg_invoice_integration_log"
INVOICES, LINES, TAXES = "sn_shop_invoice", "sn_shop_invoice_line", "sn_shop_invoice_tax_line"
STAGING = "sn_spend_intg_imp_invoice"
OF_INVOICES = (INVOICES, LINES, TAXES, LOG, STAGING, f"{STAGING}_line", f"{STAGING}_tax_line")
DELIVERED, PARKED, SENT, IN_DOUBT, FAILED = State.DELIVERED, State.PARKED, State.SENT, State.IN_DOUBT, State.FAILED


def masters(sim: ServiceNowSimulator) -> None:
    """Give the instance what invoices refer to."""
    insert = sim.instance.store.insert
    for source in (SOURCE, "visma:SE01"):
        insert("sn_fin_supplier", {"erp_source": source, "supplier_number": "50", "legal_name": "Nordic Paper AS"})
        insert("cmn_cost_center", {"erp_source": source, "code": "110", "name": "Sales"})
        insert("sn_fin_gl_account", {"erp_source": source, "number": "4000", "gl_account": "4000"})


@pytest.fixture(scope="module")
def shared() -> Iterator[ServiceNowSimulator]:
    with running(ServiceNowSimulator()) as started:
        masters(started)
        yield started


@pytest.fixture
def sim(shared: ServiceNowSimulator) -> ServiceNowSimulator:
    empty(shared)
    shared.configure(imports="poll", ap_invoice_duplicates="update")
    allow_all(shared)
    shared.faults.clear()
    shared.log.clear()
    return shared


def empty(sim: ServiceNowSimulator) -> None:
    for table in OF_INVOICES:
        for row in sim.instance.store.find(table):
            sim.instance.store.delete(table, row["sys_id"])


def allow_all(sim: ServiceNowSimulator) -> None:
    """Forget the access rules that a test has added."""
    sim.instance.access.rules[:] = access.DELIVERED


def bench(sim: ServiceNowSimulator, **documents: Any) -> Bench:
    return Bench(sim, patience=documents.pop("patience", 20), documents=ApOptions(**{"window": 600.0, **documents}))


def invoice(number: str, *, lines: int = 2, source: str = SOURCE, **changes: Any) -> Effect:
    """Return an invoice as the map makes it."""
    key = {"erp_source": source, "external_invoice_number": number}
    line = {
        "external_invoice_number": number,
        "line_description": "Paper",
        "line_quantity": Decimal(4),
        "line_unit_price": Decimal("25.00"),
        "subtotal": Decimal("100.00"),
        "line_amount_invoiced": Decimal("100.00"),
        "currency": "NOK",
        "cost_center": "110",
        "gl_account": "4000",
    }
    more = {name: changes.pop(name) for name in ("id", "handle", "sent_at", "lost_at", "target_id") if name in changes}
    payload = {
        **key,
        "supplier_invoice_number": f"S-{number}",
        "invoice_type": None,
        "supplier": "50",
        "invoice_date": "2026-10-05",
        "currency": "NOK",
        "subtotal": Decimal("100.00") * lines,
        "amount_invoiced": Decimal("125.00") * lines,
        "tax_details": [{"__row__": "1", "tax_type": "25", "tax_amount": Decimal("25.00") * lines, "tax_rate": None}],
        "invoice_lines": [{"__row__": str(row + 1), **line} for row in range(lines)],
        **changes,
    }
    return make(INVOICES, key, payload, via="ap_invoice_api", **more)


def numbers(sim: ServiceNowSimulator) -> list[str]:
    return sorted(row["external_invoice_number"] for row in sim.table(INVOICES))


def calls(sim: ServiceNowSimulator) -> list[Any]:
    return sim.log.requests(PATH, "POST")


def delivered(it: Bench, outcomes: list[Outcome]) -> list[Outcome]:
    """Settle what was accepted; see that all of it arrived."""
    settled = it.settle(outcomes)
    assert {outcome.state for outcome in settled} == {DELIVERED}, it.states(settled)
    return settled


# sending


def test_a_document_arrives_whole_under_its_source(sim: ServiceNowSimulator) -> None:
    it = bench(sim)
    outcomes = it.send(invoice("A/1"), invoice("A/1", source="visma:SE01"))
    assert {(o.state, o.response) for o in outcomes} == {(SENT, "HTTP 202")}
    assert all(o.handle and o.handle["batch"].startswith("APIINV") for o in outcomes)
    settled = delivered(it, outcomes)
    assert {o.action for o in settled} == {"created"}
    assert {row["source_system"] for row in sim.instance.store.find(LOG)} == {SOURCE, "visma:SE01"}
    rows = {row["sys_id"]: row for row in sim.table(INVOICES)}
    assert {rows[o.target_id or ""]["erp_source"] for o in settled} == {SOURCE, "visma:SE01"}
    assert [row["line_amount.amount"] for row in sim.table(LINES)] == ["100.00"] * 4
    assert [row["supplier_tax.amount"] for row in sim.table(TAXES)] == ["50.00"] * 2
    assert {row["state"] for row in rows.values()} == {"received"}


def test_more_than_a_call_takes_goes_in_several(sim: ServiceNowSimulator) -> None:
    it = bench(sim)
    settled = delivered(it, it.send(*(invoice(str(n), lines=1) for n in range(230))))
    assert len(settled) == len(numbers(sim)) == len(sim.table(LINES)) == 230
    assert len(calls(sim)) == 3


def test_the_instance_s_own_limit_is_obeyed(sim: ServiceNowSimulator) -> None:
    sim.set_property(RECORD_LIMIT, "2")
    try:
        it = bench(sim)
        it.sink.prepare(TargetMap.load(MAP, search_path()))
        delivered(it, it.send(*(invoice(str(n)) for n in range(5))))
        assert len(calls(sim)) == 3
        sim.log.clear()
        it = bench(sim)  # which does not know it: a refused call is parted
        delivered(it, it.send(*(invoice(f"B{n}") for n in range(4))))
        assert [call.status for call in calls(sim)] == [400, 202, 202]
    finally:
        sim.set_property(RECORD_LIMIT, "100")


def test_an_invoice_that_is_there_as_it_should_be_needs_no_call(sim: ServiceNowSimulator) -> None:
    it = bench(sim)
    delivered(it, it.send(invoice("1")))
    assert it.states(it.send(invoice("1"))) == [(DELIVERED, "unchanged")]
    assert len(calls(sim)) == 1


def test_a_change_waits_for_a_person_unless_the_instance_is_known_to_take_it(sim: ServiceNowSimulator) -> None:
    it = bench(sim)
    (first,) = delivered(it, it.send(invoice("1")))
    (outcome,) = it.send(invoice("1", lines=3, target_id=first.target_id))
    assert (outcome.state, outcome.reason, outcome.target_id) == (PARKED, "invoice_there", first.target_id)
    assert "amount_invoiced: '250.00' there, '375.00' here" in outcome.message
    assert "invoice_lines: '2 lines' there, '3 lines' here" in outcome.message
    it = bench(sim, updates=Updates.SEND)
    (second,) = delivered(it, it.send(invoice("1", lines=3, target_id=first.target_id)))
    assert (second.action, second.target_id) == ("updated", first.target_id)
    assert len(sim.table(LINES)) == 3


def test_a_double_in_the_instance_and_a_namesake_park(sim: ServiceNowSimulator) -> None:
    for _ in range(2):
        sim.instance.store.insert(INVOICES, {"erp_source": SOURCE, "external_invoice_number": "1"})
    sim.instance.store.insert(INVOICES, {"erp_source": SOURCE, "external_invoice_number": "a2"})
    it = bench(sim)
    assert it.states(it.send(invoice("1"), invoice("A2"))) == [(PARKED, "ambiguous_key"), (PARKED, "same_key")]
    assert calls(sim) == []


# limits


def test_calls_beyond_the_hour_s_wait_for_a_later_run_and_stop_nothing(sim: ServiceNowSimulator) -> None:
    it = bench(sim, batch_size=2, calls_per_hour=1)
    outcomes = it.send(*(invoice(str(n)) for n in range(5)), it.supplier("9"))
    assert [o.state for o in outcomes] == [SENT, SENT, FAILED, FAILED, FAILED, DELIVERED]
    late = [o for o in outcomes if o.state is FAILED]
    assert {o.reason for o in late} == {"not_sent"}
    assert all(o.retry_at and o.retry_at > it.clock.now() for o in late)
    it.clock.sleep(3601)
    assert len(delivered(it, [o for o in it.send(*(o.effect for o in late)) if o.state is SENT])) == 2
    assert len(calls(sim)) == 2


def test_a_429_holds_only_invoices_back_for_as_long_as_it_says(sim: ServiceNowSimulator) -> None:
    it = bench(sim, batch_size=1)
    sim.faults.add(Fault("status", path=PATH, method="POST", status=429, headers={"Retry-After": "1800"}))
    outcomes = it.send(invoice("1"), invoice("2"), it.supplier("9"))
    assert [(o.state, o.reason) for o in outcomes] == [(FAILED, "not_sent")] * 2 + [(DELIVERED, "")]
    assert len(calls(sim)) == 1
    sim.faults.add(Fault("status", path=PATH, method="POST", status=429, headers={"Retry-After": "7"}))
    it.clock.sleep(1800)
    before = it.clock.monotonic()
    delivered(it, it.send(invoice("1"), invoice("2")))
    assert it.clock.monotonic() - before >= 7


def test_the_instance_s_own_rule_is_met(sim: ServiceNowSimulator) -> None:
    sim.configure(rate_limits=[RateLimit(2, "APO Invoice Ingestion")])
    try:
        it = bench(sim, batch_size=1)
        it.client._patience = 4000
        delivered(it, it.send(*(invoice(str(n)) for n in range(3))))
        assert len(numbers(sim)) == 3
    finally:
        sim.configure(rate_limits=[])


# lost answers


@pytest.mark.parametrize("log", ["readable", "hidden"])
@pytest.mark.parametrize("kind", ["commit_then_drop", "truncated"])
def test_committed_and_the_answer_lost_is_found_and_never_sent_again(
    sim: ServiceNowSimulator, kind: str, log: str
) -> None:
    if log == "hidden":
        sim.restrict("read", LOG)
    it = bench(sim, patience=60)
    sim.faults.add(Fault(kind, path=PATH, method="POST"))
    outcomes = it.send(*(invoice(str(n)) for n in range(3)))
    assert it.states(outcomes) == [(IN_DOUBT, "answer_lost")] * 3
    early = it.settle(outcomes, wait=False)
    expected = (SENT, "") if log == "readable" else (IN_DOUBT, "answer_lost")
    assert it.states(early) == [expected] * 3
    sim.process_imports()
    assert {o.action for o in delivered(it, early)} == {"created"}
    assert len(calls(sim)) == 1
    assert len(sim.instance.store.find(LOG)) == len(numbers(sim)) == 3


@pytest.mark.parametrize("kind", ["reset", "timeout", "status"])
def test_not_committed_counts_as_absent_only_after_its_own_window(sim: ServiceNowSimulator, kind: str) -> None:
    it = bench(sim)
    sim.faults.add(Fault(kind, path=PATH, method="POST", seconds=30, status=500))
    outcomes = it.send(invoice("1"), invoice("2"))
    assert {o.state for o in it.settle(outcomes, wait=False)} == {IN_DOUBT}
    it.clock.sleep(599)
    assert {o.state for o in it.settle(outcomes, wait=False)} == {IN_DOUBT}
    it.clock.sleep(2)
    settled = it.settle(outcomes, wait=False)
    assert it.states(settled) == [(FAILED, "never_arrived")] * 2
    delivered(it, it.send(*(it.remembered(o) for o in settled)))
    assert numbers(sim) == ["1", "2"]


def test_what_an_earlier_call_brought_and_is_not_processed_yet_is_not_sent_again(sim: ServiceNowSimulator) -> None:
    sim.configure(imports="manual")
    it = bench(sim)
    (first,) = it.send(invoice("1"))
    (again,) = it.send(invoice("1"))
    assert (again.state, again.handle) == (SENT, first.handle)
    assert it.states(it.settle([again])) == [(SENT, "")]
    sim.process_imports()
    delivered(it, [again])
    assert len(calls(sim)) == 1
    assert numbers(sim) == ["1"]


def test_a_call_that_came_twice_and_is_refused_as_a_duplicate_is_no_fault(sim: ServiceNowSimulator) -> None:
    sim.configure(imports="manual", ap_invoice_duplicates="reject")
    sim.restrict("read", LOG)
    outcomes = [bench(sim).send(effect)[0] for effect in (invoice("1"), invoice("1"), invoice("1", lines=3))]
    sim.process_imports()
    allow_all(sim)
    one, two, three = bench(sim).settle(outcomes)
    assert [one.action, two.action] == ["created", "unchanged"]
    assert one.target_id == two.target_id
    assert (three.state, "Duplicate invoice" in three.message) == (State.REFUSED, True)
    assert numbers(sim) == ["1"]


def test_another_company_s_invoice_of_the_same_number_is_not_taken_for_the_lost_one(sim: ServiceNowSimulator) -> None:
    sim.configure(imports="manual")
    it = bench(sim)
    sim.faults.add(Fault("reset", path=PATH, method="POST"))
    lost, arrived = it.send(invoice("1"), invoice("1", source="visma:SE01"))
    assert [lost.state, arrived.state] == [IN_DOUBT, SENT]
    assert it.states(it.settle([lost, arrived], wait=False)) == [(IN_DOUBT, "answer_lost"), (SENT, "")]
    it.clock.sleep(601)
    (absent,) = it.settle([lost], wait=False)
    (again,) = it.send(it.remembered(absent))
    assert again.handle != arrived.handle
    sim.process_imports()
    assert [row["erp_source"] for row in sim.table(INVOICES)] == ["visma:SE01", SOURCE]


def test_an_update_that_was_lost_is_not_taken_for_done_because_the_invoice_is_there(sim: ServiceNowSimulator) -> None:
    it = bench(sim, updates=Updates.SEND)
    (first,) = delivered(it, it.send(invoice("1")))
    it.clock.sleep(10)
    sim.faults.add(Fault("reset", path=PATH, method="POST"))
    outcomes = it.send(invoice("1", lines=3, target_id=first.target_id))
    assert it.states(it.settle(outcomes, wait=False)) == [(IN_DOUBT, "answer_lost")]
    it.clock.sleep(601)
    assert it.states(it.settle(outcomes, wait=False)) == [(FAILED, "never_arrived")]


@pytest.mark.parametrize("form", [{"batch_id": "B7"}, {}])
def test_the_batch_s_other_name_and_none_at_all(sim: ServiceNowSimulator, form: dict[str, str]) -> None:
    it = bench(sim)
    sim.faults.add(Fault("status", path=PATH, method="POST", status=202, body=form))
    (outcome,) = it.send(invoice("1"))
    if form:
        assert (outcome.state, outcome.handle) == (SENT, {"batch": "B7"})
    else:
        assert (outcome.state, outcome.reason) == (IN_DOUBT, "answer_lost")


FAULTS = st.sampled_from(["commit_then_drop", "commit_late", "truncated", "reset", "html", None])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=st.lists(FAULTS, max_size=5), count=st.integers(1, 5), size=st.integers(1, 3), log=st.booleans())
def test_whatever_gets_lost_each_invoice_arrives_once(
    sim: ServiceNowSimulator, faults: list[str | None], count: int, size: int, *, log: bool
) -> None:
    empty(sim)
    sim.faults.clear()
    allow_all(sim)
    if not log:
        sim.restrict("read", LOG)
    for position, kind in enumerate(faults):
        if kind:
            sim.faults.add(Fault(kind, path=PATH, method="POST", after=position, delay=45))
    it = bench(sim, batch_size=size, calls_per_hour=1000, patience=40)
    open_ones = it.send(*(invoice(str(n)) for n in range(count)))
    for _ in range(20):
        sim.process_imports()
        open_ones = [o for o in it.settle(open_ones, wait=False) if o.state is not DELIVERED]
        if not open_ones:
            break
        failed = [o for o in open_ones if o.state is FAILED]
        open_ones = [o for o in open_ones if o.state is not FAILED] + it.send(*(it.remembered(o) for o in failed))
        it.clock.sleep(301)
    assert open_ones == []
    assert numbers(sim) == sorted(map(str, range(count)))
    assert len(sim.instance.store.find(LOG)) == count, "none was posted twice"


# outcomes


def test_each_invoice_of_a_batch_has_an_outcome_of_its_own(sim: ServiceNowSimulator) -> None:
    it = bench(sim)
    effects = [invoice("1"), invoice("2", supplier="51"), invoice("3"), invoice("4", currency=""), invoice("5")]
    effects[2].payload["invoice_lines"][1]["cost_center"] = "999"
    outcomes = it.send(*effects)
    one, two, three, four, five = it.settle(outcomes)
    assert it.states([one, five]) == [(DELIVERED, "created")] * 2
    assert (two.state, two.reason, two.field, two.value) == (PARKED, "reference_not_found", "supplier", "51")
    assert (three.state, three.reason) == (PARKED, "reference_not_found")
    assert "Line 2: Reference value rejected for cost_center: 999" in three.message
    assert three.target_id, "its header stands"
    assert (four.state, four.reason) == (State.REFUSED, "transform_error")
    assert numbers(sim) == ["1", "3", "5"]
    (again,) = it.send(it.remembered(three))
    assert (again.state, again.reason) == (PARKED, "invoice_there")
    assert len(calls(sim)) == 1


@pytest.mark.parametrize("hidden", [LOG, INVOICES, LINES])
def test_what_may_not_be_read_is_told_and_the_rest_tells(sim: ServiceNowSimulator, hidden: str) -> None:
    it = bench(sim)
    sent = it.send(invoice("1"))
    sim.process_imports()
    sim.restrict("read", hidden)
    (outcome,) = it.settle(sent)
    assert (outcome.state, outcome.action) == (DELIVERED, "created")
    assert bool(outcome.target_id) is (hidden != INVOICES)


def test_when_nothing_may_be_read_it_stays_sent_and_says_so(sim: ServiceNowSimulator) -> None:
    it = bench(sim)
    sent = it.send(invoice("1"))
    for table in (LOG, INVOICES):
        sim.restrict("read", table)
    (outcome,) = it.settle(sent)
    assert (outcome.state, outcome.reason, outcome.handle) == (SENT, "outcome_unreadable", sent[0].handle)
    assert INVOICES in outcome.suggestion


def test_an_invoice_without_all_its_lines_is_not_delivered(sim: ServiceNowSimulator) -> None:
    sim.restrict("read", LOG)
    it = bench(sim)
    sent = it.send(invoice("1"))
    sim.process_imports()
    sim.delete(LINES, sim.table(LINES)[0]["sys_id"])
    assert it.states(it.settle(sent, wait=False)) == [(SENT, "")], "the other may still come"
    old = [replace(o, effect=replace(o.effect, sent_at=it.clock.now())) for o in sent]
    it.clock.sleep(601)
    (outcome,) = it.settle(old)
    assert (outcome.state, outcome.reason) == (PARKED, "incomplete_invoice")
    assert "1 of 2 lines are not in invoice INV" in outcome.message


def test_a_missing_role_stops_with_every_invoice_accounted_for(sim: ServiceNowSimulator) -> None:
    it = bench(sim, batch_size=1)
    sim.revoke("integration.user", "sn_spend_intg.procurement_integrator")
    outcomes: list[Outcome] = []
    try:
        with pytest.raises(AuthError):
            outcomes.extend(it.sink.send([invoice("1"), invoice("2")]))
    finally:
        sim.grant("integration.user", "sn_spend_intg.procurement_integrator")
    assert sorted((o.state, o.reason) for o in outcomes) == [(FAILED, "not_sent"), (IN_DOUBT, "answer_lost")]


# what is checked


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"supplier_invoice_number": "x" * 101}, "too_long", "u_supplier_invoice_number"),
        ({"original_invoice": "NULL"}, "null_literal", "u_original_invoice"),
        ({"external_invoice_number": " "}, "empty_key", "u_external_invoice_number"),
        ({"supplier": [1]}, None, None),
    ],
)
def test_what_a_document_must_not_hold(
    sim: ServiceNowSimulator, change: dict[str, Any], reason: str | None, field: str | None
) -> None:
    it = bench(sim)
    effect = invoice("1")
    assert it.sink.check(effect) is None
    effect.payload.update(change)
    if "external_invoice_number" in change:
        effect.key.update(change)
    if reason:
        problem = it.sink.check(effect)
        assert problem is not None
        assert (problem.reason, problem.field) == (reason, field)
    line = invoice("1")
    line.payload["invoice_lines"][1]["line_description"] = "x" * 1001
    told = it.sink.check(line)
    assert told is not None
    assert told.reason == "too_long"


@pytest.mark.parametrize("source", ["tap_visma", "tap_acumatica"])
def test_there_is_nothing_wrong_with_the_map(source: str) -> None:
    assert [str(each) for each in check_maps(source, MAP, search_path()) if each.severity != "note"] == []


def test_it_is_prepared_and_tells_what_is_missing(sim: ServiceNowSimulator, tmp_path: Path) -> None:
    shipped = TargetMap.load(MAP, search_path())
    bench(sim).sink.prepare(shipped)
    (tmp_path / "odd.yml").write_text(
        f"""
extends: {MAP}
dimensions: {{invoice: null}}
stream_maps:
  supplier_payments: null
  supplier_invoices:
    header:
      __alias__: {INVOICES}
      __via__: ap_invoice_api
      __key_properties__: [erp_source, external_invoice_number]
      erp_source: erp_source
      external_invoice_number: source_key
      subtotl: net
      invoice_lines: {{__each__: lines, line_text: description}}
      notes: {{__each__: lines, text: description}}
"""
    )
    with pytest.raises(ConfigError) as stopped:
        bench(sim).sink.prepare(TargetMap.load("odd", search_path(tmp_path)))
    for words in ("no field 'subtotl'", "no field 'invoice_lines.line_text'", "no list 'notes'"):
        assert words in str(stopped.value)


def test_a_transform_map_without_its_coalesce_and_a_log_that_is_not_there() -> None:
    installation = Installation(without_coalesce=frozenset({STAGING}), absent=frozenset({f"{STAGING}_tax_line"}))
    with running(ServiceNowSimulator(installation)) as sim, pytest.raises(ConfigError) as stopped:
        bench(sim).sink.prepare(TargetMap.load(MAP, search_path()))
    assert f"{STAGING}_tax_line: the instance has no such table" in str(stopped.value)
    installation = Installation(without_coalesce=frozenset({STAGING}))
    with running(ServiceNowSimulator(installation)) as sim, pytest.raises(ConfigError, match="coalesces on nothing"):
        bench(sim).sink.prepare(TargetMap.load(MAP, search_path()))


def test_the_log_s_columns_may_be_others_and_are_named_in_the_settings() -> None:
    renamed = {(LOG, "batch_id"): "x_batch", (LOG, "status"): "x_outcome", (LOG, "error_message"): "x_words"}
    with running(ServiceNowSimulator(Installation(renamed=renamed))) as sim:
        masters(sim)
        it = bench(sim)
        (check,) = [each for each in it.sink.ping(TargetMap.load(MAP, search_path())) if each.name == f"read {LOG}"]
        assert "may read" in check.detail, "Batch ID and Status are found by their labels"
        named = {"batch": "x_batch", "status": "none", "message": "x_words"}
        (check,) = [
            each
            for each in bench(sim, log_columns=named).sink.ping(TargetMap.load(MAP, search_path()))
            if each.name == f"read {LOG}"
        ]
        assert "the status is not known" in check.detail
        assert "ap_invoice_log_columns" in check.detail


def test_ping_says_whether_the_role_is_there(sim: ServiceNowSimulator) -> None:
    sim.allow("read", "sys_user_has_role")
    checks = {each.name: each for each in bench(sim).sink.ping(TargetMap.load(MAP, search_path()))}
    assert "procurement_integrator" in checks[f"write {INVOICES}"].detail
    assert "batch batch_id, source source_system, invoice external_invoice_number" in checks[f"read {LOG}"].detail


# afterwards


def test_delivered_invoices_are_read_again_with_their_lines(sim: ServiceNowSimulator) -> None:
    it = bench(sim)
    effects = [replace(o.effect, target_id=o.target_id) for o in delivered(it, it.send(*map(invoice, "123")))]
    assert [reading.found for reading in it.sink.reread(effects)] == [Found.EQUAL] * 3
    one, two = (effect.target_id or "" for effect in effects[:2])
    sim.update(INVOICES, one, amount_invoiced="NOK;300.00")
    sim.delete(LINES, next(row["sys_id"] for row in sim.table(LINES) if row["invoice"] == two))
    sim.delete(INVOICES, effects[2].target_id or "")
    first, second, third = it.sink.reread(effects)
    assert first.differences == {"amount_invoiced": ("250.00", "300.00")}
    assert first.amounts["amount_invoiced"] == ("300.00", "NOK")
    assert second.differences == {"invoice_lines": ("2 lines", "1 lines")}
    assert third.found is Found.MISSING


def test_trouble_the_instance_tells_of_later_is_heard(sim: ServiceNowSimulator) -> None:
    it = bench(sim)
    (outcome,) = delivered(it, it.send(invoice("1")))
    sim.update(INVOICES, outcome.target_id or "", erp_integration_status="Error")
    asked = replace(outcome.effect, payload={}, target_id=outcome.target_id)
    (told,) = it.sink.review([asked])
    assert (told.state, told.reason, told.effect) == (State.REFUSED, "target_reported_error", asked)


# whole runs


def record(number: str, **changes: Any) -> tuple[str, dict[str, Any]]:
    """Return an invoice of the source system."""
    lines = [{"text": "Paper", "quantity": 4, "amount": 100, "account": "4000", "cost_center": "110"}] * 2
    return "supplier_invoices", {
        "_company": "NO01",
        "number": number,
        "currency": "NOK",
        "supplier": "50",
        "date": "2026-10-05",
        "net": 200,
        "tax": Decimal("50.00"),
        "total": Decimal("250.00"),
        "lines": lines,
        "taxes": [{"code": "25", "taxable": 200, "amount": Decimal("50.00"), "rate": 25}],
        **changes,
    }


RECORDS = [record("1"), record("2", type="credit_note"), record("3", _company="SE01", currency="SEK")]
SHOWN = ("erp_source", "external_invoice_number", "supplier_invoice_number", "type", "supplier", "invoice_date")
OF_LINES = ("line_amount.amount", "cost_center", "ledger_account", "erp_line_number")
AMOUNTS = ("amount_invoiced", "subtotal", "shipping_amount", "other_charges", "discounts")


def picture(sim: ServiceNowSimulator) -> dict[str, Any]:
    """Return what the instance has of invoices, without what is its own."""
    money = [f"{name}.{part}" for name in AMOUNTS for part in ("amount", "currency")]
    told: dict[str, Any] = {}
    for row in sim.table(INVOICES):
        lines, taxes = sim.table(LINES, invoice=row["sys_id"]), sim.table(TAXES, invoice=row["sys_id"])
        told[row["external_invoice_number"]] = (
            {name: row[name] for name in (*SHOWN, *money)},
            sorted(tuple(it[name] for name in OF_LINES) for it in lines),
            sorted((it["tax_type"], it["supplier_tax.amount"], it["supplier_tax.currency"]) for it in taxes),
        )
    return told


def test_both_ways_bring_about_the_same_invoices(sim: ServiceNowSimulator, tmp_path: Path) -> None:
    seen = []
    for name in ("servicenow-s2p", MAP):
        (tmp_path / name).mkdir()
        flow = Flow(bench(sim), tmp_path / name, name)
        assert flow.run(*RECORDS).counts == {"received": 3, "delivered": 3}
        seen.append(picture(sim))
        empty(sim)
    assert seen[0] == seen[1]
    assert len(seen[0]) == 3


def test_a_plan_shows_the_lines_and_posts_nothing(sim: ServiceNowSimulator, tmp_path: Path) -> None:
    (planned,) = Flow(bench(sim), tmp_path, MAP).plan(record("1")).records
    (row,) = planned.rows
    assert (row.table, row.columns["invoice_lines.2.subtotal"].new) == (INVOICES, "100.00")
    assert sim.log.writes() == []


def test_a_run_whose_calls_are_used_up_goes_on_and_the_next_one_sends_the_rest(
    sim: ServiceNowSimulator, tmp_path: Path
) -> None:
    flow = Flow(bench(sim, batch_size=1, calls_per_hour=2), tmp_path, MAP)
    assert flow.run(*RECORDS).counts == {"received": 3, "delivered": 2, "failed": 1}
    assert ("failed", "not_sent") in flow.outcomes().values()
    flow.bench.clock.sleep(3601)
    flow.run(*RECORDS, replay=True)
    assert set(flow.outcomes().values()) == {("delivered", "")}
    assert len(calls(sim)) == 3


def test_a_run_that_lost_the_answer_and_one_that_ended_before_it_settled_make_no_second_invoice(
    sim: ServiceNowSimulator, tmp_path: Path
) -> None:
    sim.configure(imports="manual")
    flow = Flow(bench(sim, patience=1), tmp_path, MAP)
    sim.faults.add(Fault("commit_then_drop", path=PATH, method="POST"))
    flow.run(*RECORDS)
    assert {state for state, _ in flow.outcomes().values()} == {"sent"}
    flow.run(*RECORDS)
    sim.process_imports()
    flow.run(*RECORDS)
    assert set(flow.outcomes().values()) == {("delivered", "")}
    assert len(numbers(sim)) == len(sim.instance.store.find(LOG)) == 3
    assert len(calls(sim)) == 2, "one for each company"
    writes = len(sim.log.writes())
    assert flow.run(*RECORDS).counts["unchanged"] == 3
    assert len(sim.log.writes()) == writes


def test_changing_the_way_of_a_running_flow_sends_nothing_again(sim: ServiceNowSimulator, tmp_path: Path) -> None:
    flow = Flow(bench(sim), tmp_path, "servicenow-s2p")
    flow.run(*RECORDS)
    flow.target = MAP
    assert flow.run(*RECORDS).counts == {"received": 3, "delivered": 3}
    assert calls(sim) == []
    assert len(numbers(sim)) == 3
