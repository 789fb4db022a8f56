"""AP Invoice API: whole invoices accepted at once, processed later, told about in the log."""

import json
import os
from pathlib import Path

import pytest
import requests
from ml_connector_simulators.servicenow import Installation, RateLimit

NO = "visma:NO01"
PATH = "/api/sn_spend_intg/v1/ap_invoice/json"
LOG = "sn_spend_intg_invoice_integration_log"
MONEY = "amount_invoiced.amount,amount_invoiced.currency,subtotal.amount"
LINE = {
    "line_description": "Paper",
    "line_quantity": "4",
    "line_unit_price": "25.00",
    "subtotal": "100.00",
    "line_amount_invoiced": "100.00",
    "cost_center": "110",
    "gl_account": "4000",
    "uom": "BOX",
    "tax_details": [{"tax_type": "VAT", "tax_amount": "25.00", "tax_rate": "25"}],
}


def invoice(number="A-1", **values):
    return {
        "external_invoice_number": number,
        "supplier_invoice_number": number,
        "supplier": "50001",
        "invoice_date": "2026-10-03",
        "currency": "NOK",
        "subtotal": "200.00",
        "amount_invoiced": "250.00",
        "legal_entity": "NO01",
        "tax_details": [{"tax_type": "VAT", "tax_amount": "50.00", "tax_rate": ""}],
        "invoice_lines": [LINE, {**LINE, "line_description": "More paper"}],
        **values,
    }


def post(api, *invoices, source=NO, **extra):
    return api.call("POST", PATH, json={"invoices": invoices, **extra}, headers={"Source-System": source})


def outcome(api, *invoices, **options):
    """Post, process, and read the log of the batch."""
    reply = post(api, *invoices, **options)
    assert reply.status_code == 202, reply.text
    api.sim.process_imports()
    fields = "position,external_invoice_number,status,error_message,invoice.number"
    return api.list(LOG, f"batch_id={reply.json()['batchId']}^ORDERBYposition", fields=fields)


@pytest.fixture(scope="module")
def stocked(shared):
    shared.masters(NO)
    return shared


def test_a_batch_is_accepted_and_processed_as_it_is_polled(stocked):
    reply = post(stocked, invoice("P-1"))
    assert reply.status_code == 202
    assert reply.json() == {
        "batchId": reply.json()["batchId"],
        "status": "Success",
        "message": "Your request has been successfully received and is being processed.",
    }
    seen = [stocked.list(LOG, f"batch_id={reply.json()['batchId']}")[0]["status"] for _ in range(3)]
    assert seen == ["new", "in_progress", "processed"]


def test_an_invoice_becomes_a_record_with_lines_and_taxes_by_way_of_staging(stocked):
    (log,) = outcome(stocked, invoice("A-1"))
    assert (log["status"], log["error_message"], log["invoice.number"][:3]) == ("processed", "", "INV")
    query = "external_invoice_number=A-1"
    fields = f"state,type,supplier.supplier_number,legal_entity.erp_company_code,erp_source,inbound_source,{MONEY}"
    (row,) = stocked.list("sn_shop_invoice", query, fields=fields)
    assert row == {
        "state": "received",
        "type": "",
        "supplier.supplier_number": "50001",
        "legal_entity.erp_company_code": "NO01",
        "erp_source": NO,
        "inbound_source": NO,
        "amount_invoiced.amount": "250.00",
        "amount_invoiced.currency": "NOK",
        "subtotal.amount": "200.00",
    }
    lines = stocked.list(
        "sn_shop_invoice_line", f"{query}^ORDERBYerp_line_number", fields="line_description,erp_line_number"
    )
    assert [tuple(line.values()) for line in lines] == [("Paper", "1"), ("More paper", "2")]
    taxes = stocked.list(
        "sn_shop_invoice_tax_line", f"{query}^ORDERBYtax_line_number", fields="tax_line_number,supplier_tax.amount"
    )
    assert [tuple(tax.values()) for tax in taxes] == [("1", "50.00"), ("1.1", "25.00"), ("2.1", "25.00")]
    assert len(stocked.list("sn_spend_intg_imp_invoice", "u_external_invoice_number=A-1")) == 1


