"""Acumatica's documents through the shipped maps: what they mean, that they foot, and what of them is delivered."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_connector.errors import RecordParked, RecordRefused
from ml_connector.finance.records import CanonicalRecord
from ml_connector.mapping import check_maps, search_path
from target_acumatica.contract import Contract

from tests.mapping.acumatica import Bill, Document, Order, bill_line, check, left_out, mapped, shipped, target
from tests.mapping.maps import anything_goes
from tests.mapping.test_shipped_maps import expressions, figures

SPEC = Path(os.environ.get("SPECS_DIR", "/nonexistent")) / "acumatica" / "Default_24.200.001.openapi.json"
ENTITIES = {
    "gl_accounts": "Account",
    "tax_zones": "TaxZone",
    "stock_items": "StockItem",
    "projects": "Project",
    "vendors": "Vendor",
    "customers": "Customer",
    "purchase_orders": "PurchaseOrder",
    "purchase_receipts": "PurchaseReceipt",
    "bills": "Bill",
    "invoices": "Invoice",
    "checks": "Check",
    "journal_transactions": "JournalTransaction",
}
SERVICENOW = ("servicenow-s2p", "servicenow-apo")
LINES = st.lists(
    st.tuples(
        st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9).map(str),
        st.sampled_from([0, 7, 20]),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("name", [*SERVICENOW, "acumatica", "acumatica.example"])
@pytest.mark.parametrize("source", ["tap_acumatica", "tap_servicenow"])
def test_there_is_nothing_wrong_with_any_pair(source: str, name: str) -> None:
    findings = check_maps(source, name, search_path())
    assert [str(each) for each in findings if each.severity != "note"] == []


@pytest.mark.skipif(not SPEC.is_file(), reason="SPECS_DIR does not hold Acumatica's OpenAPI file")
def test_every_native_field_is_one_the_contract_has() -> None:
    import json  # noqa: PLC0415

    contract = Contract(json.loads(SPEC.read_text()))
    assert {*ENTITIES, "cost_centers"} == set(shipped("tap_acumatica").streams)
    unknown = []
    for stream, entity in ENTITIES.items():
        [stream_map] = shipped("tap_acumatica").streams[stream]
        for expression, row in expressions(stream_map, _fields(contract, entity)):
            paths = {path for path in expression.compiled.paths if path not in ("record", "_company")}
            fields = _fields(contract, entity)
            unknown += [
                f"{stream}: {path} ({expression.place})"
                for path in paths
                if not _has(fields if path.startswith("record.") else row, path.removeprefix("record."))
            ]
    assert unknown == []


def _fields(contract: Contract, entity: str) -> dict[str, Any]:
    found = contract.entity(entity)
    inside = {name: _fields(contract, kind) for name, kind in found.details.items() if name in _READ}
    linked = {name: _fields(contract, kind) for name, kind in found.linked.items() if name in _READ}
    # A choice of two lists is named by its whole text.
    return {**dict.fromkeys(found.fields, ""), **inside, **linked, **_choice(inside)}


_READ = ("Details", "TaxDetails", "History", "MainContact", "Address")


def _choice(inside: dict[str, Any]) -> dict[str, Any]:
    if "History" not in inside:
        return {}
    return {"History if len(History) > 0 else Details": {**inside["Details"], **inside["History"]}}


def _has(types: Any, path: str) -> bool:
    for name in path.split("."):
        if not isinstance(types, dict) or name not in types:
            return False
        types = types[name]
    return True


# bills


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        Bill, LINES, inclusive=st.booleans(), type=st.sampled_from(["Bill", "Debit Adj.", "Credit Adj.", "Prepayment"])
    )
)
def test_bills_foot_and_lose_nothing_on_their_way(bill: Bill) -> None:
    record = bill.map()
    assert abs(record.amount or 0) == abs(bill.total)
    told = [figures(name, target(name).rows(record, anything_goes)) for name in SERVICENOW]
    assert told[0] == told[1]
    sums = told[0]
    assert (sums["total"], sums["lines"], sums["taxes"]) == (bill.total, bill.detail, sum(bill.taxes))
    assert sums["net"] + sums["tax"] + sums["shipping"] + sums["other"] - sums["discounts"] == sums["total"]


@settings(max_examples=60, deadline=None)
@given(LINES, st.decimals(places=2, min_value=Decimal("0.01"), max_value=10**6))
def test_what_is_missing_is_refused_or_a_discount_if_the_tenant_grants_them(
    lines: list[tuple[str, int]], amount: Decimal
) -> None:
    for document, stream in ((Bill(lines), "bills"), (Order(lines), "purchase_orders")):
        total = {"bills": "Amount", "purchase_orders": "OrderTotal"}[stream]
        if amount in (sum(document.taxes), -sum(document.taxes)):
            continue  # tax inside the lines
        less, more = ({**document.record(), total: document.total + change} for change in (-amount, amount))
        for record in (less, more):
            with pytest.raises(RecordRefused, match="they differ by"):
                mapped(stream, record)
        granted = mapped(stream, less, discounts_granted=1)
        assert granted.fields["discount"] == amount
        with pytest.raises(RecordRefused, match="they differ by"):
            mapped(stream, more, discounts_granted=1)


def test_what_a_bill_means() -> None:
    record = Bill([("100.00", 20), ("60.00", 0)]).map()
    assert (record.business_key, record.title) == ("acumatica:US01:supplier_invoices:Bill/000123", "000123 V000001")
    assert (record.amount, record.currency, record.source_state) == (Decimal("180.00"), "USD", "open")
    assert (record.fields["period"], str(record.fields["posting_date"])) == ("2026-10", "2026-10-05")
    line = record.fields["lines"][0]
    assert (line["line_number"], line["description"], line["account"]) == ("1", "Paper", "61000")
    assert (line["purchase_order_key"], line["purchase_order_line"]) == ("Normal/PO000007", "2")
    assert record.duplicate_key == "acumatica:US01|V000001|a17|180|USD"


@pytest.mark.parametrize(
    ("native", "document_type", "sign"),
    [
        ("Bill", "invoice", 1),
        ("Debit Adj.", "credit_note", -1),
        ("Credit Adj.", "debit_note", 1),
        ("Prepayment", "prepayment", 1),
    ],
)
def test_types_of_bills(native: str, document_type: str, sign: int) -> None:
    record = Bill([("100.00", 0)], type=native).map()
    assert (record.document_type, record.amount) == (document_type, Decimal("100.00") * sign)


@pytest.mark.parametrize("native", ["Cash Purchase", "Prepmt. Invoice", "SomethingNew"])
def test_a_type_no_map_names_parks(native: str) -> None:
    with pytest.raises(RecordParked, match=f"what a {native} of supplier_invoices becomes"):
        target("servicenow-s2p").rows(Bill([("1.00", 0)], type=native).map(), anything_goes)


@pytest.mark.parametrize(
    ("status", "hold", "state"),
    [("Open", True, "draft"), ("Balanced", False, "draft"), ("Closed", False, "closed"), ("New One", False, "new one")],
)
def test_states_of_bills(status: str, hold: bool, state: str) -> None:
    assert Bill([("1.00", 0)], changes={"Status": status, "Hold": hold}).map().source_state == state


def test_a_bill_without_its_lines_is_refused() -> None:
    with pytest.raises(RecordRefused, match=r"they differ by 100\.00"):
        Bill([("100.00", 0)], changes={"Details": None}).map()


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({}, "ADM"),
        ({"cost_center_segment": "2"}, "000"),
        ({"cost_center_segment": 3}, "ADM-000"),
        ({"cost_center_segment": ""}, "ADM-000"),
        ({"subaccount_mask": "2-4"}, "AD"),
        ({"subaccount_separator": "0"}, "ADM-"),
        ({"cost_center_source": "cost_code"}, "0100"),
        ({"cost_center_source": "branch"}, "MAIN"),
    ],
)
def test_cost_centres_come_from_where_the_setting_says(variables: dict[str, Any], code: str) -> None:
    record = Bill([("1.00", 0)]).map(**variables)
    assert record.fields["lines"][0]["dimensions"] == {"cost_center": code}


def test_a_line_of_another_branch_parks() -> None:
    record = Bill([("1.00", 0)], changes={"Details": [bill_line("1.00", Branch="WEST")]}).map()
    with pytest.raises(RecordParked, match="belongs to WEST"):
        target("servicenow-s2p").rows(record, anything_goes)


# orders


@settings(max_examples=40, deadline=None)
@given(LINES, st.booleans())
def test_orders_foot(lines: list[tuple[str, int]], inclusive: bool) -> None:
    order: Document = Order(lines, inclusive=inclusive)
    record = mapped("purchase_orders", order.record())  # type: ignore[attr-defined]
    assert record.amount == order.total
    [header, *rows] = target("servicenow-s2p").rows(record, anything_goes)
    assert header.payload["PO amount"] == order.total
    assert sum(row.payload["Total line amount"] for row in rows) == order.detail


def test_an_order_tells_the_reference_it_was_written_with() -> None:
    record = mapped("purchase_orders", Order([("100.00", 0)]).record())
    assert record.business_key == "acumatica:US01:purchase_orders:Normal/PO000007"
    assert record.fields["supplier_reference"] == "PR0001/0123456789ab"


# payments


@pytest.mark.parametrize(
    ("native", "payment_type", "amount"),
    [
        ("Payment", "payment", "100.00"),
        ("Check", "payment", "100.00"),
        ("Prepayment", "prepayment", "100.00"),
        ("Refund", "refund", "-100.00"),
        ("Voided Payment", "void_payment", "-100.00"),
        ("Voided Check", "void_payment", "-100.00"),
        ("Voided Refund", "void_refund", "100.00"),
    ],
)
@pytest.mark.parametrize("told", ["100.00", "-100.00"])
def test_payments_and_what_voids_them(native: str, payment_type: str, amount: str, told: str) -> None:
    record = mapped("checks", check(Type=native, PaymentAmount=Decimal(told)))
    assert (record.fields["payment_type"], record.amount) == (payment_type, Decimal(amount))
    assert record.fields["applied"] == Decimal("100.00")


def test_a_voided_payment_and_its_void_come_to_nothing() -> None:
    void = [{"DocType": "Bill", "ReferenceNbr": "000123", "AmountPaid": Decimal("-100.00")}]
    records = [
        mapped("checks", check(Status="Voided")),
        mapped("checks", check(Type="Voided Payment", History=void, PaymentAmount=Decimal("-100.00"))),
    ]
    assert [record.source_state for record in records] == ["closed", "closed"]
    rows = [row for record in records for row in target("servicenow-s2p").rows(record, anything_goes)]
    assert [row.payload["Payment amount"] for row in rows] == [Decimal("100.00"), Decimal("-100.00")]


def test_a_payment_becomes_a_row_for_each_invoice_it_pays() -> None:
    history = [
        {"DocType": "Bill", "ReferenceNbr": "000123", "AmountPaid": Decimal("60.00")},
        {"DocType": "Credit Adj.", "ReferenceNbr": "000124", "AmountPaid": Decimal("40.00")},
    ]
    asked = []

    def resolver(*question: Any) -> str:
        asked.append(question[:2])
        return str(question[1])

    record = mapped("checks", check(History=history, Details=[{"DocType": "Bill", "ReferenceNbr": "1"}]))
    for name in SERVICENOW:
        rows = target(name).rows(record, resolver)
        assert [row.payload["ERP invoice number"] for row in rows] == ["000123", "000124"]
        assert [row.key["Third party import ID"] for row in rows] == ["Payment/000900/1", "Payment/000900/2"]
        assert rows[0].payload["Payment method"] == "cheque"
        assert rows[0].payload["Payment reference ID"] == "4711"
    assert set(asked) == {("invoice", "Bill/000123"), ("invoice", "Credit Adj./000124"), ("supplier", "V000001")}


def test_an_application_that_was_taken_back_counts_the_other_way() -> None:
    amounts = ("100.00", "-100.00", "40.00")
    history = [{"DocType": "Bill", "ReferenceNbr": "000123", "AmountPaid": Decimal(amount)} for amount in amounts]
    record = mapped("checks", check(History=history, UnappliedBalance=Decimal("60.00")))
    assert sum(line["amount"] for line in record.fields["lines"]) == record.fields["applied"] == Decimal("40.00")


def test_what_is_not_released_is_read_from_the_documents_to_apply() -> None:
    details = [{"DocType": "Bill", "ReferenceNbr": "000125", "AmountPaid": Decimal("10.00")}]
    record = mapped("checks", check(History=None, Details=details, UnappliedBalance=Decimal(90)))
    assert [line["document_key"] for line in record.fields["lines"]] == ["Bill/000125"]
    assert record.fields["applied"] == Decimal("10.00")


def test_a_debit_adjustment_among_the_payments_is_not_counted_twice() -> None:
    assert left_out("checks", check(Type="Debit Adj."), "tap_acumatica") == "credit_note_not_a_payment"


# the rest


def invoice(**changes: Any) -> dict[str, Any]:
    return {
        "_company": "US01",
        "Type": "Credit Memo",
        "ReferenceNbr": "000050",
        "Customer": "C000001",
        "Status": "Open",
        "Date": "2026-10-05",
        "Amount": Decimal("120.00"),
        "TaxTotal": Decimal("20.00"),
        "Details": [{"LineNbr": 1, "Amount": Decimal("100.00")}],
        **changes,
    }


def test_invoices_wait_until_somebody_says_their_currency() -> None:
    with pytest.raises(RecordParked) as parked:
        shipped("tap_acumatica").apply("invoices", invoice())
    assert parked.value.reason == "currency_not_told"
    assert mapped("invoices", invoice(), invoice_currency="USD").amount == Decimal("-120.00")
    own_endpoint = mapped("invoices", invoice(CurrencyID="EUR"), invoice_currency="USD")
    assert (own_endpoint.currency, own_endpoint.document_type) == ("EUR", "credit_note")


def test_journals_balance() -> None:
    lines = [
        {"LineNbr": 1, "Account": "61000", "Subaccount": "ADM-000", "DebitAmount": Decimal("5.00"), "CreditAmount": 0},
        {"LineNbr": 2, "Account": "20000", "Subaccount": "ADM-000", "CreditAmount": Decimal("5.00")},
    ]
    batch = {
        "_company": "US01",
        "Module": "AP",
        "BatchNbr": "AP000001",
        "Status": "Posted",
        "CurrencyID": "USD",
        "TransactionDate": "2026-10-05",
        "PostPeriod": "132026",
        "Details": lines,
    }
    record = mapped("journal_transactions", batch)
    assert (record.source_key, record.source_state, record.fields["period"]) == ("AP/AP000001", "closed", "2026-13")
    with pytest.raises(RecordRefused, match="differ by"):
        mapped("journal_transactions", {**batch, "Details": lines[:1]})


@pytest.mark.parametrize(
    ("stream", "record", "key", "state"),
    [
        ("cost_centers", {"code": "ADM", "description": "Administration", "source": "subaccount"}, "ADM", "active"),
        ("gl_accounts", {"AccountCD": "61000", "Type": "Expense", "Active": False}, "61000", "inactive"),
        ("tax_zones", {"TaxZoneID": "NY"}, "NY", "active"),
        ("stock_items", {"InventoryID": "PAPER ", "ItemStatus": "Inactive"}, "PAPER", "inactive"),
        ("projects", {"ProjectID": "P1", "Status": "Active"}, "P1", "active"),
        ("vendors", {"VendorID": "V1", "VendorName": "Paper", "Status": "On Hold"}, "V1", "active"),
        ("customers", {"CustomerID": "C1", "CustomerName": "Shop", "Status": "Inactive"}, "C1", "inactive"),
    ],
)
def test_masters(stream: str, record: dict[str, Any], key: str, state: str) -> None:
    found = mapped(stream, {"_company": "US01", **record})
    assert isinstance(found, CanonicalRecord)
    assert (found.source_key, found.source_state) == (key, state)
