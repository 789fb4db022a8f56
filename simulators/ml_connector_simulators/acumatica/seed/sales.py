"""The month's invoices to customers, and their payments."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector_simulators.acumatica.rules.receivables import release_invoice
from ml_connector_simulators.acumatica.seed.books import day_of
from ml_connector_simulators.acumatica.seed.desk import Clerk

if TYPE_CHECKING:
    from datetime import date

    from ml_connector_simulators.acumatica.seed.books import Books, Row

INVOICES = 40
_PAID = 18
_CREDITED = 21


def invoices(books: Books) -> None:
    """Write the invoices, a credit memo among them; the first are paid."""
    clerk = Clerk(books, "sales")
    items = [row["InventoryID"] for row in clerk.shelf.rows("StockItem") if row["ItemStatus"] == "Active"]
    for index in range(INVOICES):
        on = day_of(index, INVOICES)
        lines = [
            {"InventoryID": items[(index + n) % len(items)], "Qty": Decimal(clerk.chance.choice((1, 2, 6, 12)))}
            for n in range(clerk.chance.choice((1, 2, 3)))
        ]
        row: Row = {"Type": "Credit Memo" if index == _CREDITED else "Invoice", "ReferenceNbr": f"AR{index + 1:06d}"}
        row |= {"Customer": books.key("Customer", index * 3), "Date": on.isoformat(), "Details": lines, "Hold": False}
        row |= {"CustomerOrder": f"CO-{index + 100}", "Description": f"Delivery {index + 1}"}
        invoice = clerk.enter("Invoice", row, on)
        if index < INVOICES - 2:
            clerk.act(release_invoice, invoice, on)
        if index < _PAID:
            _pay(clerk, invoice, on + timedelta(days=9))


def _pay(clerk: Clerk, invoice: Row, on: date) -> None:
    number = 1 + len(clerk.shelf.rows("Payment"))
    row: Row = {"ReferenceNbr": f"{number:06d}", "CustomerID": invoice["Customer"], "PaymentAmount": invoice["Amount"]}
    row |= {"ApplicationDate": on.isoformat(), "PaymentRef": f"{81_000 + number}", "Hold": False}
    applied = {"DocType": "Invoice", "ReferenceNbr": invoice["ReferenceNbr"], "AmountPaid": invoice["Amount"]}
    payment = clerk.enter("Payment", row | {"DocumentsToApply": [applied]}, on)
    payment |= {"Status": "Closed", "AvailableBalance": payment["AvailableBalance"]}
    invoice |= {"Balance": invoice["Balance"] - invoice["Amount"], "Status": "Closed"}
