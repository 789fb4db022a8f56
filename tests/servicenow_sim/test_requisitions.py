"""Purchase requisitions: their columns, money and lines, and what people do with them."""

import pytest
import requests

NO, SE = "visma:NO01", "visma:SE01"
HEADERS, LINES = "sn_shop_purchase_requisition", "sn_shop_purchase_line"
CHAIR = {"item": "CHAIR-01", "product_name": "Office chair", "quantity": 2, "unit_price": "150.25", "uom": "EA"}


def edit(api, kind, **arguments):
    return requests.post(f"{api.sim.url}/_sim/edit", json={"edit": kind, **arguments}, timeout=10)


@pytest.fixture(scope="module")
def stocked(shared):
    shared.masters(NO)
    return shared


def test_the_seed_has_no_approved_request(shared):
    rows = shared.list(HEADERS, "ORDERBYnumber", fields="number,status,total_amount.amount,total_amount.currency")
    assert [row["status"] for row in rows[:3]] == ["draft", "pending_approval", "canceled"]
    assert rows[0]["total_amount.amount"] == "1389.00"
    assert not shared.list(HEADERS, "status=approved^supplierISEMPTY")


def test_a_request_is_an_approved_requisition_with_lines(stocked):
    line = {**CHAIR, "cost_center": "110", "gl_account": "4000", "expected_delivery_date": "2026-11-20"}
    told = edit(stocked, "request", supplier_number="50001", lines=[line, CHAIR], short_description="Chairs").json()
    fields = "number,status,approval,supplier.supplier_number,supplier.erp_source,total_amount.amount,erp_source"
    (row,) = stocked.list(HEADERS, f"sys_id={told['sys_id']}", fields=fields)
    assert row == {
        "number": told["number"],
        "status": "approved",
        "approval": "approved",
        "supplier.supplier_number": "50001",
        "supplier.erp_source": NO,
        "total_amount.amount": "601.00",
        "erp_source": NO,
    }
    names = "line_number,product_number,product_name,purchased_quantity,uom,unit_price.amount,unit_price.currency"
    dotted = "total_line_amount.amount,cost_center.code,ledger_account.gl_account,expected_delivery_date"
    query = f"purchase_requisition={told['sys_id']}^ORDERBYline_number"
    first, second = stocked.list(LINES, query, fields=f"{names},{dotted}")
    assert first == {
        "line_number": "1",
        "product_number": "CHAIR-01",
        "product_name": "Office chair",
        "purchased_quantity": "2",
        "uom": "EA",
        "unit_price.amount": "150.25",
        "unit_price.currency": "USD",
        "total_line_amount.amount": "300.50",
        "cost_center.code": "110",
        "ledger_account.gl_account": "4000",
        "expected_delivery_date": "2026-11-20",
    }
    assert (second["line_number"], second["cost_center.code"]) == ("2", "")
    assert [line["line_number"] for line in told["lines"]] == ["1", "2"]


def test_plain_money_is_an_instance_and_a_reference_a_link(stocked):
    told = stocked.sim.request("50001", [CHAIR], currency="NOK")
    (row,) = stocked.list(HEADERS, f"sys_id={told['sys_id']}")
    (money,) = stocked.list("fx_currency2_instance", f"sys_id={row['total_amount']}")
    assert (money["amount"], money["currency"], money["table"]) == ("300.50", "NOK", HEADERS)
    assert row["supplier"].keys() == {"link", "value"}
    (shown,) = stocked.list(LINES, f"purchase_requisition={told['sys_id']}", fields="unit_price", display_value="all")
    assert shown["unit_price"]["display_value"] == "NOK 150.25"


def test_a_request_needs_what_it_names(stocked):
    assert "no suppliers" in edit(stocked, "request", supplier_number="none", lines=[CHAIR]).json()["message"]
    wrong = {**CHAIR, "cost_center": "nowhere"}
    refused = edit(stocked, "request", supplier_number="50001", lines=[wrong])
    assert (refused.status_code, "cmn_cost_center has no row nowhere" in refused.text) == (400, True)


def test_a_number_of_two_companies_needs_its_erp_source(api):
    api.masters(NO)
    api.masters(SE)
    assert edit(api, "request", supplier_number="50001", lines=[CHAIR]).status_code == 400
    told = edit(api, "request", supplier_number="50001", erp_source=SE, lines=[{**CHAIR, "cost_center": "110"}]).json()
    (line,) = api.list(LINES, f"purchase_requisition={told['sys_id']}", fields="cost_center.erp_source")
    assert line == {"cost_center.erp_source": SE}


def test_each_change_moves_the_stamps_of_what_it_changed(stocked):
    told = stocked.sim.request("50001", [CHAIR], status="pending_approval")

    def stamps(table, key):
        return [
            row["sys_updated_on"] for row in stocked.list(table, f"{key}={told['sys_id']}", fields="sys_updated_on")
        ]

    header, line = stamps(HEADERS, "sys_id"), stamps(LINES, "purchase_requisition")
    edit(stocked, "approve_request", request=told["number"])
    approved = stamps(HEADERS, "sys_id")
    assert approved > header
    edit(stocked, "change_request", request=told["sys_id"], lines=[{"line_number": 1, "uom": "BOX"}])
    assert stamps(HEADERS, "sys_id") == approved  # a line's own change is not the header's
    assert stamps(LINES, "purchase_requisition") > line
    lines = [{"line_number": 1, "quantity": 3}, {"line_number": 2, "item": "LAMP", "quantity": 1, "unit_price": 10}]
    edit(stocked, "change_request", request=told["sys_id"], short_description="More", lines=lines)
    assert stamps(HEADERS, "sys_id") > approved
    (row,) = stocked.list(HEADERS, f"sys_id={told['sys_id']}", fields="short_description,total_amount.amount")
    assert row == {"short_description": "More", "total_amount.amount": "460.75"}
    edit(stocked, "cancel_request", request=told["number"])
    assert stocked.list(HEADERS, f"sys_id={told['sys_id']}", fields="status") == [{"status": "canceled"}]
    assert edit(stocked, "cancel_request", request="PR9").status_code == 400


def test_inherited_columns_of_a_line_stand_under_the_parent(shared):
    def listed(table):
        return {row["element"]: row["internal_type"] for row in shared.list("sys_dictionary", f"name={table}")}

    assert listed("sn_shop_line")["unit_price"] == "currency2"
    assert "unit_price" not in listed(LINES)
    assert listed(LINES)["purchase_requisition"] == "reference"
    assert (listed(HEADERS)["total_amount"], listed(HEADERS)["status"]) == ("currency2", "choice")


def test_suppliers_have_what_they_are_matched_by(api):
    api.load("sn_fcms_intg_imp_supplier", erp_source=NO, supplier_number="1", registration_number="987654321")
    values = {"supplier_number": "2", "tax_id": "NO1", "registration_number": "912345678", "country": "Norway"}
    edit(api, "add", table="sn_fin_supplier", **values, erp_source=SE)
    rows = api.list("sn_fin_supplier", "ORDERBYsupplier_number", fields="registration_number,tax_id,country,erp_source")
    assert rows == [
        {"registration_number": "987654321", "tax_id": "", "country": "", "erp_source": NO},
        {"registration_number": "912345678", "tax_id": "NO1", "country": "Norway", "erp_source": SE},
    ]
