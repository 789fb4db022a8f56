"""Purchase orders, what was received on them, and the lines their invoices bill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector_simulators.visma.seed.chart import COST_CENTRES, ITEMS
from ml_connector_simulators.visma.seed.drafts import DraftLine
from ml_connector_simulators.visma.seed.parties import TRADES
from ml_connector_simulators.visma.seed.values import amount, cents, day, instant, office_hours

if TYPE_CHECKING:
    import random
    from datetime import datetime

    from ml_connector_simulators.visma.seed.company import Books, Row

_STOCK_ACCOUNT = "4300"
_WAREHOUSE = {"id": "10", "description": "Central warehouse"}
_STOCK_TRADES = TRADES[:4:2] + TRADES[3:4]  # paper, furniture, computers


@dataclass
class _OrderLine:
    number: int
    item: str
    name: str
    cost_centre: str
    ordered: int
    received: int
    unit_cost: Decimal

    def worth(self, quantity: int) -> Decimal:
        return cents(self.unit_cost * quantity)


@dataclass
class Order:
    """One purchase order with at most one receipt."""

    number: str
    receipt: str | None
    supplier: Row
    on: date
    entered: datetime
    received_on: date
    lines: list[_OrderLine]

    @property
    def complete(self) -> bool:
        """Whether everything ordered was received."""
        return all(line.received >= line.ordered for line in self.lines)


def orders(books: Books) -> list[Order]:
    """The orders: most received in full, every fifth in part, every ninth not yet."""
    chance = books.chance("purchase orders")
    return [_order(books, chance, index) for index in range(1, books.company.purchase_orders + 1)]


def _order(books: Books, chance: random.Random, index: int) -> Order:
    sellers = [row for row in books.suppliers if _sells_stock(books, row)]
    received_on = date(2026, 9, 28) + timedelta(days=index * 27 // books.company.purchase_orders)
    share = 0 if index % 9 == 0 else 50 if index % 5 == 0 else 100
    on = received_on - timedelta(days=chance.randrange(5, 15))
    return Order(
        number=str(500_000 + index),
        receipt=f"{index:06d}" if share else None,
        supplier=sellers[index % len(sellers)],
        on=on,
        entered=office_hours(on, chance),
        received_on=received_on,
        lines=[_order_line(books, chance, number, share) for number in range(1, chance.randrange(2, 5))],
    )


def _sells_stock(books: Books, supplier: Row) -> bool:
    words = {books.text(trade.words) for trade in _STOCK_TRADES}
    return supplier["currencyId"] == books.company.currency and any(word in supplier["name"].split() for word in words)


def _order_line(books: Books, chance: random.Random, number: int, share: int) -> _OrderLine:
    item, (norwegian, swedish, price) = chance.choice(list(ITEMS.items()))
    ordered = chance.choice((2, 4, 10, 20, 50))
    return _OrderLine(
        number=number,
        item=item,
        name=books.text({"no": norwegian, "sv": swedish}),
        cost_centre=chance.choice(COST_CENTRES).code,
        ordered=ordered,
        received=ordered * share // 100,
        unit_cost=cents(Decimal(price) * chance.randrange(80, 100) / 100),
    )


def billable_lines(order: Order) -> list[DraftLine]:
    """The supplier invoice lines that bill what was received on an order."""
    return [
        DraftLine(
            account=_STOCK_ACCOUNT,
            cost_centre=line.cost_centre,
            vat_category="1",
            description=line.name,
            quantity=Decimal(line.received),
            unit_cost=line.unit_cost,
            product="02",
            item=line.item,
            uom="STK",
            order={
                "supplier": order.supplier["number"],
                "poNumber": order.number,
                "poLineNr": line.number,
                "poReceiptNbr": order.receipt,
                "poReceiptLineNbr": line.number,
            },
        )
        for line in order.lines
    ]


def order_row(books: Books, order: Order) -> Row:
    """A purchase order as Visma shows it."""
    ordered = sum((line.worth(line.ordered) for line in order.lines), Decimal(0))
    received = sum((line.worth(line.received) for line in order.lines), Decimal(0))
    tax = cents(ordered / 4)
    sums = {"lineTotal": ordered, "vatExemptTotal": Decimal(0), "taxTotal": tax}
    sums |= {"orderTotal": ordered + tax, "controlTotal": ordered + tax}
    return {
        "shippingDestinationType": "CompanyLocation",
        "warehouse": _WAREHOUSE,
        "terms": order.supplier["creditTerms"],
        "openQuantity": amount(sum(line.ordered - line.received for line in order.lines)),
        "openBalance": amount(ordered - received),
        "orderType": "RegularOrder",
        "orderNbr": order.number,
        "hold": False,
        "status": "Closed" if order.complete else "Open",
        "date": day(order.on),
        "promisedOn": day(order.received_on),
        "description": "",
        "supplier": {name: order.supplier[name] for name in ("internalId", "number", "name")},
        "location": {"id": 1, "name": "Primary Location"},
        "currency": books.company.currency,
        "supplierRef": "",
        "exchangeRate": amount(1),
        **{name: amount(value) for name, value in sums.items()},
        **{f"{name}InBaseCurrency": amount(value) for name, value in sums.items()},
        "branch": books.branch(),
        "lines": [_order_line_row(books, order, line) for line in order.lines],
        "taxDetails": [],
        "purchaseReceipts": [_receipt_reference(books, order)] if order.receipt else [],
        "lastModifiedDateTime": instant(order.entered + timedelta(days=2 if order.receipt else 0, milliseconds=153)),
        "note": "",
    }


def _order_line_row(books: Books, order: Order, line: _OrderLine) -> Row:
    account = books.account(_STOCK_ACCOUNT)
    return {
        "lineNbr": line.number,
        "branch": books.branch(),
        "inventory": {"number": line.item, "description": line.name},
        "lineType": "GoodsForInventory",
        "warehouse": _WAREHOUSE,
        "lineDescription": line.name,
        "uom": "STK",
        "orderQty": amount(line.ordered),
        "qtyOnReceipts": amount(line.received),
        "unitCost": amount(line.unit_cost),
        "unitCostInBaseCurrency": amount(line.unit_cost),
        "extCost": amount(line.worth(line.ordered)),
        "discountPercent": amount(0),
        "discountAmount": amount(0),
        "manualDiscount": False,
        "amount": amount(line.worth(line.ordered)),
        "receivedAmt": amount(line.worth(line.received)),
        "receiptAction": "AcceptButWarn",
        "taxCategory": {"number": "1", "description": books.company.vat_rates[0][2]},
        "account": {name: account[name] for name in ("type", "number", "description")},
        "sub": books.subaccount(line.cost_centre, "02"),
        "requested": day(order.on),
        "promised": day(order.received_on),
        "completed": line.received >= line.ordered,
        "canceled": False,
        "orderType": "RegularOrder",
        "orderNumber": order.number,
    }


def _receipt_reference(books: Books, order: Order) -> Row:
    return {
        "type": "PoReceipt",
        "receiptNumber": order.receipt,
        "status": "Released",
        "supplierName": order.supplier["name"],
        "currency": books.company.currency,
        "totalQty": amount(sum(line.received for line in order.lines)),
        "totalAmt": amount(sum((line.worth(line.received) for line in order.lines), Decimal(0))),
    }


def receipt_row(books: Books, order: Order) -> Row:
    """What was received on an order, as Visma shows it."""
    reference = _receipt_reference(books, order)
    received = order.entered + (order.received_on - order.on)
    return {
        "note": "",
        "receiptType": "PoReceipt",
        "receiptNbr": order.receipt,
        "hold": False,
        "status": "Released",
        "date": day(order.received_on),
        "postPeriod": f"{order.received_on:%m%Y}",
        "warehouse": _WAREHOUSE,
        "supplier": {name: order.supplier[name] for name in ("internalId", "number", "name")},
        "location": order.supplier["location"],
        "currency": books.company.currency,
        "exchangeRate": amount(1),
        "createBill": False,
        "supplierRef": f"PS-{order.number}",
        "totalQty": reference["totalQty"],
        "controlQty": reference["totalQty"],
        "vatExemptTotal": amount(0),
        "vatTaxableTotal": reference["totalAmt"],
        "totalAmt": reference["totalAmt"],
        "controlTotal": reference["totalAmt"],
        "lastModifiedDateTime": instant(received),
        "branchNumber": books.branch(),
        "lines": [_receipt_line_row(books, order, line) for line in order.lines],
    }


def _receipt_line_row(books: Books, order: Order, line: _OrderLine) -> Row:
    account = books.account(_STOCK_ACCOUNT)
    subaccount = books.subaccount(line.cost_centre, "02")
    return {
        "allocations": [],
        "note": "",
        "lineNbr": line.number,
        "branch": books.branch(),
        "branchNumber": books.branch(),
        "inventory": {"number": line.item, "description": line.name},
        "lineType": "GoodsForInventory",
        "warehouse": _WAREHOUSE,
        "transactionDescription": line.name,
        "uom": "STK",
        "orderQty": amount(line.ordered),
        "openQty": amount(line.ordered - line.received),
        "receiptQty": amount(line.received),
        "unitCost": amount(line.unit_cost),
        "extCost": amount(line.worth(line.received)),
        "discountPercent": amount(0),
        "discountAmount": amount(0),
        "manualDiscount": False,
        "amount": amount(line.worth(line.received)),
        "account": {name: account[name] for name in ("type", "number", "description")},
        "accountDescription": account["description"],
        "sub": {"active": True, "id": subaccount["subaccountNumber"], "description": subaccount["description"]},
        "poOrderType": "RegularOrder",
        "poOrderNbr": order.number,
        "poOrderLineNbr": line.number,
        "completePoLine": line.received >= line.ordered,
    }
