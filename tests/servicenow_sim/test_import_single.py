"""Single import posts: staged, transformed, answered in one call."""

import pytest
from ml_connector_simulators.servicenow import READER, Installation

CENTER = "sn_fcms_intg_imp_cost_center"
INVOICE = "sn_spend_intg_imp_invoice"
LINE = "sn_spend_intg_imp_invoice_line"
NO, SE = "visma:NO01", "visma:SE01"


def center(api, **columns):
    return api.load(CENTER, **{"erp_source": NO, "code": "110", "name": "Sales", **columns})


def test_inserted_ignored_updated(api):
    first = center(api)
    sys_id = api.sim.table("cmn_cost_center")[0]["sys_id"]
    assert first == {
        "transform_map": "Master data cost center",
        "table": "cmn_cost_center",
        "display_name": "name",
        "display_value": "Sales",
        "record_link": f"{api.sim.url}/api/now/table/cmn_cost_center/{sys_id}",
        "status": "inserted",
        "sys_id": sys_id,
    }
    again = center(api)
    assert (again["status"], again["status_message"], again["sys_id"]) == (
        "ignored",
        "No field values changed",
        sys_id,
    )
    changed = center(api, name="Sale")
    assert (changed["status"], changed["display_value"], changed["sys_id"]) == ("updated", "Sale", sys_id)
    assert len(api.sim.table("cmn_cost_center")) == 1


def test_posts_of_a_day_share_an_import_set_and_number_their_rows(api):
    center(api)
    center(api, code="120")
    assert [row["sys_import_row"] for row in api.sim.table(CENTER)] == ["0", "1"]
    (import_set,) = api.sim.table("sys_import_set")
    assert (import_set["mode"], import_set["table_name"]) == ("synchronous", CENTER)
    api.sim.clock.advance(24 * 3600)
    center(api, code="130")
    assert len(api.sim.table("sys_import_set")) == 2


def test_coalesce_is_on_all_its_columns_and_ignores_case(api):
    center(api, code="abc")
    assert center(api, code="ABC")["status"] == "ignored"
    assert center(api, code="ABC", name="Other")["status"] == "updated"
    assert api.sim.table("cmn_cost_center")[0]["code"] == "abc"
    assert center(api, code="abc", erp_source=SE)["status"] == "inserted"


def test_empty_coalesce_values_are_skipped_and_name_the_staging_row(api):
    result = api.load(CENTER, name="Nobody")
    assert (result["status"], result["sys_id"]) == ("skipped", api.sim.table(CENTER)[0]["sys_id"])
    assert api.sim.table("cmn_cost_center") == []
    (transform_map,) = api.sim.table("sys_transform_map", source_table=CENTER)
    api.sim.update("sys_transform_map", transform_map["sys_id"], create_new_record_on_empty_coalesce="true")
    assert api.load(CENTER, name="Nobody")["status"] == "inserted"


def test_without_coalesce_every_post_is_a_new_record(start):
    api = start(Installation(without_coalesce=frozenset({CENTER})))
    assert [center(api)["status"] for _ in range(3)] == ["inserted"] * 3


def test_several_matches_change_the_first(api):
    for name in ("first", "second"):
        api.call("POST", "/api/now/table/cmn_cost_center", json={"erp_source": NO, "code": "110", "name": name})
    assert center(api, name="changed")["status"] == "updated"
    assert [row["name"] for row in api.sim.table("cmn_cost_center")] == ["changed", "second"]


def test_an_empty_value_keeps_and_the_word_null_clears(api):
    center(api, valid_to="2026-12-31", account_number="1")
    assert center(api, valid_to="", account_number="")["status"] == "ignored"
    assert center(api, name="NULL", valid_to="NULL")["status"] == "updated"
    (row,) = api.sim.table("cmn_cost_center")
    assert (row["name"], row["valid_to"], row["account_number"]) == ("", "", "1")


