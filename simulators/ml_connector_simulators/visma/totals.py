"""What the simulated companies' own people would add up from their books, row by row: a witness for other sums.

Nothing here knows how a warehouse reckons: each total is of the rows that Visma's users wrote, with Decimal.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from ml_connector_simulators.visma.seed.company import COMPANIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ml_connector_simulators.visma.store import Row

    Rows = Callable[[str, str], list[Row]]

_UNBOOKED = ("Hold", "Voided")
_BASE = {company.code: company.currency for company in COMPANIES}


class Entry(NamedTuple):
    """An amount that counts towards a total."""

    what: str
    company: str
    currency: str
    amount: Decimal


def totals(rows: Rows) -> list[dict[str, Any]]:
    """Return each total by what it is of, company and currency, with how many entries it is made of."""
    sums: dict[tuple[str, str, str], list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    for entry in _entries(rows):
        cell = sums[entry.what, entry.company, entry.currency]
        cell[0] += 1
        cell[1] += entry.amount
    names = ("what", "company", "currency")
    return [
        {**dict(zip(names, key, strict=True)), "count": count, "amount": amount}
        for key, (count, amount) in sorted(sums.items())
    ]


def _entries(rows: Rows) -> Iterator[Entry]:
    for company in _BASE:
        yield from _payables(rows, company)
        yield from _moved(rows, company)
        yield from _dealt(rows, company)
    yield from _booked_twice(rows)


def _payables(rows: Rows, company: str) -> Iterator[Entry]:
    """Yield what was bought, without VAT, and what is still owed."""
    for row in rows(company, "supplierInvoice"):
        if row["status"] in _UNBOOKED:
            continue
        sign, currency = _sign(row), row["currencyId"]
        if row["documentType"] != "Prepayment":
            vat = row["vatTotalInCurrency"] if _contains_vat(row) else 0
            yield Entry("spend", company, currency, sign * (row["detailTotalInCurrency"] - vat))
        if row["balanceInCurrency"]:
            yield Entry("open_payables", company, currency, sign * row["balanceInCurrency"])


def _moved(rows: Rows, company: str) -> Iterator[Entry]:
    """Yield what was posted in the ledger."""
    for batch in rows(company, "journaltransaction"):
        for line in batch["journalTransactionLines"]:
            yield Entry("ledger_debit", company, _BASE[company], line["debitAmount"])
            yield Entry("ledger_credit", company, _BASE[company], line["creditAmount"])


def _dealt(rows: Rows, company: str) -> Iterator[Entry]:
    """Yield what was invoiced to another company of the group, and what was booked of its invoices."""
    group = {each.corporate_id for each in COMPANIES if each.code != company}
    customers = {row["number"] for row in rows(company, "customer") if row["corporateId"] in group}
    suppliers = {row["number"] for row in rows(company, "supplier") if row["corporateId"] in group}
    for row in rows(company, "customerinvoice"):
        if row["customer"]["number"] in customers:
            yield Entry("sold_in_group", company, row["currencyId"], row["amountInCurrency"])
    for row in rows(company, "supplierInvoice"):
        if row["supplier"]["number"] in suppliers:
            yield Entry("bought_in_group", company, row["currencyId"], _sign(row) * _total(row))


def _booked_twice(rows: Rows) -> Iterator[Entry]:
    """Yield every supplier invoice that one before it is like: supplier, its number, currency and amount."""
    seen: set[tuple[Any, ...]] = set()
    for company, row, supplier in sorted(_with_suppliers(rows), key=lambda each: (each[1]["date"], each[0])):
        number = "".join(filter(str.isalnum, row["supplierReference"])).upper()
        key = (supplier, number, row["currencyId"], _total(row), _sign(row))
        if number and key in seen:
            yield Entry("booked_twice", company, row["currencyId"], _sign(row) * _total(row))
        seen.add(key)


def _with_suppliers(rows: Rows) -> Iterable[tuple[str, Row, str]]:
    """Yield each document with its supplier's VAT number, which is the same in both companies."""
    for company in _BASE:
        suppliers = {row["number"]: row["vatRegistrationId"] for row in rows(company, "supplier")}
        for row in rows(company, "supplierInvoice"):
            number = row["supplier"]["number"]
            if row["status"] != "Voided":
                yield company, row, suppliers.get(number) or f"{company}/{number}"


def _sign(row: Row) -> int:
    return -1 if row["documentType"] == "DebitAdj" else 1


def _total(row: Row) -> Decimal:
    """Return what a supplier invoice is over, VAT included, in its own currency."""
    vat = Decimal(0) if _contains_vat(row) else row["vatTotalInCurrency"]
    total: Decimal = row["detailTotalInCurrency"] - row["discountTotalInCurrency"] + vat
    return total


def _contains_vat(row: Row) -> bool:
    return bool(row["taxCalculationMode"] == "Gross")
