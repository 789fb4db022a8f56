"""Every row of a table arrives once, as it is; bookmarks move by the rule, and an interrupted read goes on."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from ml_connector.errors import BadAnswer
from ml_connector_simulators.kit import Fault

from tests.tap_servicenow.conftest import (
    CENTERS,
    DAY,
    HEADERS,
    captured_run,
    centers,
    ids,
    pages,
    run,
    stamp_of,
    sync,
    tap_of,
)


@pytest.mark.parametrize(("number", "per_second", "size"), [(25, 1, 10), (25, 7, 4), (30, 30, 7), (10, 1, 10)])
def test_every_row_arrives_once(sim, number, per_second, size):
    rows = centers(sim, number, per_second)
    output = sync(sim, CENTERS, page_size=size)
    assert sorted(ids(output)) == sorted(row["sys_id"] for row in rows)
    totals = output.totals(CENTERS)
    assert totals["complete"] is True
    assert totals["fetched"] == totals["emitted"] == str(number)


def test_a_small_table_takes_one_request_and_nothing_is_written(sim):
    centers(sim, 20)
    sync(sim, CENTERS)
    assert len(pages(sim)) == 1
    assert sim.log.writes() == []


def test_a_record_has_every_column_with_its_type(sim):
    sim.add("sn_fin_gl_account", number="71", gl_account="4000", inactive="true")
    sim.add("sn_shop_payment_term", name="30 net", net_days_to_pay="30", discount_percentage="2.50")
    sim.add(CENTERS, code="110", valid_from="2026-01-31", name="Sales")
    output = sync(sim, "sn_fin_gl_account", "sn_shop_payment_term", CENTERS)
    account, term, center = (output.records[name][0] for name in ("sn_fin_gl_account", "sn_shop_payment_term", CENTERS))
    assert (account["_company"], account["gl_account"], account["inactive"]) == ("US01", "4000", True)
    assert (term["net_days_to_pay"], term["discount_percentage"]) == (30, Decimal("2.50"))
    assert (center["valid_from"], center["valid_to"], center["manager"]) == ("2026-01-31", None, None)
    assert datetime.fromisoformat(center["sys_updated_on"]).utcoffset() == timedelta()
    properties = output.schemas[CENTERS]["schema"]["properties"]
    assert properties["valid_from"] == {"type": ["string", "null"], "format": "date"}
    assert properties["sys_updated_on"]["format"] == "date-time"
    assert output.schemas[CENTERS]["key_properties"] == ["_company", "sys_id"]
    assert set(center) == set(properties)


def test_inherited_columns_come_and_secrets_and_journals_do_not(sim):
    schemas = sync(sim, "sn_shop_purchase_line", "sys_user").schemas
    line = schemas["sn_shop_purchase_line"]["schema"]["properties"]
    assert {"product_name", "unit_price", "unit_price__currency", "purchase_requisition", "sys_id"} <= line.keys()
    assert not {"user_password", "comments"} & schemas["sys_user"]["schema"]["properties"].keys()


# Money


AMOUNTS = ["EUR;12.50", "USD;0.1", "NOK;123456789012345.67", "JPY;-7", "USD;1000.005"]


def test_money_is_what_was_entered_with_its_currency(sim):
    for amount in AMOUNTS:
        sim.add(HEADERS, total_amount=amount, short_description=amount)
    sim.add(HEADERS, short_description="none")
    output = sync(sim, HEADERS)
    told = {record["short_description"]: record for record in output.records[HEADERS]}
    for amount in AMOUNTS:
        currency, number = amount.split(";")
        assert told[amount]["total_amount"] == Decimal(number)
        assert str(told[amount]["total_amount"]) == number
        assert told[amount]["total_amount__currency"] == currency
    assert (told["none"]["total_amount"], told["none"]["total_amount__currency"]) == (None, None)
    sums = output.totals(HEADERS)["sums"]
    assert (sums["EUR"], sums["NOK"], sums["JPY"]) == ("12.50", "123456789012345.67", "-7")
    assert output.schemas[HEADERS]["schema"]["x-control-total"] == {
        "amount": "total_amount",
        "currency": "total_amount__currency",
    }


@pytest.mark.parametrize("preferred", ["", "NOK"])
def test_older_money_is_not_the_amount_converted_for_the_api_user(sim, preferred):
    user = sim.table("sys_user", user_name="integration.user")[0]
    sim.update("sys_user", user["sys_id"], preferred_currency=preferred)
    for amount in AMOUNTS:
        sim.add("proc_po", total_cost=amount, short_description=amount)
    sim.add("proc_po", short_description="none")
    output = sync(sim, "proc_po")
    told = {record["short_description"]: record for record in output.records["proc_po"]}
    for amount in AMOUNTS:
        currency, number = amount.split(";")
        assert (str(told[amount]["total_cost"]), told[amount]["total_cost__currency"]) == (number, currency)
    assert told["none"]["total_cost"] is None
    assert set(output.totals("proc_po")["sums"]) == {"EUR", "USD", "NOK", "JPY", ""}


# Display values


def test_display_values_stand_beside_codes(sim):
    entity = sim.table("sn_fin_legal_entity")[0]
    sim.add(HEADERS, status="pending_approval", legal_entity=entity["sys_id"], total_amount="EUR;12.50", number="PR9")
    record = next(r for r in sync(sim, HEADERS, display_values=True).records[HEADERS] if r["number"] == "PR9")
    assert (record["status"], record["status__display"]) == ("pending_approval", "Pending approval")
    assert (record["legal_entity"], record["legal_entity__display"]) == (entity["sys_id"], entity["legal_name"])
    assert (record["total_amount"], record["total_amount__currency"]) == (Decimal("12.50"), "EUR")
    assert "number__display" not in record


def test_display_values_are_not_asked_for_without_need(sim):
    sync(sim, CENTERS)
    assert {query["sysparm_display_value"] for query in pages(sim)} == {"false"}


# Incremental


def test_the_bookmark_is_the_largest_stamp_less_the_look_back(sim):
    rows = centers(sim, 30)
    output = sync(sim, CENTERS, lookback_minutes=1)
    largest = max(row["sys_updated_on"] for row in sim.table(CENTERS))
    bookmark = output.states[-1]["bookmarks"][CENTERS]
    expected = datetime.fromisoformat(largest + "+00:00") - timedelta(minutes=1)
    assert datetime.fromisoformat(bookmark["replication_key_value"]) == expected
    assert "place" not in bookmark
    sim.clock.advance(DAY)
    sim.update(CENTERS, rows[3]["sys_id"], name="changed")
    second = sync(sim, CENTERS, state=output.states[-1], lookback_minutes=0)
    assert ids(second)[-1] == rows[3]["sys_id"]
    assert second.records[CENTERS][-1]["name"] == "changed"
    assert ids(sync(sim, CENTERS, state=second.states[-1], lookback_minutes=0)) == [rows[3]["sys_id"]]


def test_nothing_new_leaves_the_bookmark(sim):
    centers(sim, 3)
    first = sync(sim, CENTERS).states[-1]
    for row in sim.table(CENTERS):
        sim.delete(CENTERS, row["sys_id"])
    second = sync(sim, CENTERS, state=first)
    assert second.states[-1]["bookmarks"][CENTERS] == first["bookmarks"][CENTERS]


def test_a_start_date_bounds_the_first_read(sim):
    centers(sim, 3)
    sync(sim, CENTERS, start_date="2026-10-20T00:00:00Z")
    assert pages(sim)[0]["sysparm_query"].startswith("sys_updated_on>=2026-10-19 00:00:00^ORDERBY")


def test_a_row_that_commits_late_is_read_by_the_next_run(sim):
    rows = centers(sim, 20)
    first = sync(sim, CENTERS)
    sim.update_silently(CENTERS, rows[4]["sys_id"], sys_updated_on=stamp_of(sim, 19 - DAY), name="late")
    second = sync(sim, CENTERS, state=first.states[-1])
    assert [r["name"] for r in second.records[CENTERS] if r["sys_id"] == rows[4]["sys_id"]] == ["late"]


def test_a_table_without_stamps_and_one_named_are_read_whole(sim):
    centers(sim, 12)
    table = "sys_journal_field"
    for n in range(7):
        sim.add(table, value=f"note {n}")
    first = sync(sim, table, CENTERS, full_tables=["cmn_*"], page_size=5)
    second = sync(sim, table, CENTERS, full_tables=["cmn_*"], page_size=5, state=first.states[-1])
    for output in (first, second):
        assert (len(set(ids(output, table))), len(set(ids(output)))) == (7, 12)
        assert (len(ids(output, table)), len(ids(output))) == (7, 12)
    assert second.states[-1]["bookmarks"][CENTERS] == {}


def test_a_table_may_be_narrowed_by_a_query_with_alternatives(sim):
    centers(sim, 9)
    queries = {CENTERS: "code=00001^ORcode=00002^NQname=Center 7"}
    output = sync(sim, CENTERS, queries=queries, page_size=2)
    assert sorted(record["code"] for record in output.records[CENTERS]) == ["00001", "00002", "00007"]


# Interrupted


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("per_second", [1, 3, 40])
def test_a_read_that_was_interrupted_goes_on_where_it_stood(sim, per_second):
    rows = centers(sim, 40, per_second)
    sim.faults.add(Fault("status", path=CENTERS, after=3, times=None, status=418))
    first = captured_run(tap_of(sim, CENTERS, page_size=7), BadAnswer)
    place = first.states[-1]["bookmarks"][CENTERS]["place"]
    assert place["sys_id"] == ids(first)[-1]
    assert "replication_key_value" not in first.states[-1]["bookmarks"][CENTERS]
    sim.faults.clear()
    second = sync(sim, CENTERS, state=first.states[-1], page_size=7)
    assert len(ids(first)) >= 7
    assert not set(ids(first)) & set(ids(second))
    assert sorted(ids(first) + ids(second)) == sorted(row["sys_id"] for row in rows)
    assert "place" not in second.states[-1]["bookmarks"][CENTERS]
    assert second.states[-1]["bookmarks"][CENTERS]["replication_key_value"]


def test_state_tells_the_place_while_a_large_table_is_read(sim):
    centers(sim, 40)
    tap = tap_of(sim, CENTERS, page_size=5)
    tap.streams[CENTERS].STATE_MSG_FREQUENCY = 10
    output = run(tap)
    places = [state["bookmarks"].get(CENTERS, {}).get("place", {}).get("stamp") for state in output.states]
    assert len(places) > 3
    told = [place for place in places if place]
    assert told == sorted(told)
    assert len(told) >= 2
    # Killed after any of them: what comes before the place in that STATE was written before it.
    state = output.states[2]
    later = sync(sim, CENTERS, state=state, page_size=5)
    before = output.messages.index({"type": "STATE", "value": state})
    written = {m["record"]["sys_id"] for m in output.messages[:before] if m["type"] == "RECORD"}
    assert written | set(ids(later)) == set(ids(output))


@pytest.mark.usefixtures("at_once")
def test_what_is_younger_than_the_look_back_is_no_place_to_go_on_from(sim):
    centers(sim, 40)
    sim.faults.add(Fault("status", path=CENTERS, after=2, times=None, status=418))
    output = captured_run(tap_of(sim, CENTERS, page_size=7, lookback_minutes=2 * 24 * 60), BadAnswer)
    assert output.states[-1]["bookmarks"][CENTERS] == {}


@pytest.mark.usefixtures("at_once")
def test_a_place_in_what_another_query_gave_is_forgotten(sim):
    centers(sim, 40)
    sim.faults.add(Fault("status", path=CENTERS, after=2, times=None, status=418))
    first = captured_run(tap_of(sim, CENTERS, page_size=7), BadAnswer)
    sim.faults.clear()
    output = sync(sim, CENTERS, state=first.states[-1], queries={CENTERS: "code<00005"})
    assert [record["code"] for record in output.records[CENTERS]] == [f"{n:05}" for n in range(5)]