def test_one_bad_invoice_or_line_spoils_nothing_else(stocked):
    bad = invoice("B-2", supplier="nobody")
    half = invoice("B-3", invoice_lines=[LINE, {**LINE, "cost_center": "999"}])
    bare = invoice("B-4", invoice_date="", currency="")
    wrong_date = invoice("B-5", invoice_date="13/02/2026")
    logs = outcome(stocked, invoice("B-1"), bad, half, bare, wrong_date)
    assert [log["status"] for log in logs] == ["processed", "error", "error", "error", "error"]
    assert [log["position"] for log in logs] == ["1", "2", "3", "4", "5"]
    assert logs[1]["error_message"] == "Reference value rejected for supplier: nobody"
    assert logs[1]["invoice.number"] == ""
    assert logs[2]["error_message"] == "Line 2: Reference value rejected for cost_center: 999"
    assert logs[2]["invoice.number"]  # the header stands, and its first line
    assert logs[3]["error_message"] == "Mandatory fields are missing: invoice_date, currency"
    assert "13/02/2026" in logs[4]["error_message"]


def test_a_second_post_updates_and_the_erp_may_be_named_in_the_body(stocked):
    outcome(stocked, invoice("C-1"))
    lines = [{**LINE, "line_description": "Better paper"}]
    (log,) = outcome(
        stocked, invoice("C-1", amount_invoiced="300.00", invoice_lines=lines), source="Portal", target_erp=NO
    )
    assert log["status"] == "processed"
    (row,) = stocked.list("sn_shop_invoice", "external_invoice_number=C-1", fields=f"erp_source,{MONEY}")
    assert (row["erp_source"], row["amount_invoiced.amount"]) == (NO, "300.00")
    found = stocked.list(
        "sn_shop_invoice_line", "external_invoice_number=C-1^ORDERBYerp_line_number", fields="line_description"
    )
    assert [line["line_description"] for line in found] == ["Better paper", "More paper"]


def test_a_second_post_is_refused_where_the_instance_says_so(stocked):
    stocked.sim.configure(ap_invoice_duplicates="reject")
    outcome(stocked, invoice("D-1"))
    (log,) = outcome(stocked, invoice("D-1"))
    stocked.sim.configure(ap_invoice_duplicates="update")
    assert (log["status"], log["error_message"]) == ("error", "Duplicate invoice: D-1 exists already")


def test_another_invoice_of_the_same_supplier_number_is_a_suspected_duplicate(stocked):
    outcome(stocked, invoice("E-1"), invoice("E-2", supplier_invoice_number="E-1"))
    rows = stocked.list("sn_shop_invoice", "supplier_invoice_number=E-1^ORDERBYexternal_invoice_number", fields="state")
    assert [row["state"] for row in rows] == ["received", "suspected_duplicate"]


def test_amounts_and_dates_are_read_as_the_sample_writes_them(stocked):
    odd = {
        "invoice_date": "2nd June, 2021",
        "date_format": "DD MMMM, YYYY",
        "subtotal": "(100.00)",
        "amount_invoiced": "125.00-",
    }
    assert outcome(stocked, invoice("F-1", **odd))[0]["error_message"] == ""
    (row,) = stocked.list("sn_shop_invoice", "external_invoice_number=F-1", fields=f"invoice_date,{MONEY}")
    assert (row["invoice_date"], row["subtotal.amount"], row["amount_invoiced.amount"]) == (
        "2021-06-02",
        "-100.00",
        "-125.00",
    )


@pytest.mark.parametrize(
    ("form", "text"),
    [("DD-MM-YYYY", "03-10-2026"), ("mm-dd-yyyy", "10-03-2026"), ("", "10/03/2026"), ("", "2026-10-03")],
)
def test_a_date_has_the_format_it_names(stocked, form, text):
    outcome(stocked, invoice("F-2", invoice_date=text, date_format=form))
    assert stocked.list("sn_shop_invoice", "external_invoice_number=F-2", fields="invoice_date") == [
        {"invoice_date": "2026-10-03"}
    ]


