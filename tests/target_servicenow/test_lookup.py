"""Look-ups: paged, chunked, and never fooled by hidden rows or dropped query terms."""

from __future__ import annotations

import pytest
from ml_connector.errors import BadAnswer, ConfigError, Forbidden
from ml_connector.http import Basic, Client, NotJson
from ml_connector.vendors.servicenow.reader import MAX_QUERY, Reader
from ml_connector_simulators.servicenow import Installation

from tests.target_servicenow.conftest import make

COLUMNS = ("erp_source", "code")
TABLE = "cmn_cost_center"
URL = "https://acme.service-now.com"


def fill(it, *codes, erp_source="visma:NO01"):
    for code in codes:
        it.sim.instance.store.insert(TABLE, {"erp_source": erp_source, "code": code, "name": f"Centre {code}"})


def test_rows_come_back_under_the_names_asked_for(bench):
    it = bench()
    fill(it, "101", "102")
    fill(it, "101", erp_source="visma:SE01")
    found = it.sink.lookup(TABLE, ("ERP source", "Code"), [("visma:NO01", "101"), ("visma:NO01", "999")], ["Name"])
    ((key, rows),) = found.items()
    assert key == ("visma:NO01", "101")
    assert [(r["Name"], r["Code"], len(r["id"])) for r in rows] == [("Centre 101", "101", 32)]


def test_thousands_of_keys_are_asked_in_urls_that_fit(bench):
    it = bench()
    codes = [f"C{n:05}" for n in range(2500)]
    fill(it, *codes)
    found = it.sink.lookup(TABLE, COLUMNS, [("visma:NO01", code) for code in codes], ["name"])
    assert len(found) == 2500
    lengths = [len(entry.query["sysparm_query"]) for entry in it.sim.log.requests(f"/table/{TABLE}")]
    assert max(lengths) < MAX_QUERY + 200


def test_a_look_up_of_more_rows_than_a_page(bench):
    it = bench()
    fill(it, *["same"] * 2300)
    found = it.sink.lookup(TABLE, COLUMNS, [("visma:NO01", "same")], [])
    assert len({row["id"] for row in found["visma:NO01", "same"]}) == 2300


@pytest.mark.parametrize("code", ["A,B", "A^B", "A^ORB", "50 % æøå", "IN", "101^ORDERBYDESCname"])
def test_odd_characters_in_a_key_find_their_row_only(bench, code):
    it = bench()
    fill(it, code, "A", "B", "101")
    found = it.sink.lookup(TABLE, COLUMNS, [("visma:NO01", code), ("visma:NO01", "101")], [])
    assert sorted(key[1] for key in found) == sorted({code, "101"})
    assert [row["code"] for row in found["visma:NO01", code]] == [code]


def test_an_exact_match_comes_before_one_in_another_case(bench):
    it = bench()
    fill(it, "ab1", "AB1")
    found = it.sink.lookup(TABLE, COLUMNS, [("visma:NO01", "ab1"), ("visma:NO01", "Ab1")], [])
    assert [row["code"] for row in found["visma:NO01", "ab1"]] == ["ab1"]
    assert len(found["visma:NO01", "Ab1"]) == 2


@pytest.mark.parametrize("blank", ["", " "])
def test_a_key_that_the_instance_would_run_as_a_script_is_never_sent(bench, blank):
    it = bench()
    assert it.sink.lookup(TABLE, COLUMNS, [("visma:NO01", f"{blank}javascript:gs.log('x')")], []) == {}
    assert it.sim.log.requests(f"/table/{TABLE}") == []


@pytest.mark.parametrize("shape", ["drop", "empty"])
def test_hidden_rows_are_not_taken_for_absent_ones(bench, shape):
    it = bench(Installation(hidden_rows=shape))
    fill(it, "101", "102")
    it.sim.restrict("read", TABLE, rows="code=102")
    with pytest.raises(Forbidden, match=TABLE):
        it.sink.lookup(TABLE, COLUMNS, [("visma:NO01", "101"), ("visma:NO01", "102")], [])


