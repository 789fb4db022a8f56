"""The month's supplier invoices: ordinary ones by chance, problems and rarities by number."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector_simulators.visma.seed.chart import ACCOUNTS, COST_CENTRES
from ml_connector_simulators.visma.seed.drafts import Draft, DraftLine, Totals, tax_lines, totals
from ml_connector_simulators.visma.seed.parties import PAYMENT_TERMS, VAT_ZONES, trade_of
from ml_connector_simulators.visma.seed.twists import twist
from ml_connector_simulators.visma.seed.values import amount, cents, day, instant, office_hours, periods

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from ml_connector_simulators.visma.seed.company import Books, Row
    from ml_connector_simulators.visma.seed.drafts import TaxLine

FIRST_NUMBER = 100001
_LOW_VAT = {"5910": "11", "7350": "11", "7130": "13", "7140": "13"}
_NO_VAT = {"4160", "5950", "6110", "6940", "7040", "7400", "7500", "7770"}
_BIG_TICKETS = {"12": 18_000, "40": 9_000, "41": 9_000, "43": 7_500, "45": 14_000, "50": 12_000, "63": 11_000}
_NAMES = {account.number: account.names for account in ACCOUNTS}


def supplier_invoices(books: Books, ordered: list[list[DraftLine]]) -> Iterator[tuple[Draft, Row]]:
    """Every supplier invoice of the month, as typed and as Visma shows it.

    `ordered` holds lines that bill a purchase order's receipt, one list per invoice to come.
    """
    chance = books.chance("supplier invoices")
    written: dict[str, Draft] = {}
    for index in range(books.company.supplier_invoices):
        draft = _ordinary(books, chance, index)
        if index % 7 == 5 and ordered:  # noqa: PLR2004  one in seven bills an order
            _bill_order(books, draft, ordered.pop(0))
        twist(books, draft, written)
        written[draft.key] = draft
        yield draft, document(books, draft)


def ordinary_draft(books: Books, chance: random.Random, index: int) -> Draft:
    """One ordinary supplier invoice, for benchmarks."""
    return _ordinary(books, chance, index)


def _ordinary(books: Books, chance: random.Random, index: int) -> Draft:
    supplier = books.suppliers[index * 7 % len(books.suppliers)]
    on = date(2026, 10, 1) + timedelta(days=min(29, index * 30 // books.company.supplier_invoices))
    currency = supplier["currencyId"]
    whole_units = currency != "EUR" and chance.random() < 0.1  # noqa: PLR2004
    return Draft(
        number=str(FIRST_NUMBER + index),
        supplier=supplier,
        on=on,
        entered=office_hours(on + timedelta(days=chance.randrange(2)), chance),
        currency=currency,
        rate=books.rate(currency),
        lines=[_line(books, chance, supplier, index // 16 + n) for n in range(chance.choice((1, 1, 2, 2, 3, 4, 6)))],
        supplier_reference=f"{chance.randrange(10_000, 100_000)}-{index}",
        gross=currency != "EUR" and chance.random() < 0.06,  # noqa: PLR2004
        whole_units=whole_units,
    )


def _line(books: Books, chance: random.Random, supplier: Row, turn: int) -> DraftLine:
    accounts = trade_of(supplier["number"]).accounts
    account = accounts[turn % len(accounts)]
    domestic = supplier["currencyId"] == books.company.currency
    typical = _BIG_TICKETS.get(account[:2], 1_900)
    return DraftLine(
        account=account,
        cost_centre=chance.choice(COST_CENTRES).code,
        vat_category=_LOW_VAT.get(account, "0" if account in _NO_VAT else "1") if domestic else "0",
        description=f"{books.text(_NAMES[account])} 10/2026",
        quantity=Decimal(chance.choice((1, 1, 1, 2, 3, 10))),
        unit_cost=cents(Decimal(chance.randrange(typical * 20, typical * 180)) / 100 / (1 if domestic else 10)),
        discount_percent=Decimal(chance.choice((0,) * 9 + (10,))),
    )


def _bill_order(books: Books, draft: Draft, lines: list[DraftLine]) -> None:
    """Make an invoice bill what was ordered and received: the order's supplier, lines and a date after receipt."""
    number = lines[0].order["supplier"]
    draft.supplier = next(row for row in books.suppliers if row["number"] == number)
    draft.currency, draft.rate, draft.gross = books.company.currency, Decimal(1), False
    draft.lines = lines