def test_a_map_may_copy_empty_fields(api):
    center(api, account_number="1")
    (transform_map,) = api.sim.table("sys_transform_map", source_table=CENTER)
    api.sim.update("sys_transform_map", transform_map["sys_id"], copy_empty_fields="true")
    center(api, account_number="")
    assert api.sim.table("cmn_cost_center")[0]["account_number"] == ""


def test_long_values_are_cut_without_a_word(start):
    api = start(Installation(max_lengths={(CENTER, "name"): 10}))
    assert center(api, name="A very long name")["status"] == "inserted"
    assert api.sim.table("cmn_cost_center")[0]["name"] == "A very lon"
    center(api, code="120", account_number="9" * 50)
    assert api.sim.table("cmn_cost_center", code="120")[0]["account_number"] == "9" * 40


def test_a_row_over_8126_bytes_is_refused(api):
    table = "sn_fcms_intg_imp_supplier"
    whole = {
        "erp_source": NO,
        "supplier_number": "1",
        "long_description": "å" * 4000,
        "short_description": "b",
        "url": "c" * 26,
    }
    whole["url"] = "c" * (8126 - sum(len(value.encode()) for name, value in whole.items() if name != "url"))
    assert api.post(table, whole).status_code == 201
    reply = api.post(table, {**whole, "short_description": "bb"})
    assert (reply.status_code, reply.json()["error"]["message"]) == (500, "Row size too large")
    assert len(api.sim.table(table)) == 1


def test_values_that_are_no_texts(api):
    center(api, code=110, name={"no": {"short": "Salg"}}, available_for_user=True, profit_center=None)
    (row,) = api.sim.table(CENTER)
    assert (row["code"], row["name"], row["available_for_user"], row["profit_center"]) == (
        "110",
        "{no={short=Salg}}",
        "true",
        "",
    )


def test_of_an_array_only_the_first_element_is_used(api):
    reply = api.post(CENTER, [{"erp_source": NO, "code": "110"}, {"erp_source": NO, "code": "120"}])
    assert len(reply.json()["result"]) == 1
    assert [row["code"] for row in api.sim.table(CENTER)] == ["110"]


def test_labels_instead_of_names_store_a_blank_row(api):
    result = api.load(CENTER, **{"ERP source": NO, "Code": "110"})
    assert result["status"] == "skipped"
    assert api.sim.table(CENTER)[0]["code"] == ""


def test_references_are_resolved_by_code_within_the_erp_source(api):
    api.masters(NO)
    api.masters(SE)
    api.invoice("Invoice/1")
    api.invoice("Invoice/1", u_erp_source=SE)
    found = api.list(
        "sn_shop_invoice", "ORDERBYerp_source", fields="erp_source,supplier.legal_name,supplier.erp_source"
    )
    assert [row["supplier.erp_source"] for row in found] == [NO, SE]


def test_a_rejected_reference_is_error_100(api):
    api.masters(SE)  # the code exists, in the other company
    result = api.invoice()
    assert (result["status"], result["error_message"]) == ("error", "Reference value rejected for supplier: 50001")
    assert api.sim.table("sn_shop_invoice") == []
    (row,) = api.sim.table(INVOICE)
    (error,) = api.sim.table("sys_import_set_row_error")
    assert (row["sys_import_state"], row["sys_row_error"], row["u_integration_status"]) == (
        "error",
        error["sys_id"],
        "Failed",
    )
    assert (error["error_code"], error["row"], error["field"]) == ("100", row["sys_id"], "supplier")


