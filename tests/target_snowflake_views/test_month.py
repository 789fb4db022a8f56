"""On the simulated month the views give the totals that Visma's own rows give, reckoned again with Decimal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from ml_connector_simulators.visma import PROBLEMS, VismaSimulator
from ml_connector_simulators.visma.seed.intercompany import DEALS
from ml_connector_simulators.visma.seed.problems import DUPLICATED_DOCUMENT
from target_snowflake import views

from tests.target_snowflake_views.loader import COMPANIES, Session

Row = dict[str, Any]
CURRENCY = {"NO01": "NOK", "SE01": "SEK"}


def summed(rows: Iterable[Row], amount: str, *names: str) -> dict[tuple[Any, ...], Decimal]:
    totals: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        assert isinstance(row[amount], Decimal), f"{amount} is no exact number"
        totals[tuple(row[name] for name in names)] += row[amount]
    return dict(totals)


def booked(visma: VismaSimulator) -> Iterator[tuple[str, Row, int]]:
    """Supplier invoices in the books, and how they count."""
    for company in COMPANIES:
        for row in visma.rows(company, "supplierInvoice"):
            if row["status"] not in {"Hold", "Voided"}:
                yield company, row, -1 if row["documentType"] == "DebitAdj" else 1


class TestSpend:
    @pytest.fixture(scope="class")
    def spend(self, month: Session) -> list[Row]:
        return views.rows(month, "VISMA_SPEND")

    @pytest.fixture(scope="class")
    def expected(self, visma: VismaSimulator) -> dict[str, dict[tuple[Any, ...], Decimal]]:
        by_document: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        in_base: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        for company, row, sign in booked(visma):
            if row["documentType"] != "Prepayment":
                gross = row["taxCalculationMode"] == "Gross"
                key = (company, row["financialPeriod"], row["supplier"]["number"], row["currencyId"])
                by_document[key] += sign * (row["detailTotalInCurrency"] - gross * row["vatTotalInCurrency"])
                in_base[*key[:3], CURRENCY[company]] += sign * (row["detailTotal"] - gross * row["vatTotal"])
        return {"AMOUNT": by_document, "BASE_AMOUNT": in_base}

    @pytest.mark.parametrize(("amount", "currency"), [("AMOUNT", "CURRENCY"), ("BASE_AMOUNT", "BASE_CURRENCY")])
    def test_totals_by_supplier_and_by_company_are_those_of_the_invoices(self, spend, expected, amount, currency):
        found = summed(spend, amount, "COMPANY", "PERIOD", "SUPPLIER_NUMBER", currency)
        assert found == expected[amount]
        assert len(found) > 100
        companies = {(key[0], key[3]) for key in found}
        assert companies >= {("NO01", "NOK"), ("SE01", "SEK")}
        assert amount != "AMOUNT" or companies >= {("NO01", "EUR"), ("SE01", "EUR")}

    def test_cost_centres_bear_what_the_ledger_posted_on_them(self, spend, visma):
        """The journal shares out what contains VAT by itself: an independent witness, to a cent a line."""
        posted: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        lines: Counter[tuple[Any, ...]] = Counter()
        journal = journal_lines(visma)
        for company, row, _ in booked(visma):
            if row["documentType"] == "Prepayment":
                continue
            document = (company, row["documentType"], row["referenceNumber"])
            for line, net in zip(row["invoiceLines"], journal[document], strict=False):
                key = (company, row["currencyId"], line["subaccount"]["segments"][0]["segmentValue"])
                posted[key] += net
                lines[key] += row["taxCalculationMode"] == "Gross"
        found = summed(spend, "AMOUNT", "COMPANY", "CURRENCY", "COST_CENTER")
        assert found.keys() == posted.keys()
        assert len(found) > 40
        for key, total in found.items():
            assert abs(total - posted[key]) <= lines[key] * Decimal("0.01"), key
        exact = [key for key in found if not lines[key]]
        assert len(exact) > 10

    def test_every_cost_centre_has_its_name_but_the_unknown_one(self, spend):
        assert {(row["COMPANY"], row["COST_CENTER"]) for row in spend if not row["COST_CENTER_NAME"]} == {
            ("NO01", "990")
        }

    def test_every_line_is_counted_once(self, spend, visma):
        lines = [
            line for _, row, _ in booked(visma) if row["documentType"] != "Prepayment" for line in row["invoiceLines"]
        ]
        assert sum(row["LINES"] for row in spend) == len(lines)


def journal_lines(visma: VismaSimulator) -> dict[tuple[str, str, str], list[Decimal]]:
    """What was posted for each document, its own lines first, as debit less credit."""
    return {
        (company, line["transactionType"], line["referenceNumber"]): [
            each["debitAmountInCurrency"] - each["creditAmountInCurrency"] for each in batch["journalTransactionLines"]
        ]
        for company in COMPANIES
        for batch in visma.rows(company, "journaltransaction")
        for line in batch["journalTransactionLines"][:1]
    }


class TestOpenAp:
    @pytest.fixture(scope="class")
    def open_ap(self, month: Session) -> list[Row]:
        return views.rows(month, "VISMA_OPEN_AP")

    def test_balances_and_ages_are_those_of_the_documents(self, open_ap, visma):
        expected: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        newest = {c: max(row["lastModifiedDateTime"] for row in documents(visma, c)) for c in COMPANIES}
        for company, row, sign in booked(visma):
            if row["balanceInCurrency"]:
                days = (date.fromisoformat(newest[company][:10]) - date.fromisoformat(row["dueDate"][:10])).days
                assert days <= 30
                bucket = "not due" if days <= 0 else "1-30"
                expected[company, row["currencyId"], bucket] += sign * row["balanceInCurrency"]
        assert summed(open_ap, "OPEN_AMOUNT", "COMPANY", "CURRENCY", "AGE_BUCKET") == expected
        assert len(expected) == 8

    def test_the_buckets_add_up(self, open_ap):
        buckets = ("NOT_DUE", "OVERDUE_1_30", "OVERDUE_31_60", "OVERDUE_61_90", "OVERDUE_OVER_90")
        assert all(sum(row[name] for name in buckets) == row["OPEN_AMOUNT"] for row in open_ap)

    def test_it_is_the_balance_of_the_payables_account_but_for_what_does_not_foot(self, open_ap, month):
        owed = summed(open_ap, "BASE_OPEN_AMOUNT", "COMPANY")
        balances = [row for row in views.rows(month, "VISMA_GL_BALANCES") if row["ACCOUNT_NUMBER"] == "2400"]
        closing = {row["COMPANY"]: row["CLOSING"] for row in sorted(balances, key=lambda row: row["PERIOD"])}
        assert PROBLEMS["does_not_foot"].company == "NO01"
        assert owed == {("NO01",): -closing["NO01"] + 100, ("SE01",): -closing["SE01"]}

    def test_the_draft_is_not_owed(self, open_ap):
        draft = PROBLEMS["draft_on_hold"].document.rpartition("/")[2]
        assert draft not in {row["DOCUMENT"] for row in open_ap if row["COMPANY"] == "NO01"}


def documents(visma: VismaSimulator, company: str) -> list[Row]:
    return visma.rows(company, "supplierInvoice") + visma.rows(company, "supplierPayment")


class TestGlBalances:
    def test_each_account_moves_and_closes_as_its_journal_lines_say(self, month, visma):
        moved: dict[tuple[str, str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for company in COMPANIES:
            for batch in visma.rows(company, "journaltransaction"):
                for line in batch["journalTransactionLines"]:
                    sums = moved[company, line["accountNumber"], batch["financialPeriod"]]
                    sums[0] += line["debitAmount"]
                    sums[1] += line["creditAmount"]
        found = views.rows(month, "VISMA_GL_BALANCES")
        assert {row["PERIOD"] for row in found} == {"202609", "202610"}
        for row in found:
            debit, credit = moved.pop((row["COMPANY"], row["ACCOUNT_NUMBER"], row["PERIOD"]), (0, 0))
            assert (row["DEBIT"], row["CREDIT"], row["DIFFERENCE"]) == (debit, credit, 0), row
            assert row["CURRENCY"] == CURRENCY[row["COMPANY"]]
            assert row["CLOSING"] == row["OPENING"] + debit - credit
        assert not moved

    def test_all_accounts_together_close_at_nothing_and_open_where_they_closed(self, month):
        found = views.rows(month, "VISMA_GL_BALANCES")
        for name in ("OPENING", "CLOSING"):
            assert set(summed(found, name, "COMPANY", "LEDGER", "PERIOD").values()) == {0}
        closed = {row["ACCOUNT_NUMBER"]: row["CLOSING"] for row in found if row["PERIOD"] == "202609"}
        assert len(closed) == 3
        opened = {row["ACCOUNT_NUMBER"]: row["OPENING"] for row in found if _in_october(row) and row["OPENING"]}
        assert opened == closed


def _in_october(row: Row) -> bool:
    return (row["COMPANY"], row["PERIOD"]) == ("NO01", "202610")


def test_the_suspected_duplicate_is_found_and_no_other(month, visma):
    [found] = views.rows(month, "VISMA_POSSIBLE_DUPLICATES")
    problem = PROBLEMS["suspected_duplicate"]
    assert (found["COMPANY"], f"{found['DOCUMENT_TYPE']}/{found['DOCUMENT']}") == problem
    assert f"{found['FIRST_DOCUMENT_TYPE']}/{found['FIRST_DOCUMENT']}" == DUPLICATED_DOCUMENT
    row = visma.row(problem.company, "supplierInvoice", problem.document)
    assert (found["AMOUNT"], found["CURRENCY"]) == (row["amount"], row["currencyId"])
    assert found["SAME_COMPANY"] is True


def test_intercompany_invoices_are_matched_different_or_missing(month):
    found = views.rows(month, "VISMA_INTERCOMPANY")
    assert len(found) == len(DEALS)
    by_key = {(row["SELLER"], row["SELLER_DOCUMENT"]): row for row in found}
    for deal in DEALS:
        row = by_key[deal.seller, deal.number]
        total, bought = Decimal(deal.total), Decimal(deal.booked or 0)
        assert (row["BUYER"], row["SELLER_AMOUNT"], row["SELLER_CURRENCY"]) == (deal.buyer, total, "EUR")
        assert row["DIFFERENCE"] == bought - total
        assert row["BUYER_DOCUMENT"] == (deal.booked_as or None)
    assert Counter(row["RESULT"] for row in found) == {"matched": 2, "amount differs": 1, "missing at buyer": 1}


def test_the_books_of_a_month_without_intercompany_documents_are_the_same(visma):
    """The option adds rows; it changes none."""
    plain = VismaSimulator()
    keys: dict[str, Callable[[Row], str]] = {
        "supplierInvoice": lambda row: row["referenceNumber"],
        "customerinvoice": lambda row: row["referenceNumber"],
        "journaltransaction": lambda row: row["module"] + row["batchNumber"],
    }
    for company in COMPANIES:
        for resource, key in keys.items():
            more = {key(row): row for row in visma.rows(company, resource)}
            rows = plain.rows(company, resource)
            assert all(more[key(row)] == row for row in rows)
            assert 0 < len(more) - len(rows) <= 4
    plain.close()
