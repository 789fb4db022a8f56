"""What the simulated company's own people would add up from their books: a witness for other sums."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from ml_connector_simulators.acumatica.contract import ENTITIES, INQUIRIES
from ml_connector_simulators.acumatica.rules.payables import RELEASED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ml_connector_simulators.acumatica.store import Row

    Rows = Callable[[str], list[Row]]

_AMOUNTS = {
    "Bill": "Amount",
    "Check": "PaymentAmount",
    "Invoice": "Amount",
    "Payment": "PaymentAmount",
    "PurchaseOrder": "OrderTotal",
    "PurchaseReceipt": "TotalCost",
}
_MINUS = frozenset({"Debit Adj."})  # they take from what is owed


class Entry(NamedTuple):
    """An amount that counts towards a total."""

    what: str
    currency: str
    amount: Decimal


def totals(rows: Rows) -> list[dict[str, Any]]:
    """Each total by what it is of and its currency, with how many entries it is made of."""
    sums: dict[tuple[str, str], list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    for entry in _entries(rows):
        cell = sums[entry.what, entry.currency]
        cell[0] += 1
        cell[1] += entry.amount
    return [
        {"what": what, "currency": currency, "count": count, "amount": amount}
        for (what, currency), (count, amount) in sorted(sums.items())
    ]


def _entries(rows: Rows) -> Iterator[Entry]:
    for entity in ENTITIES:
        if entity not in INQUIRIES:
            yield from _records(entity, rows(entity))
    yield from _payables(rows)
    for batch in rows("JournalTransaction"):
        for line in batch["Details"]:
            yield Entry("ledger_debit", batch["CurrencyID"], line["DebitAmount"])
            yield Entry("ledger_credit", batch["CurrencyID"], line["CreditAmount"])


def _records(entity: str, rows: list[Row]) -> Iterator[Entry]:
    """Every record of an entity, with its amount as it stands there; masters have none."""
    name = _AMOUNTS.get(entity)
    for row in rows:
        currency = row.get("CurrencyID") or "" if name else ""
        yield Entry(entity, currency, row[name] if name else Decimal(0))


def _payables(rows: Rows) -> Iterator[Entry]:
    """What was bought, without tax, and what is still owed; adjustments of debit take from both."""
    for row in rows("Bill"):
        if row["Status"] not in RELEASED or row["Status"] == "Voided":
            continue
        sign = -1 if row["Type"] in _MINUS else 1
        if row["Type"] != "Prepayment":
            yield Entry("spend", row["CurrencyID"], sign * (row["Amount"] - row["TaxTotal"]))
        if row["Balance"]:
            yield Entry("open_payables", row["CurrencyID"], sign * row["Balance"])