def test_a_line_before_its_invoice_is_rejected_and_taken_later(api):
    api.masters()
    line = {
        "u_erp_source": NO,
        "u_external_invoice_number": "Invoice/1",
        "u_erp_line_number": "1",
        "u_subtotal": "100.00",
        "u_currency": "NOK",
        "u_gl_account": "4000",
        "u_cost_center": "110",
    }
    assert api.load(LINE, **line)["status"] == "error"
    api.invoice()
    assert api.load(LINE, **line)["status"] == "inserted"
    (found,) = api.list(
        "sn_shop_invoice_line",
        fields="invoice.external_invoice_number,ledger_account.gl_account,cost_center.code,sub_total.amount",
    )
    assert found == {
        "invoice.external_invoice_number": "Invoice/1",
        "ledger_account.gl_account": "4000",
        "cost_center.code": "110",
        "sub_total.amount": "100.00",
    }
    assert api.load(LINE, **{**line, "u_cost_center": "990"})["error_message"].endswith("cost_center: 990")


@pytest.mark.parametrize(("action", "status", "suppliers"), [("ignore", "inserted", 0), ("create", "inserted", 1)])
def test_a_missing_reference_by_policy(start, action, status, suppliers):
    api = start(Installation(choice_actions={(INVOICE, "u_supplier"): action}))
    assert api.invoice()["status"] == status
    assert len(api.sim.table("sn_fin_supplier")) == suppliers
    assert bool(api.sim.table("sn_shop_invoice")[0]["supplier"]) == bool(suppliers)


@pytest.mark.parametrize(("action", "status", "stored"), [("reject", "error", None), ("ignore", "inserted", "draft")])
def test_a_missing_choice_by_policy(start, action, status, stored):
    api = start(Installation(choice_actions={("sn_fcms_intg_imp_order", "po_status"): action}))
    api.masters()
    order = {"erp_source": NO, "erp_po_number": "1", "supplier_number": "50001"}
    result = api.load("sn_fcms_intg_imp_order", **order, po_status="Melted")
    assert result["status"] == status
    if stored is None:
        assert api.sim.table("sys_import_set_row_error")[0]["error_code"] == "200"
    else:
        assert api.sim.table("sn_shop_purchase_order")[0]["status"] == stored


def test_a_choice_is_known_by_value_and_by_label(api):
    api.masters()
    for number, status in enumerate(("Partially received", "partially_received")):
        order = {"erp_source": NO, "erp_po_number": str(number), "supplier_number": "50001", "po_status": status}
        assert api.load("sn_fcms_intg_imp_order", **order)["status"] == "inserted"
    assert {row["status"] for row in api.sim.table("sn_shop_purchase_order")} == {"partially_received"}


def test_an_unknown_erp_source_is_rejected(api):
    assert center(api, erp_source="visma:XX99")["error_message"] == "ERP source visma:XX99 does not exist"


def test_amounts_take_the_rows_currency_their_own_or_the_locales(api):
    api.masters()
    api.invoice("Invoice/1", u_amount_invoiced="100.10", u_currency="NOK")
    api.invoice("Invoice/2", u_amount_invoiced="SEK;200.20", u_currency="NOK")
    api.invoice("Invoice/3", u_amount_invoiced="300.30", u_currency="")
    assert {key: str(total) for key, total in api.sim.sums("sn_shop_invoice", "amount_invoiced").items()} == {
        "NOK": "100.10",
        "SEK": "200.20",
        "USD": "300.30",
    }
    assert api.invoice("Invoice/1", u_amount_invoiced="100.10", u_currency="NOK")["status"] == "ignored"
    assert api.invoice("Invoice/1", u_amount_invoiced="100.10", u_currency="EUR")["status"] == "updated"
    assert len(api.sim.table("fx_currency2_instance", field="amount_invoiced")) == 3


def test_a_new_invoice_is_a_draft_and_an_import_leaves_its_state_alone(api):
    api.masters()
    api.invoice()
    (row,) = api.sim.table("sn_shop_invoice")
    assert (row["state"], row["number"]) == ("draft", "INV0001001")
    api.sim.update("sn_shop_invoice", row["sys_id"], state="approved")
    api.invoice(u_amount_invoiced="99")
    (row,) = api.sim.table("sn_shop_invoice")
    assert (row["state"], row["amount_invoiced.amount"], row["sys_updated_by"]) == ("approved", "99", "system")


