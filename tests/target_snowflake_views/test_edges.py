"""Single documents that a view could count wrongly, each in tables that hold nothing else."""

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


def document(number: str, amount: str, **fields: Any) -> Row:
    return {
        "_company": "NO01",
        "documentType": "Invoice",
        "referenceNumber": number,
        "supplierReference": "F-1",
        "supplier": {"number": "50001", "name": "Fjord Papir AS"},
        "status": "Open",
        "currencyId": "NOK",
        "date": "2026-10-01T00:00:00",
        "dueDate": "2026-10-31T00:00:00",
        "amountInCurrency": Decimal(amount),
        "balanceInCurrency": Decimal(amount),
        "balance": Decimal(amount),
        "lastModifiedDateTime": "2026-10-31T23:30:00",
        **fields,
    }


class TestOpenAp:
    @pytest.mark.parametrize(
        ("kind", "sign"),
        [("Invoice", 1), ("CreditAdj", 1), ("DebitAdj", -1), ("Check", -1), ("Prepayment", 1), ("Refund", 1)],
    )
    def test_the_sign_follows_the_kind(self, world, kind, sign):
        [row] = world.rows("VISMA_OPEN_AP", supplier_documents=[document("1", "10.00", documentType=kind)])
        assert (row["OPEN_AMOUNT"], row["AMOUNT"], row["BASE_OPEN_AMOUNT"]) == (sign * 10, sign * 10, sign * 10)

    @pytest.mark.parametrize(
        ("due", "days", "bucket", "column"),
        [
            ("2026-11-30", -30, "not due", "NOT_DUE"),
            ("2026-10-31", 0, "not due", "NOT_DUE"),
            ("2026-10-30", 1, "1-30", "OVERDUE_1_30"),
            ("2026-10-01", 30, "1-30", "OVERDUE_1_30"),
            ("2026-09-30", 31, "31-60", "OVERDUE_31_60"),
            ("2026-09-01", 60, "31-60", "OVERDUE_31_60"),
            ("2026-08-31", 61, "61-90", "OVERDUE_61_90"),
            ("2026-08-02", 90, "61-90", "OVERDUE_61_90"),
            ("2026-08-01", 91, "over 90", "OVERDUE_OVER_90"),
        ],
    )
    def test_the_age_at_each_edge(self, world, due, days, bucket, column):
        [row] = world.rows("VISMA_OPEN_AP", supplier_documents=[document("1", "9.99", dueDate=f"{due}T00:00:00")])
        assert (row["DAYS_OVERDUE"], row["AGE_BUCKET"], row[column]) == (days, bucket, Decimal("9.99"))
        others = {name for name in row if name == "NOT_DUE" or name.startswith("OVERDUE_")} - {column}
        assert all(row[name] == 0 for name in others)

    def test_without_due_date_it_ages_from_its_own(self, world):
        [row] = world.rows("VISMA_OPEN_AP", supplier_documents=[document("1", "1.00", dueDate=None)])
        assert row["DAYS_OVERDUE"] == 30

    def test_each_company_has_its_own_day(self, world):
        late = document("2", "1.00", _company="SE01", lastModifiedDateTime="2026-11-15T00:10:00")
        rows = world.rows("VISMA_OPEN_AP", supplier_documents=[document("1", "1.00"), late])
        assert {row["COMPANY"]: row["DAYS_OVERDUE"] for row in rows} == {"NO01": 0, "SE01": 15}

    def test_what_is_settled_drafted_voided_or_gone_is_not_owed(self, world):
        rows = world.rows(
            "VISMA_OPEN_AP",
            supplier_documents=[
                document("1", "1.00", balanceInCurrency=Decimal(0), status="Closed"),
                document("2", "1.00", status="Hold"),
                document("3", "1.00", status="Balanced"),
                document("4", "1.00", status="Voided"),
                document("5", "1.00", _sdc_deleted_at="2026-11-01T00:00:00"),
                document("6", "8.00", balanceInCurrency=Decimal("2.50"), currencyId="EUR", balance=Decimal("29.34")),
            ],
        )
        assert [(row["DOCUMENT"], row["CURRENCY"], row["AMOUNT"], row["OPEN_AMOUNT"]) for row in rows] == [
            ("6", "EUR", Decimal("8.00"), Decimal("2.50"))
        ]


