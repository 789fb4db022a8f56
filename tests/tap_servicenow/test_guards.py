"""ServiceNow's silences: dropped terms, hidden rows and fields, broken answers (apis/servicenow.md §0, §2)."""

from __future__ import annotations

import logging

import pytest
from ml_connector.errors import BadAnswer, ConfigError, Forbidden, OutOfPatience
from ml_connector_simulators.kit import Fault, running
from ml_connector_simulators.servicenow import Installation, ServiceNowSimulator

from tests.tap_servicenow.conftest import CENTERS, HEADERS, captured_run, centers, ids, pages, run, sync, tap_of

POLICIES = ["drop", "no_rows", "forbid"]


# Queries that are not obeyed


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("column", ["sys_updated_on", "sys_id"])
def test_a_denied_comparison_of_the_keys_never_loses_rows_silently(sim, policy, column):
    centers(sim, 20, per_second=20 if column == "sys_id" else 1)
    first = sync(sim, CENTERS, page_size=3)
    sim.configure(unknown_column=policy)
    sim.restrict("query_range", CENTERS, column=column)
    for state in (None, first.states[-1]):
        output = captured_run(tap_of(sim, CENTERS, page_size=3, state=state), Forbidden, "query|may not|full_tables")
        kept = (state or {"bookmarks": {CENTERS: {}}})["bookmarks"][CENTERS]
        assert output.states[-1]["bookmarks"][CENTERS].get("replication_key_value") == kept.get("replication_key_value")
        assert output.totals(CENTERS)["complete"] is False


def test_full_tables_is_a_way_around_a_denied_stamp(sim):
    centers(sim, 20)
    sim.restrict("query_range", CENTERS, column="sys_updated_on")
    assert len(ids(sync(sim, CENTERS, page_size=3, full_tables=[CENTERS]))) == 20


@pytest.mark.parametrize("policy", POLICIES)
def test_a_query_on_a_column_that_does_not_exist_is_a_setting_to_correct(sim, policy):
    sim.configure(unknown_column=policy)
    centers(sim, 5)
    with pytest.raises(ConfigError, match="colour"):
        sync(sim, CENTERS, queries={CENTERS: "colour=red"})


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("query", ["code=00001", "name=Center 1^ORcode=00001", "code!=00002^NQname=x"])
def test_a_query_on_a_column_that_is_denied_is_not_widened(sim, policy, query):
    centers(sim, 5)
    sim.configure(unknown_column=policy)
    sim.restrict("query_match", CENTERS, column="code")
    with pytest.raises((ConfigError, Forbidden)):
        sync(sim, CENTERS, queries={CENTERS: query})
    assert not any(query_["sysparm_query"].startswith("code") for query_ in pages(sim))


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("query", ["code>00003", "name!=x^code<=00002", "name=x^NQcodeBETWEEN00001@00002"])
def test_a_query_by_size_on_a_column_that_denies_it_is_neither_widened_nor_emptied(sim, policy, query):
    centers(sim, 5)
    asked = {"queries": {CENTERS: query}}
    assert 0 < len(ids(sync(sim, CENTERS, **asked))) < len(sim.table(CENTERS))
    sim.configure(unknown_column=policy)
    sim.restrict("query_range", CENTERS, column="code")
    with pytest.raises((ConfigError, Forbidden)):
        sync(sim, CENTERS, **asked)


@pytest.mark.parametrize("query", ["ORDERBYcode", "code=1^ORDERBYDESCname", "RLQUERYx.y,>=1^ENDRLQUERY"])
def test_a_query_that_cannot_be_proven_is_refused(sim, query):
    with pytest.raises(ConfigError, match="query"):
        sync(sim, CENTERS, queries={CENTERS: query})


# Hidden rows


@pytest.mark.parametrize("shown_as", ["drop", "empty"])
@pytest.mark.parametrize("size", [4, 100])
def test_hidden_rows_are_told_and_end_nothing(sim, caplog, shown_as, size):
    sim.configure(hidden_rows=shown_as)
    centers(sim, 30)
    sim.restrict("read", CENTERS, rows="code>=00005^code<00025")
    output = sync(sim, CENTERS, page_size=size)
    assert len(ids(output)) == len(set(ids(output))) == 10
    assert "rows are hidden from the account" in caplog.text
    assert "Give the account a role" in caplog.text
    sync(sim, "sn_fin_erp_source")
    assert caplog.text.count("are hidden") == 1


def test_a_table_of_which_nothing_is_shown_is_forbidden_and_never_empty(sim, caplog):
    centers(sim, 30)
    sim.restrict("read", CENTERS)
    output = captured_run(tap_of(sim, CENTERS, page_size=100), Forbidden, "all 30 rows of cmn_cost_center are hidden")
    assert output.totals(CENTERS)["complete"] is False
    check = next(iter(tap_of(sim, CENTERS).ping()))
    assert (check.name, check.ok, check.data["code"]) == (CENTERS, False, "forbidden")
    skipped = sync(sim, CENTERS, "sn_fin_erp_source", on_forbidden="skip")
    assert f"{CENTERS} is skipped" in caplog.text
    assert skipped.records["sn_fin_erp_source"]


