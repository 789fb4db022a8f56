"""A supplier invoice before it is one: what a clerk would type; `totals` are reckoned from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector_simulators.visma.seed.values import cents

if TYPE_CHECKING:
    from datetime import date, datetime

    from ml_connector_simulators.visma.seed.company import Company, Row

ZERO = Decimal(0)


@dataclass
class DraftLine:
    """One line as typed; a quantity at a unit cost, less a line discount."""

    account: str
    cost_centre: str
    vat_category: str
    description: str
    quantity: Decimal
    unit_cost: Decimal
    discount_percent: Decimal = ZERO
    product: str = "00"
    branch: int = 0
    item: str | None = None
    uom: str = "EA"
    order: Row = field(default_factory=dict)  # poNumber, poLineNr, poReceiptNbr, poReceiptLineNbr

    @property
    def discount(self) -> Decimal:
        """The line discount."""
        return cents(self.quantity * self.unit_cost * self.discount_percent / 100)

    @property
    def cost(self) -> Decimal:
        """What the line costs, its discount taken off."""
        return cents(self.quantity * self.unit_cost) - self.discount


@dataclass
class Draft:
    """One document as typed."""

    number: str
    supplier: Row
    on: date
    entered: datetime
    currency: str
    rate: Decimal
    lines: list[DraftLine]
    type: str = "Invoice"
    supplier_reference: str = ""
    gross: bool = False  # the lines contain VAT (taxCalculationMode Gross)
    discount: Decimal = ZERO  # of the document, beside those of the lines
    withholding: Decimal = ZERO
    whole_units: bool = False  # the supplier rounds the total to whole kroner
    misfooted_by: Decimal = ZERO
    hold: bool = False

    @property
    def key(self) -> str:
        """Type and number: the key of a supplier invoice."""
        return f"{self.type}/{self.number}"


@dataclass(frozen=True)
class TaxLine:
    """One VAT rate of a document, in document currency; an exempt line has rate 0."""

    vat_id: str
    description: str
    rate: int
    taxable: Decimal
    vat: Decimal


@dataclass(frozen=True)
class Totals:
    """A document's totals in one currency; they foot."""

    detail: Decimal
    discount: Decimal
    withholding: Decimal
    rounding: Decimal
    vat: Decimal
    exempt: Decimal
    gross: bool

    @property
    def total(self) -> Decimal:
        """What is owed: the lines contain VAT in Gross mode, else it comes on top (apis/visma.md §3.1, LIVE-P)."""
        return self.detail + self.vat_on_top - self.discount - self.withholding + self.rounding

    @property
    def vat_on_top(self) -> Decimal:
        """The VAT the lines do not contain."""
        return ZERO if self.gross else self.vat

    @property
    def taxable(self) -> Decimal:
        """What VAT was reckoned on."""
        return self.detail + self.vat_on_top - self.vat - self.discount - self.exempt


def tax_lines(company: Company, draft: Draft) -> list[TaxLine]:
    """The document's VAT by rate; a document discount comes off the first."""
    groups: dict[str, Decimal] = {}
    for line in draft.lines:
        groups[line.vat_category] = groups.get(line.vat_category, ZERO) + line.cost
    groups[next(iter(groups))] -= draft.discount
    return [
        _tax_line(vat_id, description, rate, total=groups[category], gross=draft.gross)
        for category, vat_id, description, rate in company.vat_rates
        if category in groups
    ]


def _tax_line(vat_id: str, description: str, rate: int, *, total: Decimal, gross: bool) -> TaxLine:
    if gross:
        taxable = cents(total * 100 / (100 + rate))
        return TaxLine(vat_id, description, rate, taxable, total - taxable)
    return TaxLine(vat_id, description, rate, total, cents(total * rate / 100))


def totals(draft: Draft, taxes: list[TaxLine], rate: Decimal) -> Totals:
    """The totals at an exchange rate: 1 gives document currency; every part is rounded by itself, as Visma does."""
    parts = Totals(
        detail=sum((cents(line.cost * rate) for line in draft.lines), ZERO),
        discount=cents(draft.discount * rate),
        withholding=cents(draft.withholding * rate),
        rounding=ZERO,
        vat=sum((cents(tax.vat * rate) for tax in taxes), ZERO),
        exempt=sum((cents(tax.taxable * rate) for tax in taxes if not tax.rate), ZERO),
        gross=draft.gross,
    )
    if not draft.whole_units:
        return parts
    rounding = parts.total.quantize(Decimal(1)) - parts.total
    return Totals(**{name: getattr(parts, name) for name in parts.__dataclass_fields__} | {"rounding": rounding})
