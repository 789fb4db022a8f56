"""How an instance describes itself, and how installations differ."""

import pytest
from ml_connector_simulators.servicenow import Installation
from ml_connector_simulators.servicenow.tables import delivered

INVOICE = "sn_spend_intg_imp_invoice"
OFFICIAL = {
    INVOICE: "u_supplier u_invoice_date u_external_invoice_number u_supplier_invoice_number u_inbound_source "
    "u_invoice_type u_legal_entity u_payment_terms u_purchase_order u_business_owner u_currency u_amount_invoiced "
    "u_subtotal u_shipping_amount u_other_charges u_discounts u_original_invoice u_supplier_tax_id u_erp_number "
    "u_invoice_line_count u_date_format u_remit_address u_remit_to_city u_remit_to_state_or_province "
    "u_remit_to_zip_or_postal_code u_remit_to_country u_bill_to_street u_bill_to_city u_bill_to_state_or_province "
    "u_bill_to_zip_or_postal_code u_bill_to_country u_ship_to_street u_ship_from_city",
    "sn_spend_intg_imp_invoice_line": "u_external_invoice_number u_line_description u_line_quantity u_line_unit_price "
    "u_subtotal u_line_amount_invoiced u_purchase_order_line u_po_line_description u_cost_center u_gl_account "
    "u_tax_code u_tax_amount u_currency u_uom u_supplier_part_number u_ship_to_city",
    "sn_spend_intg_imp_invoice_tax_line": "u_tax_type u_tax_amount u_supplier_tax_rate",
}


def columns(api, table):
    return {row["element"]: row for row in api.list("sys_dictionary", f"name={table}")}


def test_the_instance_tells_its_identity(shared):
    (row,) = shared.list("sys_properties", "name=instance_name", fields="value")
    assert row == {"value": "mlconnectordemo"}
    assert shared.list("sys_properties", "name=instance_id")[0]["value"]


@pytest.mark.parametrize("table", OFFICIAL)
def test_invoice_staging_columns_have_their_official_names(shared, table):
    assert set(OFFICIAL[table].split()) <= columns(shared, table).keys()


def test_labels_stand_beside_the_names(shared):
    found = columns(shared, "sn_fcms_intg_imp_supplier")
    assert found["supplier_number"]["column_label"] == "Supplier number"
    assert found["reconciliation_account_in_general_ledger"]["column_label"] == "General ledger account"
    official = columns(shared, INVOICE)["u_ship_to_state_or_province"]
    assert (official["column_label"], official["mandatory"]) == ("Ship to state/province", "false")
    assert columns(shared, INVOICE)["u_supplier"]["mandatory"] == "true"


def test_an_inherited_column_stands_under_its_parent_only(shared):
    assert "state" not in columns(shared, "sn_shop_invoice")
    assert columns(shared, "sn_fin_base_invoice")["state"]["internal_type"] == "choice"
    assert columns(shared, "sn_fin_base_invoice")["supplier"]["reference"] == "sn_fin_supplier"
    (table,) = shared.list("sys_db_object", "name=sn_shop_invoice", fields="super_class.name,label")
    assert table == {"super_class.name": "sn_fin_base_invoice", "label": "Invoices"}
    assert "sys_import_state" in columns(shared, "sys_import_set_row")
    assert columns(shared, INVOICE)[""]["internal_type"] == "collection"


def test_choices_are_listed(shared):
    found = shared.list("sys_choice", "name=sn_fin_base_invoice^element=state", fields="value")
    assert {"draft", "approved", "paid", "pending_payment"} <= {row["value"] for row in found}


def test_maps_and_coalesce_can_be_read(shared):
    (transform_map,) = shared.list("sys_transform_map", f"source_table={INVOICE}^active=true")
    entries = shared.list("sys_transform_entry", f"map={transform_map['sys_id']}^coalesce=true", fields="source_field")
    assert {row["source_field"] for row in entries} == {"u_erp_source", "u_external_invoice_number"}


