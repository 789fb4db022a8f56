"""Supplier payments: they close some of the month's invoices, and one is paid in part."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from ml_connector_simulators.visma.seed.masters import currency
from ml_connector_simulators.visma.seed.problems import DUPLICATED_DOCUMENT, PROBLEMS
from ml_connector_simulators.visma.seed.values import amount, cents, day, instant, office_hours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector_simulators.visma.seed.company import Books, Row

_UNPAID = {problem.document for problem in PROBLEMS.values()} | {DUPLICATED_DOCUMENT}  # they keep their problem whole
_PAID_IN_PART = 5  # the payment that pays half


def supplier_payments(books: Books, invoices: list[Row]) -> Iterator[Row]:
    """Pay every third invoice, up to three of one supplier at once; the invoices paid are changed in place."""
    chance = books.chance("payments")
    due = [row for index, row in enumerate(invoices) if index % 3 == 0 and _payable(row)]
    due.sort(key=lambda row: row["supplier"]["number"])
    for number, (_, owed) in enumerate(groupby(due, key=lambda row: row["supplier"]["number"]), 1):
        together = list(owed)[:3]
        on = max(date.fromisoformat(row["date"][:10]) for row in together) + timedelta(days=chance.randrange(3, 9))
        on = min(on, date(2026, 10, 30))
        paid_at = instant(office_hours(on, chance))
        share = Decimal("0.5") if number == _PAID_IN_PART else Decimal(1)
        lines = [_settle(books, row, on, paid_at, share) for row in together]
        yield _payment(books, str(300_000 + number), together[0], lines) | {
            "applicationDate": day(on),
            "applicationPeriod": f"{on:%Y%m}",
            "lastModifiedDateTime": paid_at,
        }


def _payable(row: Row) -> bool:
    return row["documentType"] == "Invoice" and f"Invoice/{row['referenceNumber']}" not in _UNPAID


def _settle(books: Books, row: Row, on: date, paid_at: str, share: Decimal) -> Row:
    """Pay a share of an invoice's balance; fully paid it is Closed with balance 0."""
    paid = cents(row["balanceInCurrency"] * share)
    row["balanceInCurrency"] = amount(row["balanceInCurrency"] - paid)
    row["balance"] = amount(row["balance"] - cents(row["balance"] * share))
    row["lastModifiedDateTime"] = paid_at
    if not row["balanceInCurrency"]:
        row["status"], row["closedFinancialPeriod"] = "Closed", f"{on:%Y%m}"
    return {
        "branch": books.branch()["number"],
        "docType": row["documentType"],
        "invoiceRefNbr": row["referenceNumber"],
        "amountPaid": amount(paid),
        "cashDiscountTaken": amount(0),
        "withholdingTax": amount(0),
        "applicationPeriod": f"{on:%Y%m}",
        "date": row["date"],
        "dueDate": row["dueDate"],
        "cashDiscountDate": row["cashDiscountDate"],
        "balance": row["balanceInCurrency"],
        "cashDiscountBalance": amount(0),
        "description": row["description"],
        "currency": row["currencyId"],
        "postPeriod": row["postPeriod"],
        "supplierRef": row["supplierReference"],
    }


def _payment(books: Books, number: str, first: Row, lines: list[Row]) -> Row:
    paid = amount(sum((line["amountPaid"] for line in lines), Decimal(0)))
    return {
        "type": "Payment",
        "documentType": "Payment",
        "refNbr": number,
        "status": "Closed",
        "hold": False,
        "paymentRef": f"B{number}",
        "supplier": first["supplier"],
        "location": first["location"],
        "paymentMethod": "3",
        "cashAccount": "1920",
        "currency": currency(books, first["currencyId"]),
        "description": "",
        "paymentAmount": paid,
        "financeCharges": amount(0),
        "balance": amount(0),
        "unappliedBalance": amount(0),
        "appliedAmount": paid,
        "released": True,
        "branch": books.branch()["number"],
        "paymentLines": lines,
    }
