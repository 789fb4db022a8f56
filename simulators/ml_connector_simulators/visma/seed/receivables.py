"""What customers get beside invoices, and what they pay: credit notes, debit notes, payments."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from ml_connector_simulators.visma.seed.sales import document
from ml_connector_simulators.visma.seed.values import amount, day, instant, office_hours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector_simulators.visma.seed.company import Books, Row

CREDIT_NOTE, DEBIT_NOTE = "CreditNote", "DebitNote"
_SERIES = {CREDIT_NOTE: (210_000, 6), DEBIT_NOTE: (220_000, 3)}  # first number, how many a month
_INVOICES_ONLY = ("isRotRutDeductible", "sendToAutoInvoice", "excludeDebtCollection")
_PAID_EVERY = 3


def notes(books: Books, kind: str) -> Iterator[Row]:
    """The month's credit or debit notes: documents like invoices whose lines are called `lines`, amounts positive."""
    chance = books.chance(kind)
    first, count = _SERIES[kind]
    for index in range(1, count + 1):
        row = document(books, chance, index * 30 // count * books.company.customer_invoices // 30, first + index)
        lines = row.pop("invoiceLines")
        kept = {name: value for name, value in row.items() if name not in _INVOICES_ONLY}
        yield kept | {"documentType": kind, "lines": lines}


def customer_payments(books: Books, invoices: list[Row]) -> Iterator[Row]:
    """Every third invoice is paid in full; it is changed in place."""
    chance = books.chance("customer payments")
    for index, row in enumerate(invoices[::_PAID_EVERY], 1):
        on = min(
            date.fromisoformat(row["documentDate"][:10]) + timedelta(days=chance.randrange(5, 15)), date(2026, 10, 30)
        )
        paid_at = instant(office_hours(on, chance))
        payment = _payment(books, row, str(310_000 + index), on) | {"lastModifiedDateTime": paid_at}
        row |= {"balance": amount(0), "balanceInCurrency": amount(0), "status": "Closed"}
        row |= {"closedFinancialPeriod": f"{on:%Y%m}", "lastModifiedDateTime": paid_at}
        yield payment


def _payment(books: Books, invoice: Row, number: str, on: date) -> Row:
    return {
        "type": "Payment",
        "refNbr": number,
        "status": "Closed",
        "hold": False,
        "applicationDate": day(on),
        "applicationPeriod": f"{on:%Y%m}",
        "paymentRef": f"K{number}",
        "customer": invoice["customer"],
        "location": invoice["location"],
        "paymentMethod": invoice["paymentMethod"],
        "cashAccount": "1920",
        "currency": invoice["currencyId"],
        "paymentAmount": invoice["amount"],
        "paymentAmountInCurrency": invoice["amountInCurrency"],
        "invoiceText": "",
        "appliedToDocuments": invoice["amountInCurrency"],
        "appliedToOrders": amount(0),
        "availableBalance": amount(0),
        "availableBalanceInCurrency": amount(0),
        "writeOffAmount": amount(0),
        "financeCharges": amount(0),
        "deductedCharges": amount(0),
        "branch": books.branch()["number"],
        "paymentLines": [_applied(invoice)],
        "ordersToApply": [],
    }


def _applied(invoice: Row) -> Row:
    return {
        "documentType": invoice["documentType"],
        "refNbr": invoice["referenceNumber"],
        "amountPaid": invoice["amountInCurrency"],
        "cashDiscountTaken": amount(0),
        "balanceWriteOff": amount(0),
        "date": invoice["documentDate"],
        "dueDate": invoice["documentDueDate"],
        "cashDiscountDate": invoice["cashDiscountDate"],
        "balance": amount(0),
        "cashDiscountBalance": amount(0),
        "description": "",
        "currency": invoice["currencyId"],
        "postPeriod": invoice["postPeriod"],
        "customerOrder": invoice["customerRefNumber"],
        "crossRate": amount(1),
    }