# Hidden fields


def test_a_change_that_is_hidden_does_not_stop_a_table_of_which_others_are_shown(sim, caplog):
    rows = centers(sim, 20)
    sim.clock.advance(86_400)
    since = sim.clock.now().isoformat()
    sim.update(CENTERS, rows[3]["sys_id"], name="Secret")
    sim.restrict("read", CENTERS, rows=f"sys_id={rows[3]['sys_id']}")
    bookmark = {"replication_key": "sys_updated_on", "replication_key_value": since}
    assert ids(sync(sim, CENTERS, state={"bookmarks": {CENTERS: bookmark}})) == []
    assert "1 rows are hidden" in caplog.text


def test_a_hidden_field_is_told_left_out_and_never_null(sim, caplog):
    centers(sim, 6)
    sim.restrict("read", CENTERS, column="name")
    output = sync(sim, CENTERS, page_size=4)
    assert len(ids(output)) == 6
    assert not any("name" in record for record in output.records[CENTERS])
    assert caplog.text.count("the account may not read name") == 1
    last = [m["schema"] for m in output.messages if m["type"] == "SCHEMA"][-1]
    assert "name" not in last["properties"]
    assert last["x-whole-records"] is False
    first_record = next(n for n, m in enumerate(output.messages) if m["type"] == "RECORD")
    assert sum(m["type"] == "SCHEMA" for m in output.messages[:first_record]) == 2


def test_a_hidden_field_may_stop_the_run(sim):
    centers(sim, 6)
    sim.restrict("read", CENTERS, column="name")
    with pytest.raises(Forbidden, match=r"may not read name.*deselect"):
        sync(sim, CENTERS, on_missing_field="fail")
    tap = tap_of(sim, CENTERS, on_missing_field="fail")
    tap.streams[CENTERS].metadata["properties", "name"].selected = False
    assert len(ids(run(tap))) == 6


def test_a_hidden_amount_is_not_taken_for_none(sim, caplog):
    sim.add(HEADERS, total_amount="EUR;12.50", number="PR9")
    sim.restrict("read", "fx_currency2_instance", column="amount")
    record = next(r for r in sync(sim, HEADERS).records[HEADERS] if r["number"] == "PR9")
    assert "total_amount" not in record
    assert record["total_amount__currency"] == "EUR"
    assert "the account may not read total_amount" in caplog.text


def test_deselected_columns_are_not_asked_for(sim):
    centers(sim, 2)
    tap = tap_of(sim, CENTERS)
    for crumb, metadata in tap.streams[CENTERS].metadata.items():
        if crumb:
            metadata.selected = crumb[1] in ("code", "sys_id")
    output = run(tap)
    assert pages(sim)[0]["sysparm_fields"] == "sys_id,sys_updated_on,code"
    assert output.records[CENTERS][0].keys() == {"_company", "sys_id", "sys_updated_on", "code"}


def test_private_columns_are_left_out_unless_asked_for(sim):
    sim.add("sn_fin_supplier", legal_name="Paper", email="x@example.com", primary_phone_number="1")
    assert not {"email", "primary_phone_number"} & sync(sim, "sn_fin_supplier").records["sn_fin_supplier"][0].keys()
    told = sync(sim, "sn_fin_supplier", include_private=True).records["sn_fin_supplier"][0]
    assert told["email"] == "x@example.com"


# Broken answers


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("error", ["cancelled", "failure", "quota"])
def test_a_page_that_was_given_up_is_asked_for_in_smaller_ones(sim, caplog, error):
    centers(sim, 40)
    sim.faults.add(sim.fault(error=error, path=CENTERS, after=1, times=2))
    output = sync(sim, CENTERS, page_size=16)
    assert len(ids(output)) == len(set(ids(output))) == 40
    assert {query["sysparm_limit"] for query in pages(sim)} == {"16", "8", "4"}
    assert "asking for 4 rows at once" in caplog.text


@pytest.mark.usefixtures("at_once")
def test_the_page_size_comes_down_to_what_the_instance_can_do_and_grows_again(sim):
    centers(sim, 150)
    sim.configure(slow_above=10)
    assert len(set(ids(sync(sim, CENTERS, page_size=100)))) == 150
    sizes = [int(query["sysparm_limit"]) for query in pages(sim)]
    assert sizes[:5] == [100, 50, 25, 12, 6]
    assert 12 in sizes[5:]


@pytest.mark.usefixtures("at_once")
def test_a_time_out_asks_for_less(sim):
    centers(sim, 20)
    sim.faults.add(Fault("timeout", path=CENTERS, seconds=30, after=1))
    output = sync(sim, CENTERS, page_size=8, request_timeout=1)
    assert len(set(ids(output))) == 20
    assert "4" in {query["sysparm_limit"] for query in pages(sim)}


