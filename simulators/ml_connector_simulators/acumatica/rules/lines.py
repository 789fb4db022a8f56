"""What purchase orders, bills and invoices have in common: lines, taxes, totals, statuses."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.acumatica.amounts import cents, money, quantity
from ml_connector_simulators.acumatica.company import BASE_CURRENCY, TAXABLE, TAXES, TERMS, ZONES

if TYPE_CHECKING:
    from ml_connector_simulators.acumatica.rules.rule import Desk
    from ml_connector_simulators.acumatica.store import Row

NOTHING = Decimal("0.0000")


def default(row: Row, **values: Any) -> None:
    """Fill fields that are still empty."""
    for name, value in values.items():
        if row.get(name) is None:
            row[name] = value


def extended(line: Row, quantity_name: str, cost_name: str = "UnitCost") -> Decimal:
    """Quantity times cost, both normalised in the line."""
    line[quantity_name] = quantity(line.get(quantity_name) or 0)
    line[cost_name] = money(line.get(cost_name) or 0)
    return cents(line[quantity_name] * line[cost_name])


def total(lines: list[Row], name: str) -> Decimal:
    """The sum of a field of all lines."""
    return sum((line[name] for line in lines), NOTHING)


def taxes(lines: list[Row], zone: str | None, amount: str) -> list[Row]:
    """The taxes of a zone on the taxable lines."""
    base: dict[str, Decimal] = defaultdict(lambda: NOTHING)
    for line in lines:
        if line.get("TaxCategory") == TAXABLE:
            for tax in ZONES.get(zone or "", ("", ()))[1]:
                base[tax] += line[amount]
    return [tax_row(tax, taxable) for tax, taxable in base.items()]


def tax_row(tax: str, taxable: Decimal) -> Row:
    """One tax on an amount."""
    rate = TAXES[tax]
    return {
        "TaxID": tax,
        "TaxRate": quantity(rate),
        "TaxableAmount": money(taxable),
        "TaxAmount": cents(taxable * rate / 100),
    }


def settle_taxes(row: Row, zone: str | None, amount: str) -> None:
    """Taxes as they were sent with `IsTaxValid`, else as the zone has them; and their total."""
    if not (row.get("IsTaxValid") and row.get("TaxDetails")):
        row["TaxDetails"] = taxes(row["Details"], zone, amount)
        row["IsTaxValid"] = bool(row.get("IsTaxValid"))
    for each in row["TaxDetails"]:
        default(each, TaxRate=TAXES.get(each.get("TaxID") or "", NOTHING), TaxableAmount=NOTHING, TaxAmount=NOTHING)
        each["TaxRate"] = quantity(each["TaxRate"])
        each.update({name: money(each[name]) for name in ("TaxableAmount", "TaxAmount")})
    row["TaxTotal"] = total(row["TaxDetails"], "TaxAmount")


def due(on: str, terms: str | None) -> str:
    """The day a document falls due."""
    return (date.fromisoformat(on) + timedelta(days=TERMS.get(terms or "", 0))).isoformat()


def period(on: str) -> str:
    """The period of a day: `MMYYYY`."""
    return on[5:7] + on[:4]


def number_lines(lines: list[Row]) -> None:
    """Give every new line the next LineNbr."""
    last = max((line.get("LineNbr") or 0 for line in lines), default=0)
    for line in lines:
        if line.get("LineNbr") is None:
            last += 1
            line["LineNbr"] = last


def check_period(desk: Desk, row: Row, old: Row | None, closed_in: str) -> None:
    """Complain of a posting period that is closed, or is none."""
    wanted = (row.get("PostPeriod") or "").replace("-", "")
    if old is not None and old.get("PostPeriod") == wanted:
        return
    row["PostPeriod"] = wanted
    year = desk.store.row("FinancialPeriod", wanted[2:])
    found = [each for each in (year or {}).get("Details", []) if each["FinancialPeriodID"] == wanted]
    if not found:
        desk.complain(f"Period '{wanted}' cannot be found in the system.", "PostPeriod")
    elif found[0]["Status"] in ("Closed", "Locked") or found[0].get(closed_in):
        desk.complain(f"The {wanted[:2]}-{wanted[2:]} period is closed.", "PostPeriod")


def currency_of(desk: Desk, party: Row | None) -> str:
    """The currency a party deals in."""
    del desk
    return str((party or {}).get("CurrencyID") or BASE_CURRENCY)
