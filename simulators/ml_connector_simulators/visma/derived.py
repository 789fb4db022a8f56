"""Resources that are views of others: what Visma shows of documents and journals in its ledgers."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Row = dict[str, Any]

_SUPPLIER_FIELDS = [
    "supplier",
    "documentType",
    "referenceNumber",
    "postPeriod",
    "financialPeriod",
    "date",
    "origInvoiceDate",
    "dueDate",
    "approvalStatus",
    "status",
    "currencyId",
    "balance",
    "balanceInCurrency",
    "cashDiscount",
    "cashDiscountInCurrency",
    "paymentMethod",
    "supplierReference",
    "description",
    "createdDateTime",
    "lastModifiedDateTime",
    "note",
    "closedFinancialPeriod",
    "location",
    "vatTotal",
    "vatTotalInCurrency",
    "branchNumber",
    "payDate",
    "paymentMessage",
    "cashAccount",
    "timeStamp",
]
_CUSTOMER_FIELDS = [
    "documentDueDate",
    "customer",
    "documentType",
    "referenceNumber",
    "postPeriod",
    "financialPeriod",
    "closedFinancialPeriod",
    "documentDate",
    "origInvoiceDate",
    "status",
    "currencyId",
    "amount",
    "amountInCurrency",
    "balance",
    "balanceInCurrency",
    "cashDiscount",
    "cashDiscountInCurrency",
    "paymentMethod",
    "customerRefNumber",
    "invoiceText",
    "lastModifiedDateTime",
    "createdDateTime",
    "note",
    "vatTotal",
    "vatTotalInCurrency",
    "location",
    "branchNumber",
    "cashAccount",
    "project",
    "account",
    "subaccount",
]


def _some(row: Row, fields: list[str]) -> Row:
    return {name: row[name] for name in fields if name in row}


def supplier_documents(rows: Callable[[str], list[Row]]) -> Iterator[Row]:
    """Headers of supplier invoices of all types, and of payments, which are called Check here."""
    for row in rows("supplierinvoice"):
        total = _in_currency(row)
        yield {**_some(row, _SUPPLIER_FIELDS), "amount": row["amount"], "amountInCurrency": total}
    for row in rows("supplierpayment"):
        yield {
            "supplier": row["supplier"],
            "documentType": "Check",
            "referenceNumber": row["refNbr"],
            "financialPeriod": row["applicationPeriod"],
            "date": row["applicationDate"],
            "status": row["status"],
            "currencyId": row["currency"]["id"],
            "amountInCurrency": row["paymentAmount"],
            "balanceInCurrency": row["balance"],
            "createdDateTime": row["lastModifiedDateTime"],
            **_some(row, ["location", "cashAccount", "description", "lastModifiedDateTime", "timeStamp"]),
        }


def _in_currency(row: Row) -> Decimal:
    """A supplier invoice's total in document currency, which its own resource does not show."""
    on_top = Decimal(0) if row["taxCalculationMode"] == "Gross" else row["vatTotalInCurrency"]
    taken_off = row["discountTotalInCurrency"] + row["withholdingTaxInCurrency"]
    total: Decimal = row["detailTotalInCurrency"] + on_top - taken_off + row["roundingDiffInCurrency"]
    return total


def customer_documents(rows: Callable[[str], list[Row]]) -> Iterator[Row]:
    """Headers of customer invoices, credit and debit notes, and payments."""
    for resource in ("customerinvoice", "customercreditnote", "customerdebitnote"):
        yield from (_some(row, _CUSTOMER_FIELDS) for row in rows(resource))
    for row in rows("customerpayment"):
        yield {
            "customer": row["customer"],
            "documentType": "Payment",
            "referenceNumber": row["refNbr"],
            "financialPeriod": row["applicationPeriod"],
            "documentDate": row["applicationDate"],
            "documentDueDate": row["applicationDate"],
            "currencyId": row["currency"],
            "amount": row["paymentAmount"],
            "amountInCurrency": row["paymentAmountInCurrency"],
            "balance": row["availableBalance"],
            "balanceInCurrency": row["availableBalanceInCurrency"],
            "createdDateTime": row["lastModifiedDateTime"],
            **_some(row, ["status", "location", "cashAccount", "paymentMethod", "lastModifiedDateTime"]),
        }


def ledger_transactions(rows: Callable[[str], list[Row]]) -> Iterator[Row]:
    """Every line of every posted batch."""
    accounts = {row["accountCD"]: row for row in rows("account")}
    for batch in rows("journaltransaction"):
        for line in batch["journalTransactionLines"]:
            yield {
                "lineNumber": line["lineNumber"],
                "module": batch["module"].removeprefix("Module"),
                "batchNumber": batch["batchNumber"],
                "tranDate": batch["transactionDate"],
                "period": batch["financialPeriod"],
                "description": line["transactionDescription"],
                "refNumber": line["referenceNumber"],
                "branch": {"number": line["branch"]},
                "account": _account(accounts[line["accountNumber"]]),
                "ledger": {"id": batch["ledger"], "description": batch["ledgerDescription"]},
                "subaccount": line["subaccount"]["subaccountNumber"],
                "debitAmount": line["debitAmount"],
                "creditAmount": line["creditAmount"],
                "currency": batch["currencyId"],
                "currDebitAmount": line["debitAmountInCurrency"],
                "currCreditAmount": line["creditAmountInCurrency"],
                "lastModifiedDateTime": batch["lastModifiedDateTime"],
            }


def _account(row: Row) -> Row:
    return {"type": row["type"], "number": row["accountCD"], "description": row["description"]}


def ledger_balances(rows: Callable[[str], list[Row]]) -> Iterator[Row]:
    """What each account moved by in its period; the books were opened with the year's first one, at nothing."""
    moved: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    closed: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for line in ledger_transactions(rows):
        place = (line["branch"]["number"], line["ledger"]["id"], line["period"], line["account"]["number"])
        moved[(*place, line["subaccount"])].append(line)
    for (branch, ledger, _, account, subaccount), lines in sorted(moved.items()):
        place = (branch, ledger, account, subaccount)
        row = _balance(lines, subaccount, closed[place])
        closed[place] = row["yearToDateBalance"]
        yield row


def _balance(lines: list[Row], subaccount: str, opening: Decimal) -> Row:
    sums = {
        name: sum((line[name] for line in lines), Decimal(0))
        for name in ("debitAmount", "creditAmount", "currDebitAmount", "currCreditAmount")
    }
    first = lines[0]
    return {
        "branch": first["branch"],
        "ledger": first["ledger"],
        "balanceType": "Actual",
        "financialPeriod": first["period"],
        "account": first["account"],
        "subaccountId": str(int(subaccount)),
        "subAccountCd": subaccount,
        "periodToDateDebit": sums["debitAmount"],
        "periodToDateCredit": sums["creditAmount"],
        "beginningBalance": opening + Decimal("0.0000"),
        "yearToDateBalance": opening + sums["debitAmount"] - sums["creditAmount"],
        "yearClosed": False,
        "lastModifiedDateTime": max(line["lastModifiedDateTime"] for line in lines),
    }


DERIVED: Mapping[str, Callable[[Callable[[str], list[Row]]], Iterator[Row]]] = {
    "supplierdocument": supplier_documents,
    "customerdocument": customer_documents,
    "generalledgertransactions": ledger_transactions,
    "generalledgerbalance": ledger_balances,
}