def test_no_active_map_stages_the_row_and_says_nothing(start):
    api = start(Installation(inactive_maps=frozenset({CENTER})))
    reply = api.post(CENTER, {"erp_source": NO, "code": "110"})
    assert (reply.status_code, reply.json()["result"]) == (201, [])
    assert api.sim.table(CENTER)[0]["sys_import_state"] == "pending"


def test_an_inactive_business_rule_answers_invalid_table(api):
    api.sim.configure(transform_synchronously=False)
    result = api.load(CENTER, erp_source=NO, code="110")
    assert result == {"transform_map": "", "status": "error", "error_message": "Invalid table "}
    assert api.sim.table("cmn_cost_center") == []


def test_without_the_role_import_transformer(api):
    api.sim.roles().discard("import_transformer")
    reply = api.post(CENTER, {"code": "110"})
    assert (reply.status_code, reply.json()["error"]["detail"]) == (403, "Failed API level ACL Validation")
    assert api.sim.table(CENTER) == []


def test_without_create_on_the_staging_table(api):
    api.sim.roles().discard("sn_fcms_intg.integration_user")
    assert api.post(CENTER, {"code": "110"}).status_code == 403
    assert api.sim.table(CENTER) == []


@pytest.mark.parametrize("unreadable", [CENTER, "cmn_cost_center"])
def test_a_row_whose_outcome_may_not_be_read_is_201_and_empty(api, unreadable):
    api.sim.restrict("read", unreadable)
    reply = api.post(CENTER, {"erp_source": NO, "code": "110"})
    assert (reply.status_code, reply.content) == (201, b"")
    assert api.sim.table(CENTER)[0]["sys_import_state"] == "inserted"


def test_a_write_only_user(start):
    api = start(Installation(without_roles=frozenset({READER})))
    assert api.post(CENTER, {"erp_source": NO, "code": "110"}).content == b""
    assert api.list(CENTER) == []
    assert api.list("sys_import_set") == []
    assert len(api.sim.table("cmn_cost_center")) == 1


def test_the_outcome_of_one_row_can_be_read_until_it_is_deleted(api):
    posted = api.post(CENTER, {"erp_source": NO, "code": "110"}).json()
    path = f"/api/now/import/{CENTER}/{api.sim.table(CENTER)[0]['sys_id']}"
    assert api.call("GET", path).json() == posted
    api.sim.clock.advance(8 * 24 * 3600)
    api.sim.delete_old_imports()
    assert api.call("GET", path).status_code == 404
    assert api.sim.table("sys_import_set") == []
    assert len(api.sim.table("cmn_cost_center")) == 1


def test_what_is_no_staging_table_is_refused(api):
    assert api.post("cmn_cost_center", {}).status_code == 400
    assert api.post("u_nowhere", {}).status_code == 400


def test_every_map_answers(api):
    store = api.sim.instance.store
    second = store.insert(
        "sys_transform_map",
        {"name": "Locations too", "source_table": CENTER, "target_table": "core_company", "order": "5"},
    )
    entry = {"map": second["sys_id"], "source_field": "name", "target_field": "name", "coalesce": "true"}
    store.insert("sys_transform_entry", entry)
    results = api.post(CENTER, {"erp_source": NO, "code": "110", "name": "Sales"}).json()["result"]
    assert [(it["transform_map"], it["table"], it["status"]) for it in results] == [
        ("Locations too", "core_company", "inserted"),
        ("Master data cost center", "cmn_cost_center", "inserted"),
    ]


def test_a_field_map_to_nowhere_is_error_800(api):
    (entry,) = api.sim.table("sys_transform_entry", target_field="profit_center")
    api.sim.update("sys_transform_entry", entry["sys_id"], target_field="u_gone")
    assert center(api)["status"] == "error"
    assert api.sim.table("sys_import_set_row_error")[0]["error_code"] == "800"
