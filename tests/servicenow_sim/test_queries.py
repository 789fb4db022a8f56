"""The encoded query language, over HTTP."""

import pytest
from ml_connector_simulators.servicenow.access import DELIVERED

ROWS = {
    "110": {"name": "Sales", "valid_from": "2026-01-01"},
    "120": {"name": "Sales abroad", "valid_from": "2026-06-01"},
    "130": {"name": "Old^new", "valid_from": ""},
    "140": {"name": "100%", "valid_from": "2025-01-01"},
    "990": {"name": "stock", "valid_from": "2026-06-01"},
}


@pytest.fixture(scope="module")
def stocked(shared):
    for code, values in ROWS.items():
        shared.sim.instance.store.insert("cmn_cost_center", {"code": code, **values})
    return shared


@pytest.fixture(autouse=True)
def delivered_policy(shared):
    yield
    shared.sim.configure(unknown_column="drop")
    shared.sim.instance.access.rules[:] = DELIVERED


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("code=110", ["110"]),
        ("code!=110", ["120", "130", "140", "990"]),
        ("name=SALES", ["110"]),
        ("codeIN110,990,nothing", ["110", "990"]),
        ("codeNOT IN110,990", ["120", "130", "140"]),
        ("nameLIKEales", ["110", "120"]),
        ("nameNOT LIKEales", ["130", "140", "990"]),
        ("nameSTARTSWITHS", ["110", "120", "990"]),
        ("nameENDSWITHabroad", ["120"]),
        ("nameLIKE%", ["140"]),
        ("valid_fromISEMPTY", ["130"]),
        ("valid_fromISNOTEMPTY^valid_from<2026-01-01", ["140"]),
        ("valid_from>=2026-06-01", ["120", "990"]),
        ("valid_from>2026-01-01^valid_from<=2026-06-01", ["120", "990"]),
        ("valid_fromBETWEEN2026-01-01@2026-05-31", ["110"]),
        ("name=Old^^new", ["130"]),
        ("code=110^ORcode=120^nameENDSWITHabroad", ["120"]),  # (A or B) and C
        ("code=110^NQcode=990", ["110", "990"]),
        ("code=110^name=nothing^NQcode=990^name=stock", ["990"]),
        ("", ["110", "120", "130", "140", "990"]),
    ],
)
def test_conditions(stocked, query, codes):
    found = stocked.list("cmn_cost_center", f"{query}^ORDERBYcode", fields="code")
    assert [row["code"] for row in found] == codes


def test_order_chains_and_turns_round(stocked):
    found = stocked.list("cmn_cost_center", "ORDERBYDESCvalid_from^ORDERBYDESCcode", fields="code")
    assert [row["code"] for row in found] == ["990", "120", "110", "140", "130"]


def test_numbers_compare_as_numbers(api):
    for days in ("9", "30", "100"):
        api.sim.instance.store.insert("sn_shop_payment_term", {"net_days_to_pay": days})
    found = api.list("sn_shop_payment_term", "net_days_to_pay>9^ORDERBYDESCnet_days_to_pay", fields="net_days_to_pay")
    assert [row["net_days_to_pay"] for row in found] == ["100", "30"]


def test_a_dot_walk_queries_and_sorts_through_references(api):
    api.masters("visma:NO01")
    api.invoice("Invoice/1")
    found = api.list("sn_shop_invoice", "supplier.legal_nameSTARTSWITHPaper^ORDERBYsupplier.city", fields="number")
    assert len(found) == 1
    assert api.list("sn_shop_invoice", "supplier.legal_name=Other") == []


def test_an_unknown_column_widens_the_result_by_default(stocked):
    assert len(stocked.list("cmn_cost_center", "code=110^no_such=1")) == 1
    assert len(stocked.list("cmn_cost_center", "no_such=1")) == len(ROWS)
    assert len(stocked.list("cmn_cost_center", "gibberish")) == len(ROWS)


def test_an_unknown_column_is_forbidden_or_finds_nothing_where_the_instance_says_so(stocked):
    stocked.sim.configure(unknown_column="no_rows")
    assert stocked.list("cmn_cost_center", "code=110^no_such=1") == []
    stocked.sim.configure(unknown_column="forbid")
    reply = stocked.reply("cmn_cost_center", "no_such=1")
    assert (reply.status_code, reply.json()) == (
        403,
        {
            "error": {
                "message": "Insufficient rights to query records",
                "detail": "Field(s) present in the query do not have permission to be read",
            },
            "status": "failure",
        },
    )


def test_a_denied_range_strips_the_bookmark_and_the_order_without_a_word(stocked):
    stocked.sim.restrict("query_range", "cmn_cost_center", column="code")
    assert len(stocked.list("cmn_cost_center", "code>=200")) == len(ROWS)
    assert [row["code"] for row in stocked.list("cmn_cost_center", "code=110", fields="code")] == ["110"]


def test_what_is_not_simulated_is_said_aloud(stocked):
    for query in ("javascript:gs.now()", "sys_updated_onRELATIVEGT@hour@ago@1", "codeIN110^RLQUERYsys_user.manager,=0"):
        assert stocked.reply("cmn_cost_center", query).status_code == 501
