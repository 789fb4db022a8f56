"""target-acumatica, one request at a time: `.venv/bin/python -m bench.target_acumatica`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ml_connector.delivery.sink import Effect
from ml_connector.http import Budget
from ml_connector.vendors.acumatica.client import open_client
from ml_connector_simulators.acumatica import AcumaticaSimulator
from target_acumatica.sink import AcumaticaSink, Options

from bench import writing
from bench.calls import tell
from bench.tap_acumatica import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.calls import Calls

NAME = "target-acumatica"
DEFAULTS = {"endpoint": "Default", "endpoint_version": "24.200.001", "auth_method": "oauth_password"}
LIMITS = {"request_timeout": 660, "patience": 900}


def sink(url: str) -> AcumaticaSink:
    """Open the target's sink."""
    config = {**DEFAULTS, **LIMITS, **settings(url)}
    connection = open_client(config, agent="bench", budget=Budget(max_concurrency=1))
    return AcumaticaSink(connection, config, Options(), writing.Unhurried())


def orders(count: int) -> list[Effect]:
    """Return new purchase orders with two lines."""
    return [_order(number) for number in range(count)]


def _order(number: int) -> Effect:
    key = {"VendorRef": f"REQ{number:06d}"}
    line = {"InventoryID": "APPLES", "OrderQty": 10, "UnitCost": "2.29"}
    payload = {
        **key,
        "VendorID": "ALLFRUITSW",
        "Description": f"Request {number}",
        "Date": "2026-10-28",
        "Hold": True,
        "Details": [{"__row__": row, **line} for row in ("1", "2")],
    }
    business_key = f"servicenow:demo:purchase_requests:{number}"
    return Effect(number, business_key, "header", "PurchaseOrder", "entity", key, payload)


def changed(order: Effect) -> Effect:
    """Return a purchase order with another quantity on its first line."""
    first, *others = order.payload["Details"]
    return replace(order, payload={**order.payload, "Details": [{**first, "OrderQty": 12}, *others]})


CREATE = writing.Case("purchase orders created", AcumaticaSimulator, sink, orders, "/entity/")
CASES = (CREATE, replace(CREATE, name="purchase orders changed", changed=changed))


def main() -> Iterator[Calls]:
    """Measure both."""
    return writing.main(NAME, CASES, 200)


if __name__ == "__main__":
    tell(main())