def test_the_dictionary_needs_a_role(api):
    api.sim.roles().discard("personalize_dictionary")
    assert api.list("sys_dictionary", f"name={INVOICE}") == []
    api.sim.roles().discard("import_transformer")
    assert api.list("sys_transform_map") == []


def test_an_installation_renames_shortens_and_lacks(start):
    api = start(
        Installation(
            absent=frozenset({"sn_apo_invoice", "proc_po"}),
            renamed={(INVOICE, "u_supplier"): "u_vendor", ("cmn_cost_center", "code"): "cc_code"},
            max_lengths={(INVOICE, "u_supplier_invoice_number"): 5},
        )
    )
    found = columns(api, INVOICE)
    assert (found["u_vendor"]["column_label"], "u_supplier" in found) == ("Supplier", False)
    assert found["u_supplier_invoice_number"]["max_length"] == "5"
    assert api.reply("proc_po").status_code == 400
    assert api.list("sys_db_object", "name=sn_apo_invoice") == []
    assert api.list("sys_transform_map", "source_table=sn_apo_invoice") == []
    api.load("sn_fcms_intg_imp_cost_center", erp_source="visma:NO01", code="110")
    assert api.sim.table("cmn_cost_center")[0]["cc_code"] == "110"


def test_an_installation_without_parents_children_starts(start):
    api = start(Installation(absent=frozenset({"sn_shop_invoice", "sn_apo_ap_invoice"})))
    assert api.list("sn_fin_base_invoice") == []


def test_every_delivered_map_leads_somewhere():
    schema = delivered()
    for it in schema.maps:
        source, target = schema.columns(it.source), schema.columns(it.target)
        for field_map in it.fields:
            assert field_map.source in source, (it.name, field_map)
            assert field_map.target in target, (it.name, field_map)
            assert not field_map.by or field_map.by in schema.columns(target[field_map.target].reference)
            assert bool(field_map.by) == bool(target[field_map.target].reference), (it.name, field_map)
            assert not field_map.currency_from or field_map.currency_from in source
            assert (target[field_map.target].type == "currency2") == bool(field_map.currency_from), (it.name, field_map)
        assert len([it for it in it.fields if it.coalesce]) >= 2, it.name


def test_every_reference_names_a_table():
    schema = delivered()
    for table in schema.tables:
        assert all(not it.reference or it.reference in schema for it in schema.columns(table).values()), table


def test_the_table_set_of_the_brief_takes_an_invoice(api):
    shared_columns = {"erp_source": "visma:NO01"}
    accounts = {**shared_columns, "number": "71", "account": "4000"}
    assert api.call("POST", "/api/now/table/itfm_gl_accounts", json=accounts).status_code == 201
    api.call("POST", "/api/now/table/cmn_cost_center", json={**shared_columns, "code": "110"})
    supplier = {**shared_columns, "supplier_number": "50001", "legal_name": "Paper"}
    assert api.load("sn_s2p_supplier_inbound_staging", **supplier)["status"] == "inserted"
    key = {**shared_columns, "external_invoice_number": "Invoice/1"}
    assert api.load("sn_apo_invoice", **key, supplier="50001", currency="SEK", subtotal="80")["status"] == "inserted"
    line = {
        **key,
        "erp_line_number": "1",
        "gl_account": "4000",
        "cost_center": "110",
        "currency": "SEK",
        "subtotal": "80",
    }
    assert api.load("sn_apo_invoice_line", **line)["status"] == "inserted"
    tax = {**key, "tax_line_number": "1", "supplier_tax": "20", "currency": "SEK"}
    assert api.load("sn_apo_invoice_tax_line", **tax)["status"] == "inserted"
    assert {str(total) for total in api.sim.sums("sn_apo_ap_invoice_line", "sub_total").values()} == {"80"}