def document(books: Books, draft: Draft) -> Row:
    """The document as Visma shows it."""
    taxes = tax_lines(books.company, draft)
    in_currency, in_base = totals(draft, taxes, Decimal(1)), totals(draft, taxes, draft.rate)
    due = draft.on + timedelta(days=PAYMENT_TERMS[draft.supplier["creditTerms"]["id"]][1])
    return {
        "taxDetailLines": [_tax_detail(index, tax) for index, tax in enumerate(taxes, 1)],
        "attachments": [],
        "invoiceLines": [_document_line(books, draft, number, line) for number, line in enumerate(draft.lines, 1)],
        "hold": draft.hold,
        "exchangeRate": draft.rate.quantize(Decimal("0.00000001")),
        "paymentRefNo": f"{draft.number}{int(draft.number) % 97:02d}",
        **_from_supplier(draft),
        "retainageApply": False,
        "cashDiscountDate": day(due),
        **_sums(in_currency, in_base, draft.misfooted_by),
        "taxCalculationMode": "Gross" if draft.gross else "Net",
        "supplierTaxZone": VAT_ZONES["02" if draft.currency == "EUR" else "01"],
        "paySelected": False,
        "documentVersionNumber": 1,
        "documentType": draft.type,
        "referenceNumber": draft.number,
        **periods(draft.on),
        "date": day(draft.on),
        "origInvoiceDate": day(draft.on),
        "dueDate": day(due),
        "approvalStatus": "New" if draft.hold else "ApprovedInApproval",
        "status": "Hold" if draft.hold else "Open",
        "currencyId": draft.currency,
        "description": f"{draft.supplier['name'][:60]} {draft.supplier_reference}",
        "createdDateTime": instant(draft.entered),
        "lastModifiedDateTime": instant(draft.entered + timedelta(hours=2, milliseconds=int(draft.number) % 1000)),
        "note": "",
        "branchNumber": books.branch(),
        "payDate": day(due),
        "cashAccount": "1920",
    }


def _from_supplier(draft: Draft) -> Row:
    """What a document takes over from its supplier, and the supplier's own number for it."""
    return {
        "supplier": {name: draft.supplier[name] for name in ("internalId", "number", "name")},
        "supplierReference": draft.supplier_reference,
        "paymentMessage": draft.supplier_reference,
        **{name: draft.supplier[name] for name in ("creditTerms", "paymentMethod", "location")},
    }


def _sums(in_currency: Totals, in_base: Totals, misfooted_by: Decimal) -> Row:
    """The pairs of totals: `xInCurrency` is document currency, bare `x` company currency (LIVE-P)."""
    names = {
        "detailTotal": "detail",
        "discountTotal": "discount",
        "withholdingTax": "withholding",
        "roundingDiff": "rounding",
        "vatTotal": "vat",
        "vatTaxableTotal": "taxable",
        "vatExemptTotal": "exempt",
        "balance": "total",
    }
    sums: Row = {name: amount(getattr(in_base, part)) for name, part in names.items()}
    sums |= {f"{name}InCurrency": amount(getattr(in_currency, part)) for name, part in names.items()}
    sums |= {"amount": amount(in_base.total + misfooted_by), "vatAmount": sums["vatTotal"]}
    sums |= {"cashDiscount": amount(0), "cashDiscountInCurrency": amount(0)}
    sums["balance"] += misfooted_by
    sums["balanceInCurrency"] += misfooted_by
    return sums


def _tax_detail(record: int, tax: TaxLine) -> Row:
    return {
        "taxId": tax.vat_id,
        "recordId": record,
        "vatId": {"number": tax.vat_id, "description": tax.description},
        "vatRate": amount(tax.rate),
        "taxableAmount": amount(tax.taxable),
        "vatAmount": amount(tax.vat),
    }


def _document_line(books: Books, draft: Draft, number: int, line: DraftLine) -> Row:
    rate = draft.rate
    discounted = line.unit_cost * (100 - line.discount_percent) / 100
    order = {name: value for name, value in line.order.items() if name != "supplier"}
    return {
        "lineNumber": number,
        **({"inventoryNumber": line.item, "stockItem": True} if line.item else {"stockItem": False}),
        "transactionDescription": line.description,
        "quantity": amount(line.quantity),
        "uom": line.uom,
        "unitCost": amount(line.unit_cost * rate),
        "unitCostInCurrency": amount(line.unit_cost),
        "cost": amount(cents(line.cost * rate)),
        "costInCurrency": amount(line.cost),
        "discountPercent": amount(line.discount_percent),
        "discountAmount": amount(cents(line.discount * rate)),
        "discountAmountInCurrency": amount(line.discount),
        "discountUnitCost": amount(discounted * rate),
        "discountUnitCostInCurrency": amount(discounted),
        "manualDiscount": bool(line.discount_percent),
        "account": books.account(line.account),
        "subaccount": books.subaccount(line.cost_centre, line.product),
        "vatCode": {"id": line.vat_category, "description": _vat_description(books, line.vat_category)},
        **order,
        "branchNumber": books.branch(line.branch),
        "note": "",
    }


def _vat_description(books: Books, category: str) -> str:
    return next(description for known, _, description, _ in books.company.vat_rates if known == category)
