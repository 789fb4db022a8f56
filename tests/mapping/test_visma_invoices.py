"""Golden documents: what Visma's supplier invoices mean (apis/visma.md §3.1, Annex A)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from ml_connector.errors import RecordParked, RecordRefused
from ml_connector.finance.records import CanonicalRecord
from ml_connector.mapping import SourceMap, search_path

from tests.mapping.maps import anything_goes
from tests.mapping.visma import TARGETS, Invoice, line, servicenow, visma


def amounts(record: CanonicalRecord, *names: str) -> list[str | None]:
    return [None if record.fields.get(name) is None else str(record.fields[name]) for name in names]


def test_an_ordinary_invoice() -> None:
    record = Invoice([("100.00", 25), ("60.00", 15)]).map()
    assert amounts(record, "net", "tax", "total", "line_total", "base_total") == [
        "160.00",
        "34.00",
        "194.00",
        "160.00",
        "194.00",
    ]
    assert (record.amount, record.currency, record.document_type) == (Decimal("194.00"), "NOK", "invoice")
    assert (record.business_key, record.title) == (
        "visma:NO01:supplier_invoices:Invoice/100001",
        "100001 Nordic Paper AS",
    )
    assert (record.document_date, record.source_state) == (date(2026, 10, 5), "open")
    assert record.source_modified_at == "2026-10-05T10:00:00.123"
    assert record.fields["lines"][0]["dimensions"] == {"cost_center": "210"}
    assert [tax["tax_code"] for tax in record.fields["tax_lines"]] == ["IN25", "IN15"]
    assert [str(tax["amount"]) for tax in record.fields["tax_lines"]] == ["25.00", "9.00"]


def test_a_credit_note_counts_against_although_its_amounts_are_positive() -> None:
    record = Invoice([("100.00", 25)], type="DebitAdj").map()
    assert (record.document_type, record.fields["sign"], record.amount) == ("credit_note", -1, Decimal("-125.00"))
    assert amounts(record, "net", "tax", "total") == ["100.00", "25.00", "125.00"]


@pytest.mark.parametrize(("native", "canonical"), [("CreditAdj", "debit_note"), ("Prepayment", "prepayment")])
def test_other_types(native: str, canonical: str) -> None:
    record = Invoice([("100.00", 0)], type=native).map()
    assert (record.document_type, record.amount) == (canonical, Decimal("100.00"))


def test_inclusive_vat() -> None:
    record = Invoice([("125.00", 25), ("250.00", 25)], mode="Gross", inclusive=True).map()
    assert amounts(record, "net", "tax", "total", "line_total") == ["300.00", "75.00", "375.00", "375.00"]
    assert record.fields["tax_inclusive"] is True


@pytest.mark.parametrize("discount", ["0", "12.50"])
@pytest.mark.parametrize("inclusive", [True, False])
def test_with_tax_setting_the_totals_show_whether_lines_contain_vat(inclusive: bool, discount: str) -> None:
    invoice = Invoice([("125.00", 25)], mode="TaxSetting", inclusive=inclusive, discount=discount)
    record = invoice.map()
    assert record.fields["tax_inclusive"] is inclusive
    assert record.amount == invoice.total()


def test_discount_withholding_and_rounding() -> None:
    record = Invoice([("100.10", 25)], discount="10.00", withholding="5.00", rounding="-0.13").map()
    assert amounts(record, "discount", "withholding", "rounding", "total") == ["10.00", "5.00", "-0.13", "110.00"]


def test_a_foreign_currency_document_keeps_both_currencies() -> None:
    record = Invoice([("100.00", 25)], currency="EUR", rate="11.735").map()
    assert amounts(record, "net", "tax", "total") == ["100.00", "25.00", "125.00"]
    assert amounts(record, "base_net", "base_tax", "base_total", "rate") == ["1173.50", "293.38", "1466.88", "11.735"]
    assert (record.amount, record.currency) == (Decimal("125.00"), "EUR")


def test_a_yen_invoice_has_no_decimals() -> None:
    assert str(Invoice([("1500", 10)], currency="JPY", rate="0.07").map().amount) == "1650"


@pytest.mark.parametrize("settled", ["0", "40.00"])
@pytest.mark.parametrize(("currency", "rate"), [("NOK", "1"), ("EUR", "11.735")])
def test_a_settled_document_keeps_its_total(settled: str, currency: str, rate: str) -> None:
    record = Invoice([("100.00", 25)], currency=currency, rate=rate, settled=settled).map()
    assert (record.amount, str(record.fields["balance"])) == (Decimal("125.00"), f"{Decimal(settled):.2f}")


@pytest.mark.parametrize(("currency", "rate"), [("NOK", "1"), ("EUR", "11.735")])
def test_an_independent_total_shows_that_a_document_does_not_foot(currency: str, rate: str) -> None:
    invoice = Invoice([("100.00", 25)], currency=currency, rate=rate)
    off = {"balanceInCurrency": Decimal("126.00"), "amount": Decimal(1), "balance": Decimal(1)}
    invoice.changes = off
    with pytest.raises(RecordRefused, match=r"differ by 1\.00"):
        invoice.map()


def test_a_settled_base_currency_document_is_checked_against_its_amount() -> None:
    with pytest.raises(RecordRefused, match=r"differ by 10\.00 NOK"):
        Invoice([("100.00", 25)], settled="0", changes={"amount": Decimal("135.00")}).map()


def test_lines_that_do_not_add_up() -> None:
    with pytest.raises(RecordRefused, match=r"1 lines add up to 99\.00 NOK, but the line total is 100\.00 NOK"):
        Invoice([("100.00", 25)], changes={"invoiceLines": [line(1, "99.00")]}).map()


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("native", ["QuickCheck", "Check", "Refund", "VoidQuickCheck", "SomethingNew"])
def test_a_type_no_map_names_parks(native: str, name: str) -> None:
    record = Invoice([("100.00", 25)], type=native).map()
    with pytest.raises(RecordParked) as parked:
        servicenow(name).rows(record, anything_goes)
    assert (parked.value.reason, parked.value.value) == ("unmapped_type", native)


@pytest.mark.parametrize(
    ("status", "hold", "state"),
    [
        ("Hold", True, "draft"),
        ("Open", True, "draft"),
        ("Balanced", False, "draft"),
        ("Open", False, "open"),
        ("Closed", False, "closed"),
        ("Voided", False, "voided"),
        ("SomethingNew", False, "somethingnew"),
    ],
)
def test_the_state_of_a_document(status: str, hold: bool, state: str) -> None:
    assert Invoice([("1.00", 0)], changes={"status": status, "hold": hold}).map().source_state == state


def test_cost_centres_come_from_the_configured_segment() -> None:
    native = Invoice([("1.00", 0)]).record()

    def cost_center(**variables: str | int) -> Any:
        source_map = SourceMap.load("tap_visma", search_path(), variables)
        [record] = source_map.apply("supplier_invoices", native)
        assert isinstance(record, CanonicalRecord)
        return record.fields["lines"][0]["dimensions"]["cost_center"]

    assert cost_center() == cost_center(cost_center_segment="1") == cost_center(cost_center_segment=1) == "210"
    assert cost_center(cost_center_segment="2") == cost_center(cost_center_segment="Product group") == "00"
    assert cost_center(cost_center_segment="7") == "21000", "a wrong setting must be seen, not lose the cost centre"


def test_the_segment_is_part_of_the_version() -> None:
    assert visma().version != SourceMap.load("tap_visma", search_path(), {"cost_center_segment": "2"}).version


@pytest.mark.parametrize("absent", ["supplier", "date", "currencyId", "referenceNumber", "documentType", "_company"])
def test_a_document_without_what_it_needs_is_refused(absent: str) -> None:
    record = Invoice([("1.00", 0)]).record()
    del record[absent]
    with pytest.raises(RecordRefused) as refused:
        visma().apply("supplier_invoices", record)
    assert refused.value.reason in {"missing_value", "missing_key"}


def test_a_float_is_not_money() -> None:
    with pytest.raises(RecordRefused, match="float is not an exact number"):
        Invoice([("1.00", 0)], changes={"detailTotalInCurrency": 1.0}).map()
