"""Table API reads: paging and its traps, value shapes, access rules."""

import pytest
from ml_connector_simulators.servicenow import READER, Installation

CENTERS = "cmn_cost_center"


@pytest.fixture
def stocked(api):
    for number in range(250):
        api.sim.instance.store.insert(CENTERS, {"code": f"{number:03}", "name": f"Center {number % 7}"})
    return api


def codes(rows):
    return [row["code"] for row in rows]


def test_every_value_is_a_text_and_a_reference_has_a_link(api):
    api.masters()
    api.invoice()
    (row,) = api.list("sn_shop_invoice")
    supplier = api.sim.table("sn_fin_supplier")[0]["sys_id"]
    assert row["supplier"] == {"link": f"{api.sim.url}/api/now/table/sn_fin_supplier/{supplier}", "value": supplier}
    assert (row["legal_entity"], row["erp_sync_failed"], row["sys_mod_count"]) == ("", "false", "0")
    assert all(isinstance(value, str) for name, value in row.items() if name != "supplier")


def test_display_values(api):
    api.masters()
    api.invoice()
    supplier = api.sim.table("sn_fin_supplier")[0]["sys_id"]
    link = f"{api.sim.url}/api/now/table/sn_fin_supplier/{supplier}"
    fields = "supplier,state,amount_invoiced"
    (shown,) = api.list("sn_shop_invoice", fields=fields, display_value="true")
    assert shown == {
        "supplier": {"display_value": "Paper visma:NO01", "link": link},
        "state": "Draft",
        "amount_invoiced": "NOK 1,234.50",
    }
    (both,) = api.list("sn_shop_invoice", fields=fields, display_value="all")
    assert both["supplier"] == {"display_value": "Paper visma:NO01", "value": supplier, "link": link}
    assert both["state"] == {"display_value": "Draft", "value": "draft"}


def test_a_link_can_be_left_out(api):
    api.masters()
    api.invoice()
    supplier = api.sim.table("sn_fin_supplier")[0]["sys_id"]
    plain = {"fields": "supplier", "exclude_reference_link": "true"}
    assert api.list("sn_shop_invoice", **plain) == [{"supplier": supplier}]
    assert api.list("sn_shop_invoice", **plain, display_value="true") == [{"supplier": "Paper visma:NO01"}]
    assert api.list("sn_shop_invoice", **plain, display_value="all") == [
        {"supplier": {"display_value": "Paper visma:NO01", "value": supplier}}
    ]


def test_fields_dot_walk_through_references_and_money_and_skip_unknown_names(api):
    api.masters()
    api.invoice()
    fields = "supplier.legal_name,amount_invoiced.amount,amount_invoiced.currency,amount_invoiced.reference_amount,nope"
    (row,) = api.list("sn_shop_invoice", fields=fields)
    assert row == {
        "supplier.legal_name": "Paper visma:NO01",
        "amount_invoiced.amount": "1234.50",
        "amount_invoiced.currency": "NOK",
        "amount_invoiced.reference_amount": "117.28",
    }


def test_the_plain_value_of_money_is_no_amount(api):
    api.masters()
    api.invoice()
    (row,) = api.list("sn_shop_invoice", fields="amount_invoiced")
    (instance,) = api.list("fx_currency2_instance", f"sys_id={row['amount_invoiced']}")
    assert (instance["amount"], instance["currency"], instance["field"]) == ("1234.50", "NOK", "amount_invoiced")


def test_an_old_currency_column_comes_in_the_callers_currency(api):
    api.call("POST", "/api/now/table/proc_po", json={"number": "PO1", "total_cost": "NOK;1000.00"})
    (plain,) = api.list("proc_po", fields="total_cost")
    assert plain == {"total_cost": "95.00"}
    (both,) = api.list("proc_po", fields="total_cost", display_value="all")
    assert both["total_cost"] == {"display_value": "$95.00", "value": "95.00", "currency_display_value": "NOK;1000.00"}


