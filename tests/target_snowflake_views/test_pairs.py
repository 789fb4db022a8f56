"""Documents that belong together, or only look so: duplicates, and what companies invoice each other."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.target_snowflake_views.loader import document

Row = dict[str, Any]


def supplier(number: str, **fields: Any) -> Row:
    return {"_company": "NO01", "number": number, "vatRegistrationId": "NO111222333MVA", **fields}


@pytest.fixture
def duplicates(world):
    def duplicates(*documents: Row, suppliers: tuple[Row, ...] = ()) -> list[tuple[str, str, str, str]]:
        given = {"supplier_documents": list(documents), "suppliers": list(suppliers)}
        rows = world.rows("VISMA_POSSIBLE_DUPLICATES", **given)
        names = ("COMPANY", "DOCUMENT", "FIRST_COMPANY", "FIRST_DOCUMENT")
        return sorted(tuple(row[name] for name in names) for row in rows)

    return duplicates


class TestDuplicates:
    def test_blanks_punctuation_and_case_of_the_number_do_not_count(self, duplicates):
        same = [document(str(n), "10.00", supplierReference=text) for n, text in enumerate(("ab-1", "AB 1", "A.B/1_"))]
        assert duplicates(*same) == [("NO01", "1", "NO01", "0"), ("NO01", "2", "NO01", "0")]

    @pytest.mark.parametrize(
        "other",
        [
            {"amountInCurrency": Decimal("10.01")},
            {"currencyId": "EUR"},
            {"supplierReference": "F-2"},
            {"supplier": {"number": "50002", "name": "Fjord Papir AS"}},
            {"documentType": "DebitAdj"},
            {"documentType": "Check"},
            {"status": "Voided"},
            {"_company": "SE01"},
            {"_sdc_deleted_at": "2026-11-01T00:00:00"},
        ],
    )
    def test_another_amount_currency_number_supplier_or_kind_is_another_invoice(self, duplicates, other):
        assert duplicates(document("1", "10.00"), document("2", "10.00") | other) == []

    @pytest.mark.parametrize("reference", [None, "", " - "])
    def test_without_the_suppliers_number_nothing_is_suspected(self, duplicates, reference):
        assert duplicates(*(document(n, "10.00", supplierReference=reference) for n in "12")) == []

    def test_a_document_on_hold_is_stopped(self, duplicates):
        assert duplicates(document("1", "10.00"), document("2", "10.00", status="Hold")) == [("NO01", "2", "NO01", "1")]

    @pytest.mark.parametrize("written", ["NO111222333", "NO 111 222 333 MVA", "no111222333mva"])
    def test_one_vat_number_is_one_supplier_in_every_company(self, duplicates, written):
        other = document("7", "10.00", _company="SE01", supplier={"number": "60009", "name": "Fjord"})
        known = (supplier("50001"), supplier("60009", _company="SE01", vatRegistrationId=written))
        assert duplicates(document("1", "10.00"), other, suppliers=known) == [("SE01", "7", "NO01", "1")]

    def test_one_company_number_stands_in_for_a_missing_vat_number(self, duplicates):
        known = [supplier(n, vatRegistrationId=None, corporateId="556677-8899") for n in ("50001", "50002")]
        other = document("2", "10.00", supplier={"number": "50002", "name": "Fjord"})
        assert duplicates(document("1", "10.00"), other, suppliers=tuple(known)) == [("NO01", "2", "NO01", "1")]


GROUP = {
    "branches": [
        {"_company": "NO01", "branchId": 1, "number": "10", "vatRegistrationId": "NO987654325MVA", "corporateId": "9"},
        {"_company": "NO01", "branchId": 2, "number": "20", "vatRegistrationId": "NO111111111MVA", "corporateId": ""},
        {"_company": "SE01", "branchId": 1, "number": "10", "corporateId": "556677-8899"},
    ],
    "customers": [{"_company": "NO01", "number": "C", "corporateId": "5566778899", "vatRegistrationId": "SE1"}],
    "suppliers": [{"_company": "SE01", "number": "S", "vatRegistrationId": "no 987 654 325"}],
}


def sold(number: str, amount: str, **fields: Any) -> Row:
    return {
        "_company": "NO01",
        "documentType": "Invoice",
        "referenceNumber": number,
        "customer": {"number": "C"},
        "status": "Open",
        "currencyId": "EUR",
        "documentDate": "2026-10-30T00:00:00",
        "financialPeriod": "202610",
        "amountInCurrency": Decimal(amount),
        **fields,
    }


def bought(number: str, reference: str | None, amount: str, **fields: Any) -> Row:
    own = {"_company": "SE01", "supplier": {"number": "S", "name": "Nordlys"}, "currencyId": "EUR"}
    return document(number, amount, supplierReference=reference, **own) | fields


@pytest.fixture
def between(world):
    def between(sales: list[Row], purchases: list[Row], **tables: list[Row]) -> list[tuple[Any, ...]]:
        given = GROUP | {"customer_documents": sales, "supplier_documents": purchases} | tables
        rows = world.rows("VISMA_INTERCOMPANY", **given)
        names = ("SELLER", "BUYER", "SELLER_DOCUMENT", "RESULT", "DIFFERENCE")
        return sorted((tuple(row[name] for name in names) for row in rows), key=str)

    return between


class TestIntercompany:
    @pytest.mark.parametrize(
        ("purchases", "result", "difference"),
        [
            ([bought("1", "290-001", "10.00")], "matched", 0),
            ([bought("1", "290001", "9.00")], "amount differs", -1),
            ([bought("1", "290001", "10.00"), bought("2", "290001", "10.00")], "amount differs", 10),
            ([bought("1", "290001", "4.00"), bought("2", "290001", "6.00")], "matched", 0),
            ([bought("1", "290001", "10.00", currencyId="SEK")], "currency differs", None),
            (
                [bought("1", "290001", "4.00", currencyId="SEK"), bought("2", "290001", "6.00")],
                "currency differs",
                None,
            ),
            ([bought("1", "290001", "10.00", status="Hold")], "not booked yet", 0),
            ([bought("1", "290001", "10.00", status="Voided")], "missing at buyer", -10),
            ([], "missing at buyer", -10),
        ],
    )
    def test_one_invoice_of_the_seller(self, between, purchases, result, difference):
        assert between([sold("290001", "10.00")], purchases) == [("NO01", "SE01", "290001", result, difference)]

    def test_credit_notes_count_minus_and_match_credit_notes_only(self, between):
        credit = sold("290001", "10.00", documentType="CreditNote")
        assert between([credit], [bought("1", "290001", "10.00", documentType="DebitAdj")]) == [
            ("NO01", "SE01", "290001", "matched", 0)
        ]
        assert [row[3:] for row in between([credit], [bought("1", "290001", "10.00")])] == [
            ("missing at buyer", 10),
            ("missing at seller", 10),
        ]

    def test_what_the_seller_does_not_have_is_told_one_by_one(self, between):
        purchases = [bought("1", None, "1.00"), bought("2", None, "2.00"), bought("3", "X", "4.00")]
        assert between([], purchases) == [
            ("NO01", "SE01", "X", "missing at seller", 4),
            ("NO01", "SE01", None, "missing at seller", 1),
            ("NO01", "SE01", None, "missing at seller", 2),
        ]

    def test_drafts_payments_and_strangers_are_no_intercompany_sales(self, between):
        others = [
            sold("1", "1.00", status="Hold"),
            sold("2", "1.00", status="Voided"),
            sold("3", "1.00", documentType="Payment"),
            sold("4", "1.00", customer={"number": "Z"}),
        ]
        assert between(others, []) == []

    def test_another_branch_of_the_same_company_is_no_partner(self, between):
        own = [{"_company": "NO01", "number": "C", "vatRegistrationId": "NO111111111"}]
        assert between([sold("1", "1.00")], [], customers=own) == []

    def test_parties_without_any_number_are_nobodys_partner(self, between):
        nameless = [{"_company": "NO01", "number": "C", "vatRegistrationId": "", "corporateId": "-"}]
        assert between([sold("1", "1.00")], [], customers=nameless) == []
