"""What the two companies of the group invoice each other in October, and how the other one has booked it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from ml_connector_simulators.visma.seed import sales
from ml_connector_simulators.visma.seed.company import COMPANIES
from ml_connector_simulators.visma.seed.drafts import Draft, DraftLine
from ml_connector_simulators.visma.seed.supplier_invoices import document
from ml_connector_simulators.visma.seed.values import amount, cents

if TYPE_CHECKING:
    from ml_connector_simulators.visma.seed.company import Books, Company, Row

CUSTOMER_NUMBER, SUPPLIER_NUMBER = "10901", "50901"
_INTERNAL_ID = {"customer": 2901, "supplier": 1901}
_CURRENCY = "EUR"  # what the group settles in
_COST_CENTRE = "510"


class Deal(NamedTuple):
    """One invoice between the companies; `booked` is what the buyer has of it, if anything."""

    seller: str
    buyer: str
    number: str
    on: date
    text: str
    account: str  # the buyer's
    total: str
    booked: str = ""
    booked_as: str = ""


DEALS = (
    Deal(
        "NO01", "SE01", "290001", date(2026, 10, 12), "Management fee 10/2026", "6700", "18400.00", "18400.00", "190001"
    ),
    Deal("NO01", "SE01", "290002", date(2026, 10, 19), "IT services 10/2026", "6552", "7250.00", "7200.00", "190002"),
    Deal("NO01", "SE01", "290003", date(2026, 10, 29), "Goods, late October", "4300", "4980.00"),
    Deal("SE01", "NO01", "290001", date(2026, 10, 21), "Goods, October", "4300", "9120.50", "9120.50", "190001"),
)
"""One matched each way, one that differs by 50.00, one that the buyer does not have."""


@dataclass(frozen=True)
class Dealings:
    """What one company has in its books of them."""

    drafts: list[Draft] = field(default_factory=list)
    sold: list[Row] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)


def dealings(books: Books) -> Dealings:
    """The company's partner as customer and supplier, and the documents of both."""
    partner = next(company for company in COMPANIES if company != books.company)
    customer = _partner(books.customers[0], "customer", CUSTOMER_NUMBER, partner)
    supplier = _partner(books.suppliers[0], "supplier", SUPPLIER_NUMBER, partner)
    sold = [_invoice(books, customer, deal) for deal in DEALS if deal.seller == books.company.code]
    bought = [deal for deal in DEALS if deal.buyer == books.company.code]
    drafts = [_draft(books, supplier, deal) for deal in bought if deal.booked]
    rows = {
        "customer": [customer],
        "supplier": [supplier],
        "customerinvoice": sold,
        "supplierinvoice": [document(books, draft) for draft in drafts],
    }
    return Dealings(drafts, [dict(row) for row in sold], rows)


def _partner(like: Row, kind: str, number: str, company: Company) -> Row:
    return like | {
        "internalId": _INTERNAL_ID[kind],
        "number": number,
        "name": company.name,
        "accountReference": company.code,
        "vatRegistrationId": company.vat_registration_id,
        "corporateId": company.corporate_id,
        "currencyId": _CURRENCY,
    }


def _invoice(books: Books, customer: Row, deal: Deal) -> Row:
    price = {"quantity": amount(1)} | dict.fromkeys(("unitPriceInCurrency", "amountInCurrency"), amount(deal.total))
    price |= dict.fromkeys(("unitPrice", "amount"), amount(cents(Decimal(deal.total) * books.rate(_CURRENCY))))
    line = sales.line(books, books.chance(f"intercompany {deal.number}"), 1, _CURRENCY)
    line |= price | {"description": deal.text}
    numbers = sales.Numbers(deal.number, f"IC-{deal.number}", f"{deal.number}0", "")
    return sales.written(books, customer, [line], code=_CURRENCY, entered=_entered(deal, 9), numbers=numbers)


def _draft(books: Books, supplier: Row, deal: Deal) -> Draft:
    return Draft(
        number=deal.booked_as,
        supplier=supplier,
        on=deal.on,
        entered=_entered(deal, 14),
        currency=_CURRENCY,
        rate=books.rate(_CURRENCY),
        lines=[DraftLine(deal.account, _COST_CENTRE, "0", deal.text, Decimal(1), Decimal(deal.booked))],
        supplier_reference=deal.number,
    )


def _entered(deal: Deal, hour: int) -> datetime:
    return datetime(deal.on.year, deal.on.month, deal.on.day, hour, 30)  # noqa: DTZ001  Visma's times have no zone
