"""The seeded month keeps its promises: sums foot, journals balance, every problem is where it says."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from ml_connector_simulators.visma import NO01, PROBLEMS, VismaSimulator
from ml_connector_simulators.visma.seed.company import Books
from ml_connector_simulators.visma.seed.month import write_books
from ml_connector_simulators.visma.seed.problems import (
    DUPLICATED_DOCUMENT,
    INACTIVE_ACCOUNT_NUMBER,
    MISSING_SUPPLIER_NUMBER,
    UNKNOWN_COST_CENTRE_VALUE,
)

ZERO = Decimal(0)


@pytest.fixture(scope="module")
def month():
    sim = VismaSimulator()
    yield sim
    sim.close()


@pytest.fixture(scope="module", params=["NO01", "SE01"])
def company(request):
    return request.param


@pytest.fixture(scope="module")
def invoices(month, company):
    return month.rows(company, "supplierInvoice")


def key(row):
    return f"{row['documentType']}/{row['referenceNumber']}"


def problem(month, name):
    company, document = PROBLEMS[name]
    return month.row(company, "supplierInvoice", document)


def total(row, pair):
    """The contract's rule, written again from apis/visma.md rather than taken from the seed's code."""
    on_top = ZERO if row["taxCalculationMode"] == "Gross" else row[f"vatTotal{pair}"]
    parts = row[f"detailTotal{pair}"] + on_top - row[f"discountTotal{pair}"]
    return parts - row[f"withholdingTax{pair}"] + row[f"roundingDiff{pair}"]


def misfooted(company, row):
    return PROBLEMS["does_not_foot"] == (company, key(row))


class TestSupplierInvoices:
    def test_lines_add_up_to_the_detail_total_in_both_currencies(self, invoices):
        for row in invoices:
            lines = row["invoiceLines"]
            assert sum(line["costInCurrency"] for line in lines) == row["detailTotalInCurrency"], key(row)
            assert sum(line["cost"] for line in lines) == row["detailTotal"], key(row)

    def test_line_costs_have_their_discounts_taken_off(self, invoices):
        for line in (line for row in invoices for line in row["invoiceLines"]):
            gross = (line["quantity"] * line["unitCostInCurrency"]).quantize(Decimal("0.01"))
            assert line["costInCurrency"] == gross - line["discountAmountInCurrency"]

    def test_tax_lines_add_up_and_follow_their_rates(self, invoices):
        for row in invoices:
            taxes = row["taxDetailLines"]
            assert sum(tax["vatAmount"] for tax in taxes) == row["vatTotalInCurrency"], key(row)
            for tax in taxes:
                assert abs(tax["taxableAmount"] * tax["vatRate"] / 100 - tax["vatAmount"]) <= Decimal("0.01"), key(row)

    def test_every_document_foots_but_the_one_that_must_not(self, company, invoices):
        assert [key(row) for row in invoices if total(row, "") != row["amount"]] == [
            key(row) for row in invoices if misfooted(company, row)
        ]

    def test_open_documents_owe_their_total_and_closed_ones_nothing(self, company, invoices):
        for row in invoices:
            if row["status"] == "Closed":
                assert row["balance"] == row["balanceInCurrency"] == 0
            elif not misfooted(company, row):
                assert 0 < row["balanceInCurrency"] <= total(row, "InCurrency"), key(row)

    def test_net_is_the_taxable_and_the_exempt_part(self, invoices):
        for row in invoices:
            net = row["vatTaxableTotalInCurrency"] + row["vatExemptTotalInCurrency"]
            assert (
                net + row["vatTotalInCurrency"]
                == total(row, "InCurrency") + row["withholdingTaxInCurrency"] - (row["roundingDiffInCurrency"])
            ), key(row)
            assert net == sum(tax["taxableAmount"] for tax in row["taxDetailLines"]), key(row)

    def test_amounts_are_positive_in_every_type(self, invoices):
        assert all(row["amount"] > 0 and line["cost"] > 0 for row in invoices for line in row["invoiceLines"])
        assert {row["documentType"] for row in invoices} >= {"Invoice", "DebitAdj", "Prepayment"}

    def test_euro_documents_have_a_rate_and_a_second_amount(self, company, invoices):
        euros = [row for row in invoices if row["currencyId"] == "EUR"]
        assert euros
        for row in euros:
            assert row["exchangeRate"] > 10
            assert abs(row["detailTotalInCurrency"] * row["exchangeRate"] - row["detailTotal"]) < Decimal("0.5")
        assert {row["exchangeRate"] for row in invoices if row["currencyId"] != "EUR"} == {1}

    def test_the_rarities_are_there(self, invoices):
        assert any(row["taxCalculationMode"] == "Gross" for row in invoices)
        assert any(row["roundingDiff"] for row in invoices)
        assert any(row["discountTotal"] for row in invoices)
        assert any(row["withholdingTax"] for row in invoices)
        assert any(len(row["invoiceLines"]) == 60 for row in invoices)
        assert any(line["discountPercent"] for row in invoices for line in row["invoiceLines"])


class TestSize:
    def test_a_month_of_a_mid_size_company(self, month):
        both = [row for company in ("NO01", "SE01") for row in month.rows(company, "supplierInvoice")]
        lines = [line for row in both for line in row["invoiceLines"]]
        assert len(both) >= 400
        assert len(lines) > 1000

    def test_it_uses_the_whole_chart_and_all_cost_centres(self, invoices):
        lines = [line for row in invoices for line in row["invoiceLines"]]
        assert len({line["account"]["number"] for line in lines}) >= 60
        assert len({line["subaccount"]["segments"][0]["segmentValue"] for line in lines}) >= 12

    def test_numbers_overlap_between_the_companies(self, month):
        for resource, field in (
            ("supplierInvoice", "referenceNumber"),
            ("supplier", "number"),
            ("account", "accountCD"),
        ):
            norwegian, swedish = ({row[field] for row in month.rows(c, resource)} for c in ("NO01", "SE01"))
            assert len(norwegian & swedish) > 50
        assert len(month.rows("NO01", "supplier")) == 80


class TestProblems:
    def test_inactive_account(self, month):
        used = {line["account"]["number"] for line in problem(month, "inactive_account")["invoiceLines"]}
        assert INACTIVE_ACCOUNT_NUMBER in used
        assert month.row("NO01", "account", INACTIVE_ACCOUNT_NUMBER)["active"] is False

    def test_unknown_cost_centre(self, month):
        lines = problem(month, "unknown_cost_centre")["invoiceLines"]
        assert UNKNOWN_COST_CENTRE_VALUE in {line["subaccount"]["segments"][0]["segmentValue"] for line in lines}
        segment = month.row("NO01", "dimension", "SUBACCOUNT")["segments"][0]
        assert UNKNOWN_COST_CENTRE_VALUE not in {value["valueId"] for value in segment["segmentValues"]}

    def test_long_text(self, month):
        company, supplier = PROBLEMS["long_text"]
        names = {row["number"]: len(row["name"]) for row in month.rows(company, "supplier")}
        assert names.pop(supplier) > 150
        assert max(names.values()) <= 40

    def test_supplier_missing(self, month):
        assert problem(month, "supplier_missing")["supplier"]["number"] == MISSING_SUPPLIER_NUMBER
        assert MISSING_SUPPLIER_NUMBER not in {row["number"] for row in month.rows("NO01", "supplier")}

    def test_does_not_foot(self, month):
        row = problem(month, "does_not_foot")
        assert row["amount"] - total(row, "") == Decimal("100.00")
        assert row["currencyId"] == "NOK"

    def test_suspected_duplicate(self, month):
        second, first = problem(month, "suspected_duplicate"), month.row("NO01", "supplierInvoice", DUPLICATED_DOCUMENT)
        for field in ("supplier", "supplierReference", "amount", "currencyId"):
            assert second[field] == first[field]
        assert second["referenceNumber"] != first["referenceNumber"]

    def test_before_cutover(self, month, invoices):
        assert problem(month, "before_cutover")["date"] == "2026-09-24T00:00:00"

    def test_unmapped_type(self, month):
        assert problem(month, "unmapped_type")["documentType"] == "QuickCheck"

    def test_draft_on_hold(self, month):
        row = problem(month, "draft_on_hold")
        assert (row["status"], row["hold"]) == ("Hold", True)

    def test_other_entity_line(self, month):
        row = problem(month, "other_entity_line")
        assert row["branchNumber"]["number"] == "10"
        assert [line["branchNumber"]["number"] for line in row["invoiceLines"]][-1] == "20"

    def test_no_other_document_has_any_of_these_problems(self, month, company, invoices):
        """Only the known keys are bad, so that a run's counts can be foretold."""
        suppliers = {row["number"] for row in month.rows(company, "supplier")}
        accounts = {row["accountCD"] for row in month.rows(company, "account") if row["active"]}
        segment = month.row(company, "dimension", "SUBACCOUNT")["segments"][0]
        centres = {value["valueId"] for value in segment["segmentValues"]}
        duplicates = Counter((row["supplier"]["number"], row["supplierReference"], row["amount"]) for row in invoices)

        def is_bad(row):
            lines = row["invoiceLines"]
            return (
                row["supplier"]["number"] not in suppliers
                or any(line["account"]["number"] not in accounts for line in lines)
                or any(line["subaccount"]["segments"][0]["segmentValue"] not in centres for line in lines)
                or any(line["branchNumber"] != row["branchNumber"] for line in lines)
                or row["date"] < "2026-10-01"
                or row["status"] not in {"Open", "Closed"}
                or row["documentType"] not in {"Invoice", "DebitAdj", "Prepayment"}
                or total(row, "") != row["amount"]
                or duplicates[row["supplier"]["number"], row["supplierReference"], row["amount"]] > 1
            )

        documents = {p.document for p in PROBLEMS.values() if p.company == company} - {PROBLEMS["long_text"].document}
        expected = documents | ({DUPLICATED_DOCUMENT} if company == "NO01" else set())
        assert {key(row) for row in invoices if is_bad(row)} == expected


