"""What a reader of tables meets on a real instance and must not fall for."""

import re

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ml_connector_simulators.servicenow import Installation

CENTERS, SUPPLIERS = "cmn_cost_center", "sn_fin_supplier"
FOREVER = {"max_examples": 40, "deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


def add(api, count, table=CENTERS, **values):
    store = api.sim.instance.store
    return [store.insert(table, {"code": f"{number:03}", **values})["sys_id"] for number in range(count)]


def walk(api, table, size, since=""):
    """All rows by keyset over (sys_updated_on, sys_id), with an end that ACLs cannot fake (apis/servicenow.md §2.3)."""
    stamp, last, rows = since, "", []
    while True:
        low = f"sys_updated_on>={stamp}"
        after = f"{low}^sys_updated_on>{stamp}^NQ{low}^sys_updated_on={stamp}^sys_id>{last}" if last else low
        query = f"{after}^ORDERBYsys_updated_on^ORDERBYsys_id"
        offset = 0
        while True:
            reply = api.reply(table, query, limit=size, offset=offset, fields="sys_id,sys_updated_on")
            page = [row for row in reply.json()["result"] if row]
            offset += size
            if page or offset >= int(reply.headers["X-Total-Count"]):
                break
        if not page:
            return rows
        rows += page
        stamp, last = page[-1]["sys_updated_on"], page[-1]["sys_id"]


# --- keyset ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden_rows", ["drop", "empty"])
@pytest.mark.parametrize("size", [1, 4, 7])
def test_a_keyset_walk_finds_every_visible_row_once(start, size, hidden_rows):
    api = start(Installation(hidden_rows=hidden_rows))
    ids = []
    for _ in range(3):
        ids += add(api, 6)
        api.sim.clock.advance(1)
    for sys_id in ids[:8]:
        api.sim.update_silently(CENTERS, sys_id, name="hidden")
    api.sim.restrict("read", CENTERS, rows="name=hidden")
    assert sorted(row["sys_id"] for row in walk(api, CENTERS, size)) == sorted(ids[8:])


def test_a_denied_range_strips_bookmark_and_order_so_the_first_row_is_before_the_cursor(api):
    add(api, 5)
    api.sim.restrict("query_range", CENTERS, column="sys_updated_on")
    rows = api.list(CENTERS, "sys_updated_on>2099-01-01 00:00:00^ORDERBYsys_updated_on", fields="sys_updated_on")
    assert len(rows) == 5
    assert all(row["sys_updated_on"] < "2099" for row in rows)


def test_the_property_makes_an_invalid_query_find_nothing(api):
    add(api, 3)
    assert len(api.list(CENTERS, "code=001^no_such=1")) == 1
    api.sim.set_property("glide.invalid_query.returns_no_rows", "true")
    assert api.list(CENTERS, "code=001^no_such=1") == []


def test_a_table_without_sys_updated_on_drops_the_bookmark(api):
    entry = api.sim.add("sys_journal_field", name=SUPPLIERS, element="comments", value="Late again")
    api.sim.update("sys_journal_field", entry["sys_id"], value="Late, again")
    (row,) = api.list("sys_journal_field", "sys_updated_on>2099-01-01 00:00:00")
    assert row.keys() == {"sys_id", "sys_created_on", "sys_created_by", "name", "element", "element_id", "value"}
    assert api.list("sys_journal_field", "sys_created_on>2099-01-01 00:00:00") == []
    listed = api.list("sys_dictionary", "name=sys_journal_field", fields="element")
    assert "sys_updated_on" not in {entry["element"] for entry in listed}


def test_a_script_may_change_a_row_and_move_no_stamp(api):
    (sys_id,) = add(api, 1)
    before = api.list(CENTERS, fields="sys_updated_on,sys_mod_count")
    api.sim.clock.advance(60)
    api.sim.update_silently(CENTERS, sys_id, name="quiet")
    assert api.list(CENTERS, fields="sys_updated_on,sys_mod_count") == before
    api.sim.update_silently(CENTERS, sys_id, sys_updated_on="2026-01-01 00:00:00")  # a transaction that commits late
    assert len(api.list(CENTERS, "sys_updated_on<2026-02-01 00:00:00^name=quiet")) == 1


# --- queries --------------------------------------------------------------------------------------------------------

ROWS = [{"code": code, "name": name} for code in "abc" for name in "xyz"]
TERMS = st.tuples(
    st.sampled_from(["code", "name"]), st.sampled_from(["=", "!=", ">=", "<", "IN"]), st.sampled_from("abcxyz")
)
QUERIES = st.lists(st.lists(st.lists(TERMS, min_size=1, max_size=3), min_size=1, max_size=3), min_size=1, max_size=3)
COMPARE = {"=": "__eq__", "!=": "__ne__", ">=": "__ge__", "<": "__lt__", "IN": "__eq__"}


@pytest.fixture(scope="module")
def nine(shared):
    for row in ROWS:
        shared.sim.instance.store.insert("sn_shop_payment_term", {"payment_term": row["code"], "name": row["name"]})
    return shared


@settings(**FOREVER)
@given(query=QUERIES)
def test_or_binds_before_and_and_a_new_query_last(nine, query):
    text = "^NQ".join("^".join("^OR".join(map("".join, group)) for group in branch) for branch in query)
    columns = {"code": "payment_term", "name": "name"}
    text = re.sub("code", columns["code"], text)
    found = nine.list("sn_shop_payment_term", f"{text}^ORDERBYpayment_term^ORDERBYDESCname", fields="payment_term,name")

    def holds(row, term):
        return getattr(row[term[0]], COMPARE[term[1]])(term[2])

    wanted = [
        (row["code"], row["name"])
        for row in ROWS
        if any(all(any(holds(row, term) for term in group) for group in branch) for branch in query)
    ]
    assert [tuple(row.values()) for row in found] == sorted(
        sorted(wanted, key=lambda it: it[1], reverse=True), key=lambda it: it[0]
    )


# --- money ----------------------------------------------------------------------------------------------------------


def test_old_money_comes_in_the_users_currency_and_says_what_was_entered(api):
    api.sim.add("proc_po", number="PO1", total_cost="NOK;1000.00")
    user = api.sim.table("sys_user", user_name="integration.user")[0]["sys_id"]
    seen = []
    for currency in ("", "EUR", "NOK"):
        api.sim.update("sys_user", user, preferred_currency=currency)
        seen.append(api.list("proc_po", fields="total_cost", display_value="all")[0]["total_cost"])
    assert [it["value"] for it in seen] == ["95.00", "87.96", "1000.00"]
    assert {it["currency_display_value"] for it in seen} == {"NOK;1000.00"}
    (entry,) = api.list("sys_dictionary", "name=proc_po^element=total_cost", fields="internal_type")
    assert entry == {"internal_type": "currency"}


# --- deletes --------------------------------------------------------------------------------------------------------


def test_a_delete_on_an_audited_table_leaves_a_trace(api):
    first, second = add(api, 2)
    api.call("DELETE", f"/api/now/table/{CENTERS}/{first}")
    api.sim.clock.advance(5)
    requests.post(f"{api.sim.url}/_sim/edit", json={"edit": "delete", "table": CENTERS, "sys_id": second}, timeout=10)
    rows = api.list("sys_audit_delete", "ORDERBYsys_created_on", fields="tablename,documentkey,sys_created_by")
    assert rows == [
        {"tablename": CENTERS, "documentkey": first, "sys_created_by": "integration.user"},
        {"tablename": CENTERS, "documentkey": second, "sys_created_by": "a.person"},
    ]
    (trace,) = api.list("sys_audit_delete", f"documentkey={first}")
    later = f"tablename={CENTERS}^sys_created_on>{trace['sys_created_on']}"
    assert [row["documentkey"] for row in api.list("sys_audit_delete", later)] == [second]
    (entry,) = api.list("sys_dictionary", f"name={CENTERS}^internal_type=collection", fields="audit,attributes")
    assert entry == {"audit": "true", "attributes": ""}


def test_a_trace_names_the_class_of_the_row_and_may_be_denied_or_missing(start):
    api = start(Installation(unaudited=frozenset({CENTERS})))
    line = api.sim.table("sn_shop_purchase_line")[0]["sys_id"]
    (center,) = add(api, 1)
    api.sim.delete("sn_shop_purchase_line", line)
    api.sim.delete(CENTERS, center)
    api.sim.delete("sn_shop_purchase_line", "none")
    assert [row["tablename"] for row in api.list("sys_audit_delete")] == ["sn_shop_purchase_line"]
    (entry,) = api.list("sys_dictionary", f"name={CENTERS}^internal_type=collection", fields="attributes")
    assert entry == {"attributes": "no_audit_delete=true"}
    api.sim.restrict("read", "sys_audit_delete")
    assert api.list("sys_audit_delete") == []


# --- faults ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "kind", "words"),
    [
        ("cancelled", 200, "application/json", "maximum execution time exceeded"),
        ("failure", 200, "application/json", '"status":"failure"'),
        ("quota", 500, "application/json", "maximum execution time exceeded"),
        ("hibernating", 200, "text/html", "hibernating"),
        ("semaphore", 429, "application/json", "error"),
        ("forbidden", 403, "application/json", "Failed API level ACL Validation"),
        ("unavailable", 503, "text/html", "Unavailable"),
    ],
)
def test_troubles_of_an_instance_by_name(shared, error, status, kind, words):
    fault = {"error": error, "path": CENTERS, "text": "code=1"}
    assert requests.post(f"{shared.sim.url}/_sim/faults", json=fault, timeout=10).status_code == 201
    assert shared.reply(CENTERS, "code=2").status_code == 200
    reply = shared.reply(CENTERS, "code=1")
    assert (reply.status_code, reply.headers["Content-Type"].split(";")[0]) == (status, kind)
    assert words in reply.text
    assert "X-RateLimit-Limit" not in reply.headers
    assert shared.reply(CENTERS, "code=1").json() == {"result": []}


def test_a_cancelled_read_is_no_json_and_an_unknown_trouble_is_said(shared):
    shared.sim.faults.add(shared.sim.fault(error="cancelled", path=CENTERS))
    with pytest.raises(requests.JSONDecodeError):
        shared.reply(CENTERS).json()
    with pytest.raises(ValueError, match="hibernating"):
        shared.sim.fault(error="tired")
