"""Tables that people edit while they are read: four of two vendors, each with a token of every version it ever had."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.acumatica import AcumaticaSimulator
from ml_connector_simulators.servicenow import ServiceNowSimulator
from tap_acumatica.tap import TapAcumatica
from tap_servicenow.tap import TapServiceNow

from prove.both_ways import ACUMATICA, REQUESTS, SERVICENOW
from prove.buyers import HEADERS, LINES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_connector.singer.tap import Tap

Simulator = AcumaticaSimulator | ServiceNowSimulator


@dataclass
class Books(ABC):
    """One table and the tap that reads it."""

    sim: Any
    stream: str = field(init=False)

    @abstractmethod
    def tap(self, state: Any, page_size: int) -> Tap:
        """Return the tap, from a state on."""

    @abstractmethod
    def insert(self, number: int, token: str, tie: str | None = None) -> str:
        """Enter a row, perhaps in the moment of another; return its key."""

    @abstractmethod
    def edit(self, key: str, token: str, tie: str | None = None) -> None:
        """Change a row."""

    @abstractmethod
    def remove(self, key: str) -> None:
        """Delete a row."""

    @abstractmethod
    def newest(self) -> str:
        """Return the newest moment that any row carries."""

    @abstractmethod
    def told(self, record: dict[str, Any]) -> tuple[str, str]:
        """Return key and token of a record."""

    def emitted(self, lines: list[str]) -> list[tuple[str, str]]:
        """Return key and token of every record in a stream."""
        found = (json.loads(line)["record"] for line in lines if '"type":"RECORD"' in line[:20])
        return [told for told in map(self.told, found) if "-v" in told[1]]


class AcumaticaBooks(Books):
    """An entity of Acumatica."""

    entity: str
    naming: str
    wording: str

    def tap(self, state: Any, page_size: int) -> Tap:
        """Return tap-acumatica."""
        return TapAcumatica(config={**ACUMATICA, "instance_url": self.sim.url, "page_size": page_size}, state=state)

    def insert(self, number: int, token: str, tie: str | None = None) -> str:
        """Enter a record."""
        row = self.sim.add(self.entity, self.fields(number) | {self.wording: token})
        key = self.key(row)
        if tie:
            self.edit(key, token, tie)
        return key

    def edit(self, key: str, token: str, tie: str | None = None) -> None:
        """Change a record."""
        self.sim.edit(self.entity, key, **{self.wording: token}, **({"LastModifiedDateTime": tie} if tie else {}))

    def remove(self, key: str) -> None:
        """Delete a record: nothing tells of it, and the rows after it move up."""
        self.sim.remove(self.entity, key)

    def newest(self) -> str:
        """Return the newest LastModifiedDateTime."""
        return str(max(row["LastModifiedDateTime"] for row in self.sim.rows(self.entity)))

    def told(self, record: dict[str, Any]) -> tuple[str, str]:
        """Return key and token."""
        return self.key(record), str(record[self.wording])

    @abstractmethod
    def fields(self, number: int) -> dict[str, Any]:
        """Return the key fields of a new record."""

    @abstractmethod
    def key(self, row: dict[str, Any]) -> str:
        """Return the key of a record, as the simulator names it."""


class Vendors(AcumaticaBooks):
    """Read by key."""

    stream, entity, wording = "vendors", "Vendor", "VendorName"

    def fields(self, number: int) -> dict[str, Any]:
        """Return a vendor's number, anywhere among the others."""
        return {"VendorID": f"{'AKZ'[number % 3]}{number:05d}"}

    def key(self, row: dict[str, Any]) -> str:
        """Return its number."""
        return str(row["VendorID"])


class PurchaseOrders(AcumaticaBooks):
    """Read by skipping, as every entity whose key has two parts."""

    stream, entity, wording = "purchase_orders", "PurchaseOrder", "Description"

    def fields(self, number: int) -> dict[str, Any]:
        """Return an order's number, before or behind the others."""
        return {"Type": "Normal", "OrderNbr": f"{'AQ'[number % 2]}{number:05d}"}

    def key(self, row: dict[str, Any]) -> str:
        """Return type and number."""
        return f"{row['Type']}/{row['OrderNbr']}"