def test_a_supplier_that_is_not_told_is_found_by_order_or_tax_id(stocked):
    supplier = stocked.sim.add(
        "sn_fin_supplier", supplier_number="60001", tax_id="NO9", erp_source=NO, legal_name="Ink"
    )
    stocked.sim.add("sn_shop_purchase_order", erp_number="PO7", erp_source=NO, supplier=supplier["sys_id"])
    found = {"purchase_order": "PO7"}, {"supplier_tax_id": "NO9"}
    logs = outcome(stocked, *(invoice(f"S-{n}", supplier="", **it) for n, it in enumerate((*found, {}))))
    assert [log["error_message"] for log in logs] == ["", "", "Mandatory fields are missing: supplier"]
    rows = stocked.list("sn_shop_invoice", "external_invoice_numberSTARTSWITHS-", fields="supplier.legal_name")
    assert rows == [{"supplier.legal_name": "Ink"}] * 2


def test_a_cost_center_is_given_by_account_number_or_code(stocked):
    stocked.sim.add("cmn_cost_center", code="120", account_number="A-120", erp_source=NO)
    outcome(stocked, invoice("G-1", invoice_lines=[{**LINE, "cost_center": "A-120"}]))
    (line,) = stocked.list("sn_shop_invoice_line", "external_invoice_number=G-1", fields="cost_center.code")
    assert line == {"cost_center.code": "120"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"invoices": []}', "Error: Empty invoices. No data to process."),
        (b'{"invoices": {}}', "Error: Invalid payload structure."),
        (b'{"invoices": [1]}', "Error: Invalid payload structure."),
        (b'{"invoices": [{"invoice_lines": [1]}]}', "Error: Invalid payload structure."),
        (b"[]", "Error: Invalid payload structure."),
        (b"{", "Error: Invalid payload structure."),
        (json.dumps({"invoices": [{}] * 101}).encode(), "Error: Payload exceeds allowed invoices limit in a batch."),
    ],
)
def test_a_bad_payload_is_refused_as_a_whole(stocked, body, error):
    headers = {"Source-System": NO, "Content-Type": "application/json"}
    reply = stocked.call("POST", PATH, data=body, headers=headers)
    assert (reply.status_code, reply.json()) == (400, {"error": f"Invalid payload - {error}", "status": "Fail"})


def test_header_type_role_and_method_count(api):
    xml = {"Source-System": NO, "Content-Type": "application/xml"}
    assert "Invalid content type" in api.call("POST", PATH, data="<a/>", headers=xml).text
    assert "Source-System" in api.call("POST", PATH, json={"invoices": [invoice()]}).text
    assert api.call("GET", PATH).status_code == 405
    assert api.call("POST", PATH.replace("json", "cxml"), json={}).status_code == 501
    assert post(api, invoice()).status_code == 202
    api.sim.roles().discard("sn_spend_intg.procurement_integrator")
    assert post(api, invoice()).status_code == 403


def test_the_hourly_rule_is_generous_until_one_says_otherwise(api):
    assert post(api, invoice()).headers["X-RateLimit-Limit"] == "500"
    edit = {"edit": "limit", "api": "APO Invoice Ingestion", "per_hour": 1}
    assert requests.post(f"{api.sim.url}/_sim/edit", json=edit, timeout=10).status_code == 200
    post(api, invoice())
    refused = post(api, invoice())
    assert refused.status_code == 429
    assert refused.json()["error"]["detail"] == "Rate limit of 1 requests per hour for APO Invoice Ingestion exceeded"
    assert int(refused.headers["Retry-After"]) <= 3600
    assert len(api.list(LOG)) == 2


def test_the_clock_processes_and_a_restart_loses_nothing(start, tmp_path):
    installation = Installation(imports="clock", rate_limits=[RateLimit(10, "APO Invoice Ingestion")])
    first = start(installation, data=tmp_path / "instance.db")
    first.masters(NO)
    post(first, invoice("H-1"))
    assert first.list("sn_shop_invoice") == []
    second = start(installation, data=tmp_path / "instance.db")
    second.sim.clock.advance(31)
    assert [row["status"] for row in second.list(LOG)] == ["processed"]
    assert len(second.list("sn_shop_invoice")) == 1


@pytest.mark.skipif(not os.environ.get("SPECS_DIR"), reason="SPECS_DIR names no folder of vendors' samples")
def test_the_answer_has_the_shape_of_the_vendors_own(api):
    sample = json.loads((Path(os.environ["SPECS_DIR"]) / "servicenow" / "ap_invoice_api.01.json").read_text())
    answer = post(api, invoice()).json()
    assert answer.keys() == sample.keys()
    assert (len(answer["batchId"]), answer["message"]) == (len(sample["batchId"]), sample["message"])
