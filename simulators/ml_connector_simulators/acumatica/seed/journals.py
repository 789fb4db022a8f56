"""Batches: of the ledger's own, and of every released bill and check."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector_simulators.acumatica.company import BASE_CURRENCY
from ml_connector_simulators.acumatica.rules.ledger import release_batch
from ml_connector_simulators.acumatica.rules.payables import RELEASED
from ml_connector_simulators.acumatica.seed.chart import COST_CENTRES
from ml_connector_simulators.acumatica.seed.desk import Clerk

if TYPE_CHECKING:
    from ml_connector_simulators.acumatica.seed.books import Books, Row

_NEGATIVE = ("Debit Adj.",)
_MONTH_END = date(2026, 10, 31)


def journals(books: Books) -> None:
    """Write all batches; one of the ledger's own waits, one is on hold."""
    clerk = Clerk(books, "journals")
    for bill in [row for row in books.rows["Bill"] if row["Status"] in RELEASED]:
        _post(clerk, "AP", date.fromisoformat(bill["Date"]), _of_bill(bill), currency=bill["CurrencyID"])
    for check in [row for row in books.rows["Check"] if row["Status"] in RELEASED]:
        _post(clerk, "AP", date.fromisoformat(check["ApplicationDate"]), _of_check(check), currency=check["CurrencyID"])
    for title, debit, credit, amount in (
        ("Payroll October", "60000", "22000", 3900),
        ("Payroll taxes October", "60100", "22100", 310),
        ("Depreciation October", "68000", "15900", 240),
        ("Bank charges October", "69000", "10200", 18),
        ("Insurance October", "66000", "13000", 120),
        ("Accrued interest October", "80000", "24000", 75),
    ):
        lines = list(_spread(clerk, debit, credit, amount))
        _post(clerk, "GL", _MONTH_END, lines, title=title, released=title[0] not in "AI", hold=title[0] == "A")


def _post(
    clerk: Clerk,
    module: str,
    on: date,
    lines: list[Row],
    *,
    currency: str = BASE_CURRENCY,
    title: str = "",
    released: bool = True,
    hold: bool = False,
) -> None:
    number = 1 + sum(row["Module"] == module for row in clerk.shelf.rows("JournalTransaction"))
    row: Row = {"Module": module, "BatchNbr": f"{module}{number:06d}", "TransactionDate": on.isoformat(), "Hold": hold}
    row |= {"CurrencyID": currency, "Description": title or lines[0]["TransactionDescription"], "Details": lines}
    batch = clerk.enter("JournalTransaction", row, on)
    if released:
        clerk.act(release_batch, batch, on)


def _entry(account: str, subaccount: str, amount: Decimal, document: Row, party: str = "") -> Row:
    side = "DebitAmount" if amount >= 0 else "CreditAmount"
    row = {"Account": account, "Subaccount": subaccount, side: abs(amount), "VendorOrCustomer": party or None}
    words = {"TransactionDescription": document.get("Description"), "ReferenceNbr": document.get("ReferenceNbr")}
    return row | words


def _of_bill(bill: Row) -> list[Row]:
    sign = -1 if bill["Type"] in _NEGATIVE else 1
    lines = [
        _entry(each["Account"], each["Subaccount"], sign * each["Amount"], bill, bill["Vendor"])
        for each in bill["Details"]
    ]
    if bill["TaxTotal"]:
        lines.append(_entry("21100", "000-000", sign * bill["TaxTotal"], bill, bill["Vendor"]))
    return [*lines, _entry("20000", "000-000", -sign * bill["Amount"], bill, bill["Vendor"])]


def _of_check(check: Row) -> list[Row]:
    amount = check["PaymentAmount"]
    debit = _entry("20000", "000-000", amount, check, check["Vendor"])
    return [debit, _entry(check["CashAccount"] or "10200", "000-000", -amount, check, check["Vendor"])]


def _spread(clerk: Clerk, debit: str, credit: str, amount: int) -> list[Row]:
    """An expense over all cost centres against one account."""
    shares = [Decimal(clerk.chance.randrange(amount * 50, amount * 150)) / 100 for _ in COST_CENTRES]
    lines = [_entry(debit, f"{centre}-000", share, {}) for centre, share in zip(COST_CENTRES, shares, strict=True)]
    return [*lines, _entry(credit, "000-000", -sum(shares, Decimal(0)), {})]
