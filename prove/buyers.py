"""Buyers in ServiceNow: requests they make and change, and what Acumatica must hold of them then, to the cent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from ml_connector_simulators.acumatica import AcumaticaSimulator
    from ml_connector_simulators.servicenow import ServiceNowSimulator

HEADERS, LINES = "sn_shop_purchase_requisition", "sn_shop_purchase_line"
NOBODYS = "NOSUCH"  # an item that Acumatica does not have
MOST_LINES, NOBODYS_SHARE, TAKEN_OUT = 5, 0.06, 0.2

Line = tuple[str, str, Decimal, Decimal]  # description, item, quantity, price


@dataclass
class Buyers:
    """People who ask for things, and change their minds."""

    servicenow: ServiceNowSimulator
    chance: random.Random
    suppliers: tuple[str, ...]
    items: tuple[str, ...]
    parking: float = NOBODYS_SHARE
    """The share of requests for what nobody sells."""
    waiting: set[str] = field(default_factory=set)
    """Requests for what nobody sells: they park, and no order may come of them."""
    made: list[str] = field(default_factory=list)
    changes: int = 0

    def ask(self) -> None:
        """Make a request and approve it, with lines that can be told apart."""
        place = len(self.made)
        parks = self.chance.random() < self.parking
        lines = [self._line(place, number) for number in range(1, self.chance.randint(1, MOST_LINES) + 1)]
        if parks:
            lines[-1] |= {"item": NOBODYS, "product_number": NOBODYS}
        told = self.servicenow.request(self.chance.choice(self.suppliers), lines, currency="USD")
        self.made.append(told["number"])
        if parks:
            self.waiting.add(told["number"])

    def change(self) -> None:
        """Change a line's quantity, ask for one more, or take one out."""
        number = self.chance.choice(self.made)
        if number in self.waiting:
            return
        self.changes += 1
        lines = self._lines(number)
        last = max(int(line["line_number"]) for line in lines)
        told = {"short_description": f"changed {self.changes} times"}
        if len(lines) > 1 and self.chance.random() < TAKEN_OUT:
            self.servicenow.delete(LINES, self.chance.choice(lines)["sys_id"])
            self.servicenow.change_request(number, **told)
            return
        which = self.chance.choice([*(int(line["line_number"]) for line in lines), last + 1])
        if which > last:
            more = self._line(self.made.index(number), which)
        else:
            more = {"line_number": str(which), "quantity": str(self.chance.randint(1, 99))}
        self.servicenow.change_request(number, lines=[{**more, "line_number": str(which)}], **told)

    def _line(self, place: int, number: int) -> dict[str, Any]:
        item = self.chance.choice(self.items)
        return {
            "product_name": f"thing {place}-{number}-{self.changes}",
            "product_number": item,
            "quantity": str(self.chance.randint(1, 99)),
            "unit_price": f"USD;{self.chance.randint(1, 99_999) / 100:.2f}",
            "cost_center": "ADM",
        }

    # what must be there

    def wanted(self, number: str) -> Counter[Line]:
        """Return the lines that the order of a request must have."""
        return Counter(
            (
                line["product_name"],
                line["product_number"],
                Decimal(line["purchased_quantity"]),
                Decimal(line["unit_price.amount"]),
            )
            for line in self._lines(number)
        )

    def _lines(self, number: str) -> list[dict[str, Any]]:
        header = self.servicenow.table(HEADERS, number=number)[0]
        return self.servicenow.table(LINES, purchase_requisition=header["sys_id"])


def orders(acumatica: AcumaticaSimulator) -> dict[str, list[dict[str, Any]]]:
    """Return our orders by the request's number, which their reference begins with."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in acumatica.rows("PurchaseOrder"):
        number, slash, _ = str(row["VendorRef"] or "").partition("/")
        if slash and number.startswith("PR"):
            found.setdefault(number, []).append(row)
    return found


def doubled(acumatica: AcumaticaSimulator) -> Iterator[str]:
    """Yield what must never be, not even for a moment: two orders of a request, or a line that stands twice."""
    for number, rows in orders(acumatica).items():
        if len(rows) > 1:
            yield f"second order: {number} has {', '.join(row['OrderNbr'] for row in rows)}"
        for row in rows:
            names = Counter(line["LineDescription"] for line in row["Details"])
            if twice := [name for name, count in names.items() if count > 1]:
                yield f"second line: {row['OrderNbr']} of {number} has {twice} twice"


def faults(buyers: Buyers, acumatica: AcumaticaSimulator) -> Iterator[str]:
    """Yield how the orders differ from what was asked for, once everything has arrived."""
    yield from doubled(acumatica)
    found = orders(acumatica)
    for number in buyers.made:
        if number in buyers.waiting:
            if number in found:
                yield f"never wanted: {number} has an order, and an item that nobody has"
            continue
        if number not in found:
            yield f"lost: {number} has no order"
            continue
        row, wanted = found[number][0], buyers.wanted(number)
        there = Counter(
            (line["LineDescription"], line["InventoryID"], line["OrderQty"], line["UnitCost"])
            for line in row["Details"]
        )
        if there != wanted:
            yield f"other lines: {row['OrderNbr']} of {number}: lacks {wanted - there}, has too many {there - wanted}"
        total = sum((quantity * price for _, _, quantity, price in wanted.elements()), Decimal(0))
        if row["LineTotal"] != total:
            yield f"sums: {row['OrderNbr']} of {number} is {row['LineTotal']}, asked for was {total}"