def test_date_times_are_utc_and_display_in_the_callers_zone(api):
    user = api.sim.table("sys_user", user_name="integration.user")[0]["sys_id"]
    api.sim.update("sys_user", user, time_zone="America/Los_Angeles")
    (row,) = api.list("sys_properties", "name=instance_name", fields="sys_created_on", display_value="all")
    assert row["sys_created_on"] == {"value": "2026-11-02 07:00:00", "display_value": "2026-11-01 23:00:00"}


def test_pages_carry_the_count_and_links(stocked):
    reply = stocked.reply(CENTERS, "ORDERBYcode", limit=100, offset=100)
    assert codes(reply.json()["result"])[0] == "100"
    assert reply.headers["X-Total-Count"] == "250"
    assert set(reply.links) == {"first", "prev", "next", "last"}
    assert "sysparm_offset=200" in reply.links["next"]["url"]
    first = stocked.reply(CENTERS, limit=100)
    assert "sysparm_offset=-1" in first.links["prev"]["url"]
    assert stocked.call("GET", first.links["prev"]["url"].removeprefix(stocked.sim.url)).status_code == 400


def test_count_and_links_can_be_left_out(stocked):
    assert "Link" not in stocked.reply(CENTERS, suppress_pagination_header="true").headers
    quiet = stocked.reply(CENTERS, no_count="true").headers
    assert not {"X-Total-Count", "Link"} & set(quiet)


def test_without_a_total_order_pages_repeat_and_lose_rows(stocked):
    paged = [code for offset in range(0, 250, 50) for code in codes(stocked.list(CENTERS, limit=50, offset=offset))]
    assert len(paged) == 250
    assert len(set(paged)) < 250
    by_name = [
        code for at in range(0, 250, 50) for code in codes(stocked.list(CENTERS, "ORDERBYname", limit=50, offset=at))
    ]
    assert len(set(by_name)) < 250
    total = [
        code for at in range(0, 250, 50) for code in codes(stocked.list(CENTERS, "ORDERBYsys_id", limit=50, offset=at))
    ]
    assert len(set(total)) == 250


def test_the_limit_comes_before_the_access_rule(stocked):
    stocked.sim.restrict("read", CENTERS, rows="code<200")
    first = stocked.reply(CENTERS, "ORDERBYcode", limit=100)
    assert first.json()["result"] == []
    assert first.headers["X-Total-Count"] == "250"
    assert len(stocked.list(CENTERS, "ORDERBYcode", limit=100, offset=150)) == 50


def test_hidden_rows_may_come_as_empty_objects(stocked):
    stocked.sim.restrict("read", CENTERS, rows="code=001")
    stocked.sim.configure(hidden_rows="empty")
    assert stocked.list(CENTERS, "codeIN001,002^ORDERBYcode", fields="code") == [{}, {"code": "002"}]


def test_a_denied_column_is_absent(api):
    api.masters()
    api.sim.restrict("read", "sn_fin_supplier", column="legal_name")
    (row,) = api.list("sn_fin_supplier")
    assert "supplier_number" in row
    assert "legal_name" not in row
    api.invoice()
    assert api.list("sn_shop_invoice", fields="supplier.legal_name,currency") == [{"currency": "NOK"}]


def test_without_the_role_a_table_seems_empty_and_its_rows_absent(api):
    api.masters()
    supplier = api.sim.table("sn_fin_supplier")[0]["sys_id"]
    api.sim.roles().discard(READER)
    reply = api.reply("sn_fin_supplier")
    assert (reply.status_code, reply.json()["result"], reply.headers["X-Total-Count"]) == (200, [], "1")
    one = api.call("GET", f"/api/now/table/sn_fin_supplier/{supplier}")
    assert (one.status_code, one.json()) == (
        404,
        {
            "error": {
                "message": "No Record found",
                "detail": "Record doesn't exist or ACL restricts the record retrieval",
            },
            "status": "failure",
        },
    )