class ServiceNowBooks(Books):
    """A table of ServiceNow, read by keyset."""

    def tap(self, state: Any, page_size: int) -> Tap:
        """Return tap-servicenow."""
        own = {"instance_url": self.sim.url, "page_size": page_size, "company": "dev", "tables": [self.table]}
        return TapServiceNow(config={**SERVICENOW, **own}, state=state)

    table: str


class CostCenters(ServiceNowBooks):
    """A plain table, whose stamps have seconds: ties are the rule."""

    stream = table = "cmn_cost_center"

    def insert(self, number: int, token: str, tie: str | None = None) -> str:
        """Enter a cost centre."""
        row = self.sim.add(self.table, code=f"N{number:05d}", name=token)
        if tie:
            self.edit(row["sys_id"], token, tie)
        return str(row["sys_id"])

    def edit(self, key: str, token: str, tie: str | None = None) -> None:
        """Change a cost centre; with a tie, as a transaction that commits a moment late."""
        if tie:
            self.sim.update_silently(self.table, key, name=token, sys_updated_on=tie)
        else:
            self.sim.update(self.table, key, name=token)

    def remove(self, key: str) -> None:
        """Delete a cost centre."""
        self.sim.delete(self.table, key)

    def newest(self) -> str:
        """Return the newest sys_updated_on."""
        return str(max(row["sys_updated_on"] for row in self.sim.table(self.table)))

    def told(self, record: dict[str, Any]) -> tuple[str, str]:
        """Return key and token."""
        return str(record["sys_id"]), str(record["name"])


class Requests(ServiceNowBooks):
    """Requests, of which only a line changes: their header's stamp does not move."""

    stream, table = REQUESTS, HEADERS

    def insert(self, number: int, token: str, tie: str | None = None) -> str:
        """Make a request of one line."""
        del number
        line = {"product_name": token, "product_number": "APPLES", "quantity": "1", "unit_price": "USD;1.00"}
        made = self.sim.request("ALLFRUITSW", [line], currency="USD")
        if tie:
            self.sim.update_silently(HEADERS, made["sys_id"], sys_updated_on=tie)
        return str(made["sys_id"])

    def edit(self, key: str, token: str, tie: str | None = None) -> None:
        """Change its line, and no total."""
        (line,) = self.sim.table(LINES, purchase_requisition=key)
        if tie:
            self.sim.update_silently(LINES, line["sys_id"], product_name=token, sys_updated_on=tie)
        else:
            self.sim.update(LINES, line["sys_id"], product_name=token)

    def remove(self, key: str) -> None:
        """Delete a request with its line."""
        (line,) = self.sim.table(LINES, purchase_requisition=key)
        self.sim.delete(LINES, line["sys_id"])
        self.sim.delete(HEADERS, key)

    def newest(self) -> str:
        """Return the newest sys_updated_on of a line."""
        return str(max(row["sys_updated_on"] for row in self.sim.table(LINES)))

    def told(self, record: dict[str, Any]) -> tuple[str, str]:
        """Return key and token; a request whose line was deleted while it was read has none."""
        return str(record["sys_id"]), str(record["lines"][0]["product_name"]) if record["lines"] else ""


def prepare(servicenow: ServiceNowSimulator) -> None:
    """Let there be a supplier to ask."""
    servicenow.add("sn_fin_supplier", supplier_number="ALLFRUITSW", legal_name="A", erp_source="acumatica:US01")


KINDS: tuple[tuple[type[Books], Callable[[Any], Any]], ...] = (
    (Vendors, lambda start: AcumaticaSimulator(start=start)),
    (PurchaseOrders, lambda start: AcumaticaSimulator(start=start)),
    (CostCenters, lambda start: ServiceNowSimulator(start=start)),
    (Requests, lambda start: ServiceNowSimulator(start=start)),
)
"""What is read, and the vendor it is in."""
