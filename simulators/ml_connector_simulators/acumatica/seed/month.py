"""October 2026 of DEMO, written row by row and ready for the store."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from ml_connector_simulators.acumatica.seed import chart, journals, masters, payables, purchasing, sales
from ml_connector_simulators.acumatica.seed.books import Books
from ml_connector_simulators.acumatica.sessions import TENANT
from ml_connector_simulators.acumatica.store import key_of
from ml_connector_simulators.kit import encode_json

Stored = tuple[str, str, str, bytes]  # tenant, entity, key, JSON
LAST_NUMBERS = "#counters"


@dataclass(frozen=True)
class Month:
    """The seeded month; another `seed` gives other amounts, the same keys and the same problems."""

    seed: int = 1

    def rows(self) -> tuple[Stored, ...]:
        """Every row of the tenant."""
        return _rows(self.seed)


@functools.cache  # a test run starts many simulators on the same month
def _rows(seed: int) -> tuple[Stored, ...]:
    books = write_books(seed)
    rows = [
        (TENANT, entity, key_of(entity, row), encode_json(row)) for entity, rows in books.rows.items() for row in rows
    ]
    counters = _counters(books)
    return (*rows, *((TENANT, LAST_NUMBERS, series, encode_json({"last": last})) for series, last in counters.items()))


def _counters(books: Books) -> dict[str, int]:
    """The last number of each series."""
    series = ("Bill", "Check", "PurchaseOrder", "PurchaseReceipt", "Invoice", "Payment")
    counted = {name: len(books.rows[name]) for name in series}
    for module in ("GL", "AP"):
        counted[f"JournalTransaction {module}"] = sum(
            row["Module"] == module for row in books.rows["JournalTransaction"]
        )
    return counted


def write_books(seed: int) -> Books:
    """All rows, in the order the company's people wrote them."""
    books = Books(seed)
    for write in (
        chart.accounts,
        chart.subaccounts,
        chart.ledgers,
        chart.periods,
        chart.structure,
        masters.vendors,
        masters.customers,
        masters.items,
        masters.small_tables,
        purchasing.orders,
        payables.bills,
        payables.checks,
        sales.invoices,
        journals.journals,
    ):
        write(books)
    return books