def test_one_row(api):
    wanted = api.sim.table("sn_fin_legal_entity", erp_company_code="SE01")[0]["sys_id"]
    reply = api.call(
        "GET", f"/api/now/table/sn_fin_legal_entity/{wanted}", params={"sysparm_fields": "legal_name,local_currency"}
    )
    assert reply.json() == {"result": {"legal_name": "Nordlys Handel AB", "local_currency": "SEK"}}
    assert api.call("GET", "/api/now/table/sn_fin_legal_entity/0").status_code == 404


def test_version_one_answers_404_when_nothing_matches(api):
    assert api.call("GET", "/api/now/v1/table/cmn_cost_center").status_code == 404
    assert api.call("GET", "/api/now/v2/table/cmn_cost_center").json() == {"result": []}


def test_wrong_calls(api):
    reply = api.reply("u_nowhere")
    assert (reply.status_code, reply.json()["error"]["message"]) == (400, "Invalid table u_nowhere")
    assert api.reply(CENTERS, offset=-1).status_code == 400
    assert api.reply(CENTERS, limit="many").status_code == 400
    assert api.call("GET", "/api/now/nothing").status_code == 400
    assert api.call("PATCH", f"/api/now/table/{CENTERS}").status_code == 405


def test_a_parent_table_reads_as_all_its_children(api):
    api.masters()
    api.invoice()
    api.load("sn_apo_invoice", erp_source="visma:NO01", external_invoice_number="Invoice/9", supplier="50001")
    rows = api.list("sn_fin_base_invoice", "ORDERBYexternal_invoice_number", fields="sys_class_name,state")
    assert [row["sys_class_name"] for row in rows] == ["sn_shop_invoice", "sn_apo_ap_invoice"]


def test_secrets_are_never_shown(start):
    admin = start()
    admin.session.auth = ("admin", "demo-sn-admin-password")
    assert all("user_password" not in row for row in admin.list("sys_user"))
    assert all("client_secret" not in row for row in admin.list("oauth_entity"))


def test_aggregates(stocked):
    assert stocked.call("GET", f"/api/now/stats/{CENTERS}?sysparm_count=true").json() == {
        "result": {"stats": {"count": "250"}}
    }
    reply = stocked.call(
        "GET",
        f"/api/now/stats/{CENTERS}",
        params={
            "sysparm_count": "true",
            "sysparm_query": "code<010",
            "sysparm_group_by": "name",
            "sysparm_max_fields": "code",
        },
    )
    assert reply.json()["result"][0] == {
        "stats": {"count": "2", "max": {"code": "007"}},
        "groupby_fields": [{"field": "name", "value": "Center 0"}],
    }


def test_aggregates_sum_money_in_the_reference_currency(api):
    api.masters()
    api.invoice("Invoice/1", u_amount_invoiced="1000")
    api.invoice("Invoice/2", u_amount_invoiced="EUR;1000")
    reply = api.call("GET", "/api/now/stats/sn_shop_invoice?sysparm_sum_fields=amount_invoiced")
    assert float(reply.json()["result"]["stats"]["sum"]["amount_invoiced"]) == 95 + 1080


def test_a_sleeping_instance_answers_200_with_a_page(api):
    api.sim.configure(hibernating=True)
    reply = api.reply(CENTERS)
    assert (reply.status_code, reply.headers["Content-Type"].split(";")[0]) == (200, "text/html")
    assert "hibernating" in reply.text


def test_a_read_that_takes_too_long_is_200_with_broken_json(start):
    api = start(Installation(slow_above=3))
    assert len(api.list("sn_fin_legal_entity")) == 3
    reply = api.reply("sn_fin_fx_currency")
    assert reply.status_code == 200
    assert "Transaction cancelled: maximum execution time exceeded" in reply.text
    with pytest.raises(ValueError, match=r"delimiter|Expecting|Extra"):
        reply.json()
    assert len(api.list("sn_fin_fx_currency", limit=2)) == 2


def test_rest_acls_ask_for_a_role(api):
    api.sim.configure(rest_api_acls=True)
    assert api.reply(CENTERS).status_code == 200
    api.sim.roles().discard("rest_service")
    assert api.reply(CENTERS).status_code == 403