@pytest.mark.usefixtures("at_once")
def test_what_breaks_at_any_size_stops_with_what_was_read(sim):
    centers(sim, 20)
    sim.faults.add(sim.fault(error="failure", path=CENTERS, after=1, times=None))
    output = captured_run(tap_of(sim, CENTERS, page_size=8, patience=0), OutOfPatience, "Run again later")
    assert len(ids(output)) == 8
    assert output.states[-1]["bookmarks"][CENTERS]["place"]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "token_expiry"},
        {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
        {"kind": "status", "status": 500, "times": 3},
        {"kind": "status", "status": 503, "times": 3},
        {"kind": "reset", "times": 3},
        {"kind": "truncated", "times": 2},
        {"kind": "truncated", "times": 2, "promise_whole_length": True},
        {"kind": "html", "times": 2},
        {"kind": "commit_then_drop", "times": 2},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}",
)
def test_other_faults_are_lived_through(sim, fault):
    centers(sim, 20)
    armed = sim.faults.add(Fault(path=CENTERS, after=1, **fault))
    output = sync(sim, CENTERS, page_size=8)
    assert armed.struck == armed.times
    assert len(ids(output)) == len(set(ids(output))) == 20


@pytest.mark.usefixtures("at_once")
def test_a_sleeping_instance_is_told_as_such(sim):
    centers(sim, 20)
    sim.faults.add(sim.fault(error="hibernating", path=CENTERS, times=None))
    output = captured_run(tap_of(sim, CENTERS), BadAnswer, "an HTML page")
    assert len(pages(sim)) == 3, "a page is not asked for in smaller ones"
    assert output.records == {}


def test_an_instance_without_counts_is_read_and_said_to_have_none(sim, caplog, monkeypatch):
    centers(sim, 20)
    tap = tap_of(sim, CENTERS, page_size=8)
    request = tap.client.request

    def without_counts(*args, **options):
        reply = request(*args, **options)
        reply.headers.pop("X-Total-Count", None)
        return reply

    monkeypatch.setattr(tap.client, "request", without_counts)
    assert len(set(ids(run(tap)))) == 20
    assert "counts no rows" in caplog.text


def test_an_answer_that_is_no_list_is_not_taken_for_an_empty_one(sim):
    sim.faults.add(Fault("status", path=CENTERS, status=200, body={"result": {}}))
    with pytest.raises(BadAnswer, match="a list of rows was expected"):
        sync(sim, CENTERS)


# Long URLs


def test_many_columns_are_read_in_parts_and_put_together(sim):
    for n in range(12):
        sim.add("sn_shop_invoice", external_invoice_number=f"I{n}", amount_invoiced=f"EUR;{n}.10", ship_to_city="Oslo")
    whole = sync(sim, "sn_shop_invoice", max_url_length=8000).records["sn_shop_invoice"]
    sim.log.clear()
    parted = sync(sim, "sn_shop_invoice", max_url_length=1000, page_size=5).records["sn_shop_invoice"]
    assert sorted(map(str, parted)) == sorted(map(str, whole))
    reads = sim.log.requests(path="/api/now/table/sn_shop_invoice")
    assert len(reads) > 6


def test_a_row_that_changes_between_the_parts_is_read_again(sim):
    for n in range(12):
        sim.add("sn_shop_invoice", external_invoice_number=f"I{n}", description="old", ship_to_city="old")
    row = sim.table("sn_shop_invoice")[3]
    tap = tap_of(sim, "sn_shop_invoice", max_url_length=1000)
    request, done = tap.client.request, []

    def watched(method, path, **options):
        reply = request(method, path, **options)
        if "description" in options.get("params", {}).get("sysparm_fields", "") and "invoice" in path and not done:
            done.append(True)
            sim.clock.advance(60)
            sim.update("sn_shop_invoice", row["sys_id"], description="new", ship_to_city="new")
        return reply

    tap.client.request = watched
    records = {r["sys_id"]: r for r in run(tap).records["sn_shop_invoice"]}
    assert done
    assert (records[row["sys_id"]]["description"], records[row["sys_id"]]["ship_to_city"]) == ("new", "new")


# What the instance lacks


def test_without_the_dictionary_nothing_is_guessed():
    installation = Installation(without_roles=frozenset({"personalize_dictionary"}))
    with running(ServiceNowSimulator(installation)) as sim, pytest.raises(Forbidden, match="sys_db_object"):
        sync(sim, CENTERS)


def test_odd_values_are_kept_and_told_once(sim, caplog):
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        row = sim.add(CENTERS, code="1")
        sim.update_silently(CENTERS, row["sys_id"], valid_from="soon")
    output = sync(sim, CENTERS)
    assert {record["valid_from"] for record in output.records[CENTERS]} == {"soon"}
    assert caplog.text.count("valid_from: a text that is no date") == 1
