"""The month's purchase orders and what was received of them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector_simulators.acumatica.rules.purchasing import release_receipt
from ml_connector_simulators.acumatica.seed.books import day_of
from ml_connector_simulators.acumatica.seed.chart import COST_CENTRES, REGIONS
from ml_connector_simulators.acumatica.seed.desk import Clerk
from ml_connector_simulators.acumatica.seed.masters import trades

if TYPE_CHECKING:
    from datetime import date

    from ml_connector_simulators.acumatica.seed.books import Books, Row

ORDERS = 30
_RECEIVED = 14  # of the first orders
_QUANTITIES = (5, 10, 12, 20, 24, 48, 100)
_FEW = (1, 2, 3, 4)  # of what is dear
_DEAR = 100


def orders(books: Books) -> None:
    """Write the orders, one in seven still on hold, and the receipts of the first."""
    clerk = Clerk(books, "orders")
    sellers = [code for code, account in trades().items() if account in ("50000", "15000", "15100")]
    usable = [code for code in sellers if (clerk.shelf.row("Vendor", code) or {})["Status"] == "Active"]
    for index in range(ORDERS):
        on = day_of(index, ORDERS)
        lines = [_line(clerk, index * 3 + n) for n in range(clerk.chance.choice((1, 2, 2, 3, 5)))]
        row: Row = {
            "OrderNbr": f"PO{index + 1:06d}",
            "VendorID": usable[index * 5 % len(usable)],
            "Hold": not (index + 1) % 7,
        }
        row |= {"Date": on.isoformat(), "PromisedOn": (on + timedelta(days=10)).isoformat(), "Details": lines}
        row |= {
            "Description": f"Order {index + 1} of October",
            "VendorRef": f"SO-{7000 + index}" if index % 3 else None,
        }
        if index == ORDERS - 2:  # the one that was given up
            row["Status"] = "Canceled"
        order = clerk.enter("PurchaseOrder", row, on)
        if index < _RECEIVED and order["Status"] == "Open":
            _receive(clerk, order, on + timedelta(days=2), partly=not (index + 1) % 5)


def _line(clerk: Clerk, turn: int) -> Row:
    items = [row for row in clerk.shelf.rows("StockItem") if row["ItemStatus"] == "Active"]
    item = items[turn % len(items)]
    return {
        "InventoryID": item["InventoryID"],
        "OrderQty": Decimal(clerk.chance.choice(_FEW if item["LastCost"] > _DEAR else _QUANTITIES)),
        "UnitCost": item["LastCost"],
        "Subaccount": f"{clerk.chance.choice(tuple(COST_CENTRES))}-{clerk.chance.choice(tuple(REGIONS))}",
    }


def _receive(clerk: Clerk, order: Row, on: date, *, partly: bool) -> None:
    number = 1 + len(clerk.shelf.rows("PurchaseReceipt"))
    lines = [
        {"POOrderType": "Normal", "POOrderNbr": order["OrderNbr"], "POLineNbr": line["LineNbr"]}
        | ({"ReceiptQty": line["OrderQty"] / 2} if partly else {})
        for line in order["Details"]
    ]
    row = {"ReceiptNbr": f"{number:06d}", "VendorID": order["VendorID"], "Date": on.isoformat(), "Hold": False}
    receipt = clerk.enter("PurchaseReceipt", row | {"VendorRef": f"DN-{4000 + number}", "Details": lines}, on)
    clerk.act(release_receipt, receipt, on)