@pytest.mark.parametrize("unknown", ["drop", "no_rows", "forbid"])
def test_a_query_the_instance_does_not_obey_is_noticed(bench, unknown):
    it = bench(Installation(unknown_column=unknown))
    fill(it, "101", "102")
    it.sim.restrict("query_match", TABLE, column="code")
    with pytest.raises((ConfigError, Forbidden)):
        it.sink.lookup(TABLE, COLUMNS, [("visma:NO01", "103")], [])


def test_a_column_that_may_not_be_read_is_noticed(bench):
    it = bench()
    fill(it, "101")
    it.sink.lookup(TABLE, COLUMNS, [("visma:NO01", "101")], [])
    it.sim.restrict("read", TABLE, column="code")
    with pytest.raises((ConfigError, Forbidden)):
        it.sink.lookup(TABLE, COLUMNS, [("visma:NO01", "101")], [])


def test_a_page_the_instance_gave_up_on_is_read_in_smaller_ones_and_not_believed(bench):
    it = bench(Installation(slow_above=50))
    fill(it, *["same"] * 60)
    assert len(it.sink.lookup(TABLE, COLUMNS, [("visma:NO01", "same")], [])[("visma:NO01", "same")]) == 60
    it.sim.configure(slow_above=2)
    with pytest.raises(NotJson, match="is no JSON"):
        it.sink.lookup(TABLE, COLUMNS, [("visma:NO01", "same")], [])


def test_a_column_in_neither_names_nor_labels_is_told_with_its_neighbours(bench):
    it = bench()
    with pytest.raises(ConfigError, match="valid_to"):
        it.sink.lookup(TABLE, COLUMNS, [], ["Valid until"])
    with pytest.raises(ConfigError, match="no table 'cmn_nothing'"):
        it.sink.lookup("cmn_nothing", COLUMNS, [], [])


def test_two_columns_of_one_label_must_be_named(bench):
    it = bench()
    for element in ("u_one", "u_two"):
        it.sim.instance.store.insert(
            "sys_dictionary",
            {"name": TABLE, "element": element, "column_label": "Twin", "internal_type": "string", "active": "true"},
        )
    with pytest.raises(ConfigError, match=r"u_one.*u_two"):
        it.sink.check(make(TABLE, {"Twin": "x"}, {"Twin": "x"}, via="table"))


def test_a_column_asked_for_that_may_not_be_read_is_not_taken_for_empty(bench):
    """Else an approved invoice whose state may not be read would count as one nobody works on."""
    it = bench()
    fill(it, "101")
    it.sim.restrict("read", TABLE, column="valid_to")
    with pytest.raises(Forbidden, match=r"cmn_cost_center\.valid_to"):
        it.sink.lookup(TABLE, COLUMNS, [("visma:NO01", "101")], ["Valid to"])


def test_a_denied_cursor_does_not_read_the_first_page_for_ever(bench):
    it = bench()
    fill(it, *["same"] * 2300)
    it.sim.restrict("query_range", TABLE, column="sys_id")
    with pytest.raises(Forbidden, match="sys_id"):
        it.sink.lookup(TABLE, COLUMNS, [("visma:NO01", "same")], [])
    assert len(it.sim.log.requests(f"/table/{TABLE}")) <= 3


@pytest.mark.parametrize("table", ["sys_transform_map", "sys_transform_entry", "sys_dictionary", "sys_db_object"])
def test_a_set_up_column_that_may_not_be_read_is_told(bench, table):
    column = {"sys_transform_map": "active", "sys_transform_entry": "coalesce", "sys_dictionary": "element"}
    it = bench()
    it.sim.restrict("read", table, column=column.get(table, "super_class"))
    read = it.sink._preflight.transforms.of if "transform" in table else it.sink._dictionary.table
    with pytest.raises(Forbidden, match=table):
        read("sn_fcms_intg_imp_supplier")


def test_an_answer_of_another_shape_is_told(requests_mock):
    requests_mock.get(URL + "/api/now/table/x", json=["no", "envelope"])
    with pytest.raises(BadAnswer, match="list of rows"):
        Reader(Client(URL, auth=Basic("u", "p"))).rows("x", "")
