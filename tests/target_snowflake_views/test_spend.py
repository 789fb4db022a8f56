"""Supplier invoices that spend could count wrongly, each in tables that hold nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

Row = dict[str, Any]
GROSS = {"taxCalculationMode": "Gross"}


def line(cost: str, *, centre: str | None = "110", base: str | None = None, category: str = "1") -> Row:
    segments = [
        {"segmentId": 2, "segmentDescription": "Product group", "segmentValue": "00"},
        {"segmentId": 1, "segmentDescription": "Cost centre", "segmentValue": centre},
    ]
    subaccount = {"subaccountNumber": f"{centre}00", "segments": segments} if centre else None
    return {
        "costInCurrency": Decimal(cost),
        "cost": Decimal(base or cost),
        "vatCode": {"id": category},
        "subaccount": subaccount,
    }


def tax(vat: str, rate: str) -> Row:
    return {"taxId": vat, "vatId": {"number": vat}, "vatRate": Decimal(rate)}


def invoice(number: str, *lines: Row, vat: str = "0", **fields: Any) -> Row:
    detail = sum((each["costInCurrency"] for each in lines), Decimal(0))
    base = sum((each["cost"] for each in lines), Decimal(0))
    return {
        "_company": "NO01",
        "documentType": "Invoice",
        "referenceNumber": number,
        "financialPeriod": "202610",
        "status": "Open",
        "hold": False,
        "currencyId": "NOK",
        "supplier": {"number": "50001", "name": "Fjord Papir AS"},
        "taxCalculationMode": "Net",
        "detailTotalInCurrency": detail,
        "detailTotal": base,
        "vatTotalInCurrency": Decimal(vat),
        "vatTotal": Decimal(vat),
        "invoiceLines": list(lines),
        "taxDetailLines": [],
        **fields,
    }


CENTRES = [{"_company": c, "segmentId": 1, "valueId": v, "description": v} for c in ("NO01", "SE01") for v in "AB"]
CURRENCIES = [
    {"_company": company, "id": code, "isBaseCurrency": base}
    for company, own in (("NO01", "NOK"), ("SE01", "SEK"))
    for code, base in ((own, True), ("EUR", False))
]
CATEGORIES = [
    {"_company": "NO01", "vatCategoryId": "1", "vatCategoryLines": [{"vatId": "IN25"}, {"vatId": "UT25"}]},
    {"_company": "NO01", "vatCategoryId": "0", "vatCategoryLines": [{"vatId": "IN00"}]},
]


@pytest.fixture
def spend(world):
    def spend(*invoices: Row, key: str = "COST_CENTER", amount: str = "AMOUNT", **tables: list[Row]) -> dict[Any, Any]:
        tables = {"cost_centers": CENTRES, "currencies": CURRENCIES, "vat_categories": CATEGORIES} | tables
        rows = world.rows("VISMA_SPEND", supplier_invoices=list(invoices), **tables)
        found = {row[key]: row[amount] for row in rows}
        assert len(found) == len(rows)
        return found

    return spend


class TestSpend:
    def test_a_credit_note_takes_off_what_it_credits(self, spend):
        credit = invoice("2", line("30.00", centre="A"), documentType="DebitAdj")
        assert spend(invoice("1", line("100.00", centre="A")), credit) == {"A": Decimal("70.00")}

    @pytest.mark.parametrize(
        "left_out",
        [
            {"status": "Voided"},
            {"status": "Hold", "hold": True},
            {"status": "Balanced"},
            {"status": "Scheduled"},
            {"status": "Open", "hold": True},
            {"documentType": "Prepayment"},
            {"_sdc_deleted_at": "2026-11-01T00:00:00"},
        ],
    )
    def test_what_is_not_booked_or_not_cost_is_left_out(self, spend, left_out):
        assert spend(invoice("1", line("100.00", centre="A")), invoice("2", line("5.00"), **left_out)) == {
            "A": Decimal("100.00")
        }

    @pytest.mark.parametrize("status", ["Open", "Closed", "Printed", "Prebooked", "Reserved", None])
    def test_every_booked_status_counts(self, spend, status):
        assert spend(invoice("1", line("100.00", centre="A"), status=status)) == {"A": Decimal("100.00")}

    def test_several_lines_and_several_invoices_add_up_by_cost_centre(self, spend):
        lines = [line("0.10", centre="A") for _ in range(60)]
        second = invoice("2", line("123456789012.89", centre="A"), line("0.01", centre="B"))
        assert spend(invoice("1", *lines), second) == {"A": Decimal("123456789018.89"), "B": Decimal("0.01")}

    def test_vat_in_the_lines_is_taken_off_by_each_lines_rate_and_no_cent_is_lost(self, spend):
        lines = [line("12.50", centre="A"), line("100.00", centre="B", category="0"), line("12.50", centre="A")]
        taxes = [tax("IN25", "25"), tax("IN00", "0")]
        gross = invoice("1", *lines, vat="5.00", taxDetailLines=taxes, **GROSS)
        assert spend(gross) == {"A": Decimal("20.00"), "B": Decimal("100.00")}

    def test_three_thirds_are_rounded_so_that_they_add_up(self, spend):
        lines = [line("33.33", centre=centre) for centre in "ABC"]
        gross = invoice("1", *lines, vat="20.00", taxDetailLines=[tax("IN25", "25")], **GROSS)
        found = spend(gross)
        assert sum(found.values()) == Decimal("79.99")
        assert all(abs(value - Decimal("26.66")) <= Decimal("0.01") for value in found.values())

    def test_vat_without_a_known_category_is_taken_off_in_proportion(self, spend):
        lines = [line("100.00", centre="A", category="?"), line("25.00", centre="B", category="?")]
        assert spend(invoice("1", *lines, vat="25.00", **GROSS)) == {"A": Decimal("80.00"), "B": Decimal("20.00")}

    def test_where_the_tax_decides_the_totals_tell_whether_lines_contain_it(self, spend):
        decided = {"taxCalculationMode": "TaxSetting", "taxDetailLines": [tax("IN25", "25")]}
        inside = invoice(
            "1", line("125.00", centre="A"), vat="25.00", vatTaxableTotalInCurrency=Decimal(100), **decided
        )
        on_top = invoice(
            "2", line("100.00", centre="B"), vat="25.00", vatTaxableTotalInCurrency=Decimal(100), **decided
        )
        assert spend(inside, on_top) == {"A": Decimal("100.00"), "B": Decimal("100.00")}

    def test_foreign_currency_is_never_added_to_the_companys_own(self, spend):
        euro = invoice("1", line("10.00", base="117.35"), currencyId="EUR")
        own = invoice("2", line("1.00"))
        swedish = invoice("1", line("7.00"), _company="SE01", currencyId="SEK")
        by_currency = {"EUR": Decimal("10.00"), "NOK": Decimal("1.00"), "SEK": Decimal("7.00")}
        assert spend(euro, own, swedish, key="CURRENCY") == by_currency
        assert spend(euro, own, swedish, key="CURRENCY", amount="BASE_CURRENCY") == {
            "EUR": "NOK",
            "NOK": "NOK",
            "SEK": "SEK",
        }
        assert spend(euro, key="CURRENCY", amount="BASE_AMOUNT") == {"EUR": Decimal("117.35")}

    def test_a_line_without_subaccount_has_no_cost_centre_and_is_counted(self, spend):
        assert spend(invoice("1", line("5.00", centre=None), line("1.00", centre="A"))) == {
            None: Decimal("5.00"),
            "A": Decimal("1.00"),
        }

    def test_without_the_segment_the_whole_subaccount_stands_in(self, spend):
        assert spend(invoice("1", line("5.00", centre="A")), cost_centers=[]) == {"A00": Decimal("5.00")}
        other = [{"_company": "NO01", "segmentId": 3, "valueId": "X", "description": "X"}]
        assert spend(invoice("1", line("5.00", centre="A")), cost_centers=other) == {"A00": Decimal("5.00")}

    def test_a_renamed_supplier_stays_one(self, spend):
        renamed = invoice("2", line("1.00"), supplier={"number": "50001", "name": "Bryggen Papir AS"})
        assert spend(invoice("1", line("1.00")), renamed, key="SUPPLIER_NUMBER") == {"50001": Decimal("2.00")}
