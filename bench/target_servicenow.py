"""target-servicenow-importset, mode by mode, 4 calls at once: `.venv/bin/python -m bench.target_servicenow`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.sink import Effect
from ml_connector.http import Basic, Budget, Client
from ml_connector.vendors.servicenow.errors import classify
from ml_connector_simulators.servicenow import InsertMultiple, Installation, ServiceNowSimulator
from ml_connector_simulators.servicenow.seed import PASSWORD, USER
from target_servicenow_importset.ap_invoices.documents import ApOptions
from target_servicenow_importset.sink import Options, ServiceNowSink
from target_servicenow_importset.writer import Mode

from bench import writing
from bench.calls import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.calls import Calls

NAME = "target-servicenow-importset"
TABLE = "sn_fcms_intg_imp_supplier"
SOURCE = "visma:NO01"
HOURLY = 1000  # calls of the AP Invoice API; its own limit of 10 would be measured, not the target


def simulator(**changes: Any) -> ServiceNowSimulator:
    """Return an instance that knows the supplier of the invoices."""
    sim = ServiceNowSimulator(Installation(**changes))
    sim.add("sn_fin_supplier", erp_source=SOURCE, supplier_number="50", legal_name="Nordic Paper AS")
    return sim


def sink(url: str, mode: Mode) -> ServiceNowSink:
    """Open the target's sink."""
    client = Client(url, auth=Basic(USER, PASSWORD), classify=classify, budget=Budget(max_concurrency=4))
    return ServiceNowSink(client, Options(mode, documents=ApOptions(calls_per_hour=HOURLY)), writing.Unhurried())


def suppliers(count: int) -> list[Effect]:
    """Return new suppliers, a staging row each."""
    return [_supplier(number) for number in range(count)]


def _supplier(number: int) -> Effect:
    key = {"ERP source": SOURCE, "Supplier number": str(50000 + number)}
    payload = {
        **key,
        "Legal name": f"Supplier {number} AS",
        "City": "Oslo",
        "Country": "NO",
        "Tax id": f"NO{number:09}",
    }
    return Effect(number, f"visma:NO01:suppliers:{number}", "header", TABLE, "import_set", key, payload)


def invoices(count: int) -> list[Effect]:
    """Return new invoices with two lines, a document each."""
    return [_invoice(number) for number in range(count)]


def _invoice(number: int) -> Effect:
    key = {"erp_source": SOURCE, "external_invoice_number": str(number)}
    line = {"external_invoice_number": str(number), "line_description": "Paper", "subtotal": "50", "currency": "NOK"}
    payload = {
        **key,
        "supplier_invoice_number": f"S-{number}",
        "supplier": "50",
        "invoice_date": "2026-10-05",
        "currency": "NOK",
        "subtotal": "100",
        "amount_invoiced": "100",
        "invoice_lines": [{"__row__": row, **line} for row in ("1", "2")],
    }
    business_key = f"{SOURCE}:supplier_invoices:{number}"
    return Effect(number, business_key, "header", "sn_shop_invoice", "ap_invoice_api", key, payload)


def case(
    name: str, mode: Mode, effects: Callable[[int], list[Effect]] = suppliers, **installation: Any
) -> writing.Case:
    """Return one way to write into an installation."""
    return writing.Case(name, partial(simulator, **installation), partial(sink, mode=mode), effects, "/api/")


SYNCHRONOUS = {TABLE: InsertMultiple(keys="column_name", synchronous=True)}
CASES = (
    case("single", Mode.SINGLE),
    case("batch", Mode.BATCH),
    case("insert_multiple, synchronous", Mode.INSERT_MULTIPLE, insert_multiple=SYNCHRONOUS),
    case("insert_multiple, asynchronous", Mode.INSERT_MULTIPLE),
    case("ap_invoice_api, with two lines", Mode.AUTO, invoices),
)


def main() -> Iterator[Calls]:
    """Measure every mode."""
    return writing.main(NAME, CASES)


if __name__ == "__main__":
    tell(main())
