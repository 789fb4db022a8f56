"""Deleted rows are told, from sys_audit_delete, and only those that are gone."""

from __future__ import annotations

import pytest
from ml_connector.errors import ConfigError, Forbidden

from tests.tap_servicenow.conftest import CENTERS, DAY, HEADERS, REQUESTS, captured_run, centers, ids, run, sync, tap_of

GONE = "_sdc_deleted_at"


def gone(output, stream=CENTERS):
    return {record["sys_id"]: record[GONE] for record in output.records[stream] if record.get(GONE)}


def test_what_was_deleted_since_the_last_run_is_told(sim):
    rows = centers(sim, 9)
    sim.delete(CENTERS, rows[0]["sys_id"])  # before the first run: nobody knows it
    sim.clock.advance(DAY)
    first = sync(sim, CENTERS, detect_deletes=True)
    assert gone(first) == {}
    assert first.schemas[CENTERS]["schema"]["properties"][GONE]["format"] == "date-time"
    sim.clock.advance(DAY)
    for row in rows[3:5]:
        sim.delete(CENTERS, row["sys_id"])
    sim.delete("sn_fin_erp_source", sim.table("sn_fin_erp_source")[0]["sys_id"])
    second = sync(sim, CENTERS, detect_deletes=True, state=first.states[-1])
    assert set(gone(second)) == {rows[3]["sys_id"], rows[4]["sys_id"]}
    record = next(r for r in second.records[CENTERS] if r.get(GONE))
    assert record.keys() == {"_company", "sys_id", GONE}
    totals = second.totals(CENTERS)
    assert totals["fetched"] == totals["emitted"] == str(len(second.records[CENTERS]))
    sim.clock.advance(DAY)
    third = sync(sim, CENTERS, detect_deletes=True, state=second.states[-1])  # what was deleted just before comes again
    sim.clock.advance(DAY)
    assert gone(sync(sim, CENTERS, detect_deletes=True, state=third.states[-1])) == {}


def test_a_row_that_came_back_is_not_told_as_deleted(sim):
    rows = centers(sim, 3)
    first = sync(sim, CENTERS, detect_deletes=True)
    sim.delete(CENTERS, rows[1]["sys_id"])
    sim.add(CENTERS, **{**rows[1], "name": "back"})
    second = sync(sim, CENTERS, detect_deletes=True, state=first.states[-1])
    assert gone(second) == {}
    assert "back" in {record["name"] for record in second.records[CENTERS]}


def test_without_the_setting_deletes_are_not_looked_for(sim):
    centers(sim, 3)
    output = sync(sim, CENTERS)
    sync(sim, CENTERS, state=output.states[-1])
    assert GONE not in output.schemas[CENTERS]["schema"]["properties"]
    assert sim.log.requests(path="/api/now/table/sys_audit_delete") == []


@pytest.mark.parametrize("policy", ["drop", "no_rows", "forbid"])
@pytest.mark.parametrize(
    ("operation", "column"),
    [
        ("read", ""),
        ("read", "documentkey"),
        ("read", "tablename"),
        ("query_match", "tablename"),
        ("query_range", "sys_created_on"),
    ],
)
def test_deletes_that_may_not_be_read_are_not_taken_for_none(sim, operation, column, policy):
    rows = centers(sim, 3)
    first = sync(sim, CENTERS, detect_deletes=True)
    sim.delete("sn_fin_erp_source", sim.table("sn_fin_erp_source")[0]["sys_id"])
    sim.clock.advance(DAY)
    sim.delete(CENTERS, rows[1]["sys_id"])
    sim.configure(unknown_column=policy)
    sim.restrict(operation, "sys_audit_delete", column=column)
    tap = tap_of(sim, CENTERS, detect_deletes=True, state=first.states[-1])
    if (operation, policy) == ("query_range", "drop"):  # then more traces come, which loses nothing
        assert set(gone(run(tap))) == {rows[1]["sys_id"]}
        return
    output = captured_run(tap, (ConfigError, Forbidden), "sys_audit_delete|query")
    assert output.states[-1]["bookmarks"][CENTERS] == first.states[-1]["bookmarks"][CENTERS]


def test_a_deleted_requisition_is_told_with_purchase_requests(sim):
    sim.add("sn_fin_supplier", supplier_number="V1", legal_name="Paper")
    made = [sim.request(supplier_number="V1", lines=[{"item": "A", "quantity": "1", "unit_price": "1"}]) for _ in "ab"]
    sim.clock.advance(DAY)
    first = sync(sim, REQUESTS, detect_deletes=True)
    assert len(ids(first, REQUESTS)) == 2
    sim.delete(HEADERS, made[0]["sys_id"])
    second = sync(sim, REQUESTS, detect_deletes=True, state=first.states[-1])
    assert set(gone(second, REQUESTS)) == {made[0]["sys_id"]}
    assert [r["number"] for r in second.records[REQUESTS] if r.get(GONE)] == [made[0]["number"]]


@pytest.mark.parametrize("size", [1, 1000])
def test_a_requisition_that_is_approved_no_longer_is_told_as_gone_from_the_requests(sim, size):
    sim.add("sn_fin_supplier", supplier_number="V1", legal_name="Paper")
    lines = [{"item": "A", "quantity": "1", "unit_price": "1"}]
    made = [sim.request(supplier_number="V1", lines=lines) for _ in "abc"]
    sim.clock.advance(DAY)
    first = sync(sim, REQUESTS, detect_deletes=True)
    assert not gone(first, REQUESTS)
    sim.clock.advance(DAY)
    sim.update(HEADERS, made[0]["sys_id"], status="rejected")
    sim.update(HEADERS, made[1]["sys_id"], short_description="More")
    late = sim.request(supplier_number="V1", lines=lines)
    second = sync(sim, REQUESTS, detect_deletes=True, state=first.states[-1], page_size=size)
    assert set(gone(second, REQUESTS)) == {made[0]["sys_id"]}
    assert [r["number"] for r in second.records[REQUESTS] if r.get(GONE)] == [made[0]["number"]]
    assert {made[1]["sys_id"], late["sys_id"]} <= set(ids(second, REQUESTS))
    assert second.totals(REQUESTS)["complete"]
    sim.clock.advance(DAY)
    sim.update(HEADERS, made[0]["sys_id"], status="approved")
    third = sync(sim, REQUESTS, detect_deletes=True, state=second.states[-1])
    assert not gone(third, REQUESTS)
    assert made[0]["sys_id"] in ids(third, REQUESTS)


@pytest.mark.parametrize("policy", ["drop", "no_rows", "forbid"])
def test_withdrawn_requests_that_may_not_be_looked_for_are_not_taken_for_none(sim, policy):
    sim.add("sn_fin_supplier", supplier_number="V1", legal_name="Paper")
    sim.request(supplier_number="V1", lines=[{"item": "A", "quantity": "1", "unit_price": "1"}])
    sim.clock.advance(DAY)
    first = sync(sim, REQUESTS, detect_deletes=True)
    sim.clock.advance(DAY)
    sim.configure(unknown_column=policy)
    sim.restrict("query_range", HEADERS, column="sys_updated_on")
    captured_run(tap_of(sim, REQUESTS, detect_deletes=True, state=first.states[-1]), (ConfigError, Forbidden), ".")


def test_whole_tables_tell_no_deletes(sim):
    centers(sim, 3)
    output = sync(sim, CENTERS, detect_deletes=True, full_tables=[CENTERS])
    assert output.states[-1]["bookmarks"][CENTERS] == {}
