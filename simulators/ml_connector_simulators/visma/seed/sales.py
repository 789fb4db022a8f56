"""The month's customer invoices."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from ml_connector_simulators.visma.seed.chart import COST_CENTRES, ITEMS
from ml_connector_simulators.visma.seed.values import amount, cents, day, instant, office_hours

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from datetime import datetime

    from ml_connector_simulators.visma.seed.company import Books, Row

_ABROAD_EVERY = 12  # one invoice in twelve is an export in EUR
_DEFAULTS: Row = {
    "isRotRutDeductible": False,
    "attachments": [],
    "sendToAutoInvoice": True,
    "roundingDiff": amount(0),
    "excludeDebtCollection": False,
    "hold": False,
    "revoked": False,
    "documentType": "Invoice",
    "status": "Open",
    "invoiceText": "",
    "note": "",
}


def customer_invoices(books: Books) -> Iterator[Row]:
    """The customer invoices; an export is in EUR and free of VAT."""
    chance = books.chance("customer invoices")
    for index in range(1, books.company.customer_invoices + 1):
        yield document(books, chance, index, 200_000 + index)


def document(books: Books, chance: random.Random, index: int, numbered: int) -> Row:
    """One document to a customer; its place in the month says when, and to whom."""
    code = "EUR" if index % _ABROAD_EVERY == 0 else books.company.currency
    on = date(2026, 10, 1) + timedelta(days=min(29, index * 30 // books.company.customer_invoices))
    lines = [line(books, chance, number, code) for number in range(1, chance.randrange(2, 6))]
    customer = books.customers[index * 3 % len(books.customers)]
    numbers = Numbers(str(numbered), f"SO-{numbered}", f"{numbered}{index % 10}", f"REF-{index}")
    return written(books, customer, lines, code=code, entered=office_hours(on, chance), numbers=numbers)


class Numbers(NamedTuple):
    """What a document is called: by itself, by the order system, on the payment, by the customer."""

    own: str
    external: str
    payment: str
    customer: str


def written(books: Books, customer: Row, lines: list[Row], *, code: str, entered: datetime, numbers: Numbers) -> Row:
    """A document with these lines, dated when it was entered."""
    on = entered.date()
    rate, vat_rate = books.rate(code), 0 if code == "EUR" else 25
    sums, in_currency = _sums(lines, "", rate, vat_rate), _sums(lines, "InCurrency", Decimal(1), vat_rate)
    return {
        **_DEFAULTS,
        **_from_customer(customer),
        "documentDueDate": day(on + timedelta(days=14)),
        "cashDiscountDate": day(on + timedelta(days=14)),
        "externalReference": numbers.external,
        "exchangeRate": rate.quantize(Decimal("0.00000001")),
        "taxDetails": [_tax_detail(books, vat_rate, in_currency)],
        "invoiceLines": lines,
        "customerVatZone": {
            "id": "02" if code == "EUR" else "01",
            "description": "EU" if code == "EUR" else "Domestic",
        },
        **sums,
        **{f"{name}InCurrency": value for name, value in in_currency.items()},
        "paymentReference": numbers.payment,
        "referenceNumber": numbers.own,
        "postPeriod": f"{on:%Y%m}",  # YYYYPP here, by the spec's own text
        "financialPeriod": f"{on:%Y%m}",
        "documentDate": day(on),
        "origInvoiceDate": day(on),
        "currencyId": code,
        "customerRefNumber": numbers.customer,
        "lastModifiedDateTime": instant(entered + timedelta(minutes=4)),
        "createdDateTime": instant(entered),
        "branchNumber": books.branch(),
        "account": books.account("1500"),
        "subaccount": books.subaccount("110"),
    }


def _sums(lines: list[Row], pair: str, rate: Decimal, vat_rate: int) -> dict[str, Decimal]:
    detail = sum((line[f"amount{pair}"] for line in lines), Decimal(0))
    in_currency = sum((line["amountInCurrency"] for line in lines), Decimal(0))
    vat = cents(cents(in_currency * vat_rate / 100) * rate)
    sums = {
        "discountTotal": Decimal(0),
        "detailTotal": detail,
        "vatTaxableTotal": detail if vat_rate else Decimal(0),
        "vatExemptTotal": Decimal(0) if vat_rate else detail,
        "vatTotal": vat,
        "amount": detail + vat,
        "balance": detail + vat,
        "cashDiscount": Decimal(0),
    }
    return {name: amount(value) for name, value in sums.items()}


def _from_customer(customer: Row) -> Row:
    """What an invoice takes over from its customer."""
    return {
        "customer": {"number": customer["number"], "name": customer["name"]},
        "invoiceAddress": {**customer["invoiceAddress"], "overrideAddress": False},
        "paymentMethod": {"id": "3", "description": "Bank transfer"},
        **{name: customer[name] for name in ("creditTerms", "location")},
    }


def _tax_detail(books: Books, vat_rate: int, sums: dict[str, Decimal]) -> Row:
    wanted = "UT25" if vat_rate else "IN00"
    vat_id, description = next((code, text) for _, code, text, _ in books.company.vat_rates if code == wanted)
    return {
        "taxId": vat_id,
        "recordId": 1,
        "vatId": {"number": vat_id, "description": description},
        "vatRate": amount(vat_rate),
        "taxableAmount": sums["detailTotal"],
        "vatAmount": sums["vatTotal"],
    }


def line(books: Books, chance: random.Random, number: int, code: str) -> Row:
    """One line that sells an item."""
    item, (norwegian, swedish, price) = chance.choice(list(ITEMS.items()))
    quantity = chance.choice((1, 2, 5, 12))
    unit_price = cents(Decimal(price) * Decimal("1.4") / (books.company.euro_rate if code == "EUR" else 1))
    total = cents(unit_price * quantity)
    rate = books.rate(code)
    return {
        "attachments": [],
        "lineNumber": number,
        "inventoryNumber": item,
        "description": books.text({"no": norwegian, "sv": swedish}),
        "quantity": amount(quantity),
        "unitPrice": amount(unit_price * rate),
        "unitPriceInCurrency": amount(unit_price),
        "amount": amount(cents(total * rate)),
        "amountInCurrency": amount(total),
        "account": books.account("3100" if code == "EUR" else "3000"),
        "vatCode": {"id": "0" if code == "EUR" else "3", "description": ""},
        "uom": "STK",
        "discountPercent": amount(0),
        "discountAmount": amount(0),
        "discountAmountInCurrency": amount(0),
        "manualDiscount": False,
        "subaccount": books.subaccount(chance.choice(COST_CENTRES[:4]).code, "02"),
        "note": "",
        "branchNumber": books.branch(),
    }
