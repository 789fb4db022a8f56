"""Table API writes."""

from ml_connector_simulators.servicenow import READER, WRITER

CENTERS = "/api/now/table/cmn_cost_center"
DENIED_INSERT = {
    "error": {"message": "Operation Failed", "detail": "ACL Exception Insert Failed due to security constraints"},
    "status": "failure",
}


def test_create_change_delete(api):
    created = api.call("POST", CENTERS, json={"code": "110", "name": "Sales", "unknown": "x"})
    assert created.status_code == 201
    sys_id = created.json()["result"]["sys_id"]
    assert created.headers["Location"] == f"{api.sim.url}{CENTERS}/{sys_id}"
    api.sim.clock.advance(60)
    changed = api.call("PATCH", f"{CENTERS}/{sys_id}", json={"name": "Sale", "valid_to": "2026-12-31"})
    row = changed.json()["result"]
    assert (row["name"], row["valid_to"], row["code"], row["sys_mod_count"]) == ("Sale", "2026-12-31", "110", "1")
    assert row["sys_updated_on"] > row["sys_created_on"]
    assert row["sys_updated_by"] == "integration.user"
    assert api.call("DELETE", f"{CENTERS}/{sys_id}").status_code == 204
    assert api.call("PUT", f"{CENTERS}/{sys_id}", json={}).status_code == 404
    assert api.sim.table("cmn_cost_center") == []


def test_a_change_of_nothing_keeps_the_stamps(api):
    sys_id = api.call("POST", CENTERS, json={"code": "110"}).json()["result"]["sys_id"]
    row = api.call("PATCH", f"{CENTERS}/{sys_id}", json={"code": "110"}).json()["result"]
    assert row["sys_mod_count"] == "0"


def test_values_are_cut_and_typed(api):
    row = api.call(
        "POST", CENTERS, json={"code": "x" * 300, "valid_from": "last week", "name": {"a": {"b": 1}}}
    ).json()["result"]
    assert (row["code"], row["valid_from"], row["name"]) == ("x" * 100, "", "{a={b=1}}")


def test_money_is_entered_with_its_currency_or_in_the_callers(api):
    api.call("POST", "/api/now/table/sn_shop_purchase_order", json={"total_amount": "SEK;99.90"})
    api.call("POST", "/api/now/table/sn_shop_purchase_order", json={"total_amount": "1,000.50"})
    assert {str(total) for total in api.sim.sums("sn_shop_purchase_order", "total_amount").values()} == {
        "99.90",
        "1000.50",
    }
    assert api.sim.sums("sn_shop_purchase_order", "total_amount").keys() == {"SEK", "USD"}


def test_a_decimal_comma_multiplies_by_a_hundred(api):
    api.call("POST", "/api/now/table/sn_shop_purchase_order", json={"total_amount": "EUR;1234,56"})
    assert {key: str(value) for key, value in api.sim.sums("sn_shop_purchase_order", "total_amount").items()} == {
        "EUR": "123456"
    }


def test_a_changed_amount_keeps_its_instance_row(api):
    orders = "/api/now/table/sn_shop_purchase_order"
    first = api.call("POST", orders, json={"total_amount": "EUR;1"}).json()["result"]
    second = api.call("PATCH", f"{orders}/{first['sys_id']}", json={"total_amount": "EUR;2"}).json()["result"]
    assert second["total_amount"] == first["total_amount"]
    assert [row["amount"] for row in api.list("fx_currency2_instance", "table=sn_shop_purchase_order")] == ["2"]


def test_a_reference_is_given_by_sys_id_or_on_request_by_display_value(api):
    entity = api.sim.table("sn_fin_legal_entity", erp_company_code="NO01")[0]["sys_id"]
    by_id = api.call("POST", CENTERS, json={"legal_entity": entity}).json()["result"]
    assert by_id["legal_entity"]["value"] == entity
    by_name = api.call(
        "POST", f"{CENTERS}?sysparm_input_display_value=true", json={"legal_entity": "Nordlys Handel AS"}
    )
    assert by_name.json()["result"]["legal_entity"]["value"] == entity


def test_the_chart_of_accounts_takes_no_direct_post_from_anyone(api):
    api.session.auth = ("admin", "demo-sn-admin-password")
    reply = api.call("POST", "/api/now/table/sn_fin_gl_account", json={"gl_account": "4000"})
    assert (reply.status_code, reply.json()) == (403, DENIED_INSERT)


def test_without_the_role_nothing_is_written(api):
    sys_id = api.call("POST", CENTERS, json={"code": "110"}).json()["result"]["sys_id"]
    api.sim.roles().discard(WRITER)
    assert api.call("POST", CENTERS, json={"code": "120"}).json() == DENIED_INSERT
    assert api.call("PATCH", f"{CENTERS}/{sys_id}", json={"code": "120"}).status_code == 403
    assert api.call("DELETE", f"{CENTERS}/{sys_id}").status_code == 403
    assert [row["code"] for row in api.sim.table("cmn_cost_center")] == ["110"]


def test_a_row_that_may_be_created_but_not_read_is_written_and_answered_403(api):
    api.sim.roles().discard(READER)
    assert api.call("POST", CENTERS, json={"code": "110"}).status_code == 403
    assert [row["code"] for row in api.sim.table("cmn_cost_center")] == ["110"]


def test_a_column_that_may_not_be_written_is_left_out(api):
    api.sim.restrict("create", "cmn_cost_center", column="name")
    row = api.call("POST", CENTERS, json={"code": "110", "name": "Sales"}).json()["result"]
    assert (row["code"], row["name"]) == ("110", "")


def test_what_is_no_json_object_is_refused(api):
    assert api.call("POST", CENTERS, data="{", headers={"Content-Type": "application/json"}).status_code == 400
    assert api.call("POST", CENTERS, json=[1]).status_code == 400
    assert api.call("POST", CENTERS, data="code=1").status_code == 415
    assert api.sim.table("cmn_cost_center") == []


def test_an_abstract_table_takes_no_rows(api):
    assert api.call("POST", "/api/now/table/sn_fin_base_invoice", json={}).status_code == 403