class TestTheRest:
    def test_journals_balance_in_both_currencies(self, month, company):
        batches = month.rows(company, "journaltransaction")
        assert {batch["module"] for batch in batches} == {"ModuleAP", "ModuleAR", "ModuleGL"}
        for batch in batches:
            for pair in ("", "InCurrency"):
                lines = batch["journalTransactionLines"]
                debit = sum(line[f"debitAmount{pair}"] for line in lines)
                credit = sum(line[f"creditAmount{pair}"] for line in lines)
                assert debit == credit == batch[f"debitTotal{pair}"] == batch[f"creditTotal{pair}"] > 0

    def test_a_payables_batch_posts_what_the_document_owes(self, month, company, invoices):
        posted = {
            (line["transactionType"], line["referenceNumber"]): line["creditAmount"] + line["debitAmount"]
            for batch in month.rows(company, "journaltransaction")
            for line in batch["journalTransactionLines"]
            if line["accountNumber"] == "2400"
        }
        for row in invoices:
            if row["status"] != "Hold" and not misfooted(company, row):
                assert posted[row["documentType"], row["referenceNumber"]] == row["amount"], key(row)

    def test_payments_close_what_they_pay(self, month, company, invoices):
        by_number = {row["referenceNumber"]: row for row in invoices}
        payments = month.rows(company, "supplierPayment")
        assert len(payments) > 20
        settled = 0
        for payment in payments:
            assert payment["paymentAmount"] == sum(line["amountPaid"] for line in payment["paymentLines"])
            for line in payment["paymentLines"]:
                invoice = by_number[line["invoiceRefNbr"]]
                assert invoice["supplier"]["number"] == payment["supplier"]["number"]
                assert invoice["balanceInCurrency"] + line["amountPaid"] == total(invoice, "InCurrency")
                assert (invoice["status"] == "Closed") == (invoice["balanceInCurrency"] == 0)
                settled += 1
        assert settled >= sum(row["status"] == "Closed" for row in invoices) > 40
        assert any(line["balance"] > 0 for payment in payments for line in payment["paymentLines"]), (
            "one is paid in part"
        )

    def test_billed_lines_match_their_order_and_receipt(self, month, company, invoices):
        orders = {row["orderNbr"]: row for row in month.rows(company, "purchaseorder")}
        receipts = {row["receiptNbr"]: row for row in month.rows(company, "purchasereceipt")}
        matched = [(row, line) for row in invoices for line in row["invoiceLines"] if "poNumber" in line]
        assert len({line["poNumber"] for _, line in matched}) > 15
        for row, line in matched:
            order, receipt = orders[line["poNumber"]], receipts[line["poReceiptNbr"]]
            ordered = order["lines"][line["poLineNr"] - 1]
            received = receipt["lines"][line["poReceiptLineNbr"] - 1]
            assert row["supplier"]["number"] == order["supplier"]["number"] == receipt["supplier"]["number"]
            assert line["inventoryNumber"] == ordered["inventory"]["number"] == received["inventory"]["number"]
            assert line["quantity"] == received["receiptQty"] == ordered["qtyOnReceipts"]
            assert line["unitCostInCurrency"] == ordered["unitCost"]

    def test_orders_foot_and_know_what_is_open(self, month, company):
        orders = month.rows(company, "purchaseorder")
        assert {row["status"] for row in orders} == {"Open", "Closed"}
        for row in orders:
            assert sum(line["extCost"] for line in row["lines"]) == row["lineTotal"]
            assert row["lineTotal"] + row["taxTotal"] == row["orderTotal"]
            assert sum(line["orderQty"] - line["qtyOnReceipts"] for line in row["lines"]) == row["openQuantity"]

    def test_customer_invoices_foot(self, month, company):
        for row in month.rows(company, "customerinvoice"):
            for pair in ("", "InCurrency"):
                assert sum(line[f"amount{pair}"] for line in row["invoiceLines"]) == row[f"detailTotal{pair}"]
                assert row[f"detailTotal{pair}"] + row[f"vatTotal{pair}"] == row[f"amount{pair}"]

    def test_closed_periods_and_the_open_october(self, month):
        open_months = [
            row["period"] for row in month.rows("NO01", "financialPeriod") if not row["closedInSupplierLedger"]
        ]
        assert open_months == ["10", "11", "12"]


def test_the_month_is_deterministic_and_a_seed_makes_another():
    first, again, other = (write_books(Books(NO01, seed)) for seed in (1, 1, 2))
    assert first == again
    assert [key(row) for row in first["supplierinvoice"]] == [key(row) for row in other["supplierinvoice"]]
    assert first["supplierinvoice"] != other["supplierinvoice"]