def balance(period: str, opening: str, debit: str, credit: str, closing: str, **fields: Any) -> Row:
    kind, subaccount = fields.pop("kind", "Asset"), fields.pop("subaccount", "1")
    return {
        "_company": "NO01",
        "branchNumber": "10",
        "ledgerId": "1",
        "financialPeriod": period,
        "accountNumber": "1500",
        "account": {"type": kind, "number": "1500", "description": "Kundefordringer"},
        "subaccountKey": subaccount,
        "currencyKey": "",
        "beginningBalance": Decimal(opening),
        "periodToDateDebit": Decimal(debit),
        "periodToDateCredit": Decimal(credit),
        "yearToDateBalance": Decimal(closing),
        **fields,
    }


@pytest.fixture
def ledger(world):
    def ledger(*rows: Row) -> dict[tuple[str, str], tuple[int, ...]]:
        ledgers = [{"_company": "NO01", "number": "1", "currencyId": "NOK"}]
        found = world.rows("VISMA_GL_BALANCES", general_ledger_balances=list(rows), ledgers=ledgers)
        names = ("OPENING", "DEBIT", "CREDIT", "CLOSING", "DIFFERENCE")
        return {(row["ACCOUNT_NUMBER"], row["PERIOD"]): tuple(int(row[name]) for name in names) for row in found}

    return ledger


class TestGlBalances:
    def test_what_did_not_move_is_carried(self, ledger):
        first = balance("202601", "0", "70", "0", "70", subaccount="1")
        second = balance("202602", "0", "5", "0", "5", subaccount="2")
        third = balance("202603", "70", "0", "20", "50", subaccount="1")
        assert ledger(first, second, third) == {
            ("1500", "202601"): (0, 70, 0, 70, 0),
            ("1500", "202602"): (70, 5, 0, 75, 0),
            ("1500", "202603"): (75, 0, 20, 55, 0),
        }

    @pytest.mark.parametrize(("kind", "opening"), [("Asset", 70), ("Expense", 0)])
    def test_income_and_expense_begin_each_year_at_nothing(self, ledger, kind, opening):
        december = balance("202612", "0", "70", "0", "70", kind=kind)
        other = balance("202701", "0", "1", "0", "1", accountNumber="1920")
        found = ledger(december, other)
        assert found["1500", "202701"] == (opening, 0, 0, opening, 0)

    def test_liabilities_stated_with_the_sign_turned_are_turned_back(self, ledger):
        owed = balance("202601", "100", "30", "80", "150", kind="Liability", accountNumber="2400")
        still = balance("202601", "40", "0", "0", "40", kind="Income", accountNumber="3000")
        bank = balance("202601", "140", "80", "30", "190", accountNumber="1920")
        assert ledger(owed, still, bank) == {
            ("2400", "202601"): (-100, 30, 80, -150, 0),
            ("3000", "202601"): (-40, 0, 0, -40, 0),
            ("1920", "202601"): (140, 80, 30, 190, 0),
        }

    def test_books_that_do_not_add_up_are_told(self, ledger):
        assert ledger(balance("202601", "10", "5", "0", "16")) == {("1500", "202601"): (10, 5, 0, 16, 1)}

    def test_branches_and_account_currencies_are_added_up(self, ledger):
        rows = [
            balance("202601", "0", "1", "0", "1"),
            balance("202601", "0", "2", "0", "2", branchNumber="20"),
            balance("202601", "0", "4", "0", "4", currencyKey="EUR"),
        ]
        assert ledger(*rows) == {("1500", "202601"): (0, 7, 0, 7, 0)}


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
