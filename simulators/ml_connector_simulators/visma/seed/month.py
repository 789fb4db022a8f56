"""October 2026 in both companies, written row by row and ready for the store."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector_simulators.kit import encode_json
from ml_connector_simulators.visma.resources import RESOURCES
from ml_connector_simulators.visma.seed import (
    intercompany,
    journals,
    masters,
    parties,
    payments,
    plans,
    purchasing,
    receivables,
    sales,
)
from ml_connector_simulators.visma.seed.company import COMPANIES, Books
from ml_connector_simulators.visma.seed.supplier_invoices import supplier_invoices
from ml_connector_simulators.visma.store import stamped

if TYPE_CHECKING:
    from ml_connector_simulators.visma.seed.company import Row

Stored = tuple[str, str, str, bytes]  # company, resource, key, JSON


@dataclass(frozen=True)
class Month:
    """The seeded month; another `seed` gives other amounts and dates, the same keys and the same problems.

    With `intercompany` the two companies invoice each other beside all that, which changes nothing of it.
    """

    seed: int = 1
    intercompany: bool = False

    def rows(self) -> tuple[Stored, ...]:
        """Every row of both companies."""
        return _rows(self.seed, self.intercompany)


@functools.cache  # a test run starts many simulators on the same month
def _rows(seed: int, between: bool) -> tuple[Stored, ...]:
    return tuple(
        (company.code, resource, RESOURCES[resource].key(row), encode_json(stamped(RESOURCES[resource], row)))
        for company in COMPANIES
        for resource, rows in write_books(Books(company, seed), between=between).items()
        for row in rows
    )


def write_books(books: Books, *, between: bool = False) -> dict[str, list[Row]]:
    """All rows of one company, by resource, in the order the company's people wrote them."""
    books.suppliers, books.customers = list(parties.suppliers(books)), list(parties.customers(books))
    orders = purchasing.orders(books)
    received = [order for order in orders if order.receipt]
    billed = supplier_invoices(books, [purchasing.billable_lines(order) for order in received])
    drafts, invoices = zip(*billed, strict=True)
    paid = list(payments.supplier_payments(books, list(invoices)))
    sold = list(sales.customer_invoices(books))
    credited = list(receivables.notes(books, receivables.CREDIT_NOTE))
    debited = list(receivables.notes(books, receivables.DEBIT_NOTE))
    documents = [dict(row) for row in (*sold, *credited, *debited)]  # as they were when they were posted
    collected = list(receivables.customer_payments(books, sold))
    dealt = intercompany.dealings(books) if between else intercompany.Dealings()
    journal = journals.journal(
        books, drafts, documents, paid, collected, bought_late=dealt.drafts, sold_late=dealt.sold
    )
    rows = _masters(books) | {
        "purchaseorder": [purchasing.order_row(books, order) for order in orders],
        "purchasereceipt": [purchasing.receipt_row(books, order) for order in received],
        "supplierinvoice": list(invoices),
        "supplierpayment": paid,
        "customerinvoice": sold,
        "customercreditnote": credited,
        "customerdebitnote": debited,
        "customerpayment": collected,
        "journaltransaction": list(journal),
    }
    for resource, added in dealt.rows.items():
        rows[resource] = [*rows[resource], *added]
    return rows


def _masters(books: Books) -> dict[str, list[Row]]:
    return {
        "supplier": books.suppliers,
        "customer": books.customers,
        "account": list(masters.accounts(books)),
        "dimension": list(masters.dimensions(books)),
        "subaccount": list(masters.subaccounts(books)),
        "vat": list(masters.vat_codes(books)),
        "vatcategory": list(masters.vat_categories(books)),
        "vatzone": list(masters.vat_zones(books)),
        "currency": list(masters.currencies(books)),
        "branch": list(masters.branches(books)),
        "paymentmethod": list(masters.payment_methods(books)),
        "creditterm": list(masters.credit_terms(books)),
        "ledger": list(masters.ledgers(books)),
        "financialperiod": list(masters.financial_periods(books)),
        "budget": list(plans.budgets(books)),
        "department": list(plans.departments(books)),
        "project": list(plans.projects(books)),
        "inventory": list(plans.inventory(books)),
    }
