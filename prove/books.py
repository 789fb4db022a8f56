"""A company's month, made larger: the seeded invoices, problems included, again under other numbers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.kit import encode_json
from ml_connector_simulators.visma.resources import RESOURCES
from tap_visma.tap import TapVisma

from prove.flow import STREAMS
from prove.reading import read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ml_connector.singer.stream import Stream
    from ml_connector_simulators.visma import VismaSimulator

    from prove.flow import Flow

INVOICE = "supplierInvoice"
SEEDED_DIGITS = 6  # of a seeded invoice's number; a copy has its edition's before it


def resize(visma: VismaSimulator, company: str, invoices: int) -> None:
    """Take away the newest invoices, or add invoices like those there are, until there are this many."""
    there = visma.rows(company, INVOICE)
    for row in there[invoices:]:
        visma.remove(company, INVOICE, key_of(row))
    models = [row for row in there if len(row["referenceNumber"]) == SEEDED_DIGITS]
    for number in range(len(there) - len(models), invoices - len(models)):
        visma.add(company, INVOICE, _copy(models[number % len(models)], 1 + number // len(models)))


def shrink(
    visma: VismaSimulator, company: str, invoices: int, orders: int, keep: Sequence[dict[str, Any]] = ()
) -> None:
    """Leave this many invoices and orders and some more invoices, and the suppliers and accounts that they name."""
    resize(visma, company, invoices)
    for row in keep:
        visma.add(company, INVOICE, row)
    for row in visma.rows(company, "purchaseOrder")[orders:]:
        visma.remove(company, "purchaseOrder", RESOURCES["purchaseorder"].key(row))
    documents = _text(visma.rows(company, INVOICE) + visma.rows(company, "purchaseOrder"))
    _remove_unnamed(visma, company, "supplier", documents)
    _remove_unnamed(visma, company, "account", documents + _text(visma.rows(company, "supplier")))


def _remove_unnamed(visma: VismaSimulator, company: str, resource: str, text: str) -> None:
    for row in visma.rows(company, resource):
        number = RESOURCES[resource].key(row)
        if f'"{number}"' not in text:
            visma.remove(company, resource, number)


def _text(rows: list[dict[str, Any]]) -> str:
    return encode_json(rows).decode()


def key_of(invoice: dict[str, Any]) -> str:
    """Return what the simulator calls an invoice."""
    return RESOURCES["supplierinvoice"].key(invoice)


def add_suppliers(visma: VismaSimulator, company: str, count: int) -> None:
    """Add suppliers, like those there are, under numbers and names of their own."""
    models = visma.rows(company, "supplier")
    newest = max(row["internalId"] for row in models)
    for number in range(count):
        model, own = models[number % len(models)], newest + 1 + number
        names = {"internalId": own, "number": f"7{number:05d}", "name": f"{model['name'][:40]} {number}"}
        visma.add(
            company, "supplier", model | names | {"corporateId": f"8{own:08d}", "vatRegistrationId": f"8{own:08d}"}
        )


def _copy(model: dict[str, Any], edition: int) -> dict[str, Any]:
    row = copy.deepcopy(model)
    row["referenceNumber"] = f"{edition}{model['referenceNumber']}"
    for name in ("supplierReference", "paymentRefNo", "paymentMessage"):
        row[name] = f"{model[name]}-{edition}"
    return row


def sync(
    flow: Flow,
    *,
    state: Any = None,
    frequency: int = 1000,
    streams: Sequence[str] = STREAMS,
    after_page: Callable[[Stream], None] | None = None,
) -> str:
    """Run the tap in this process and return what it writes, with a STATE about every `frequency` records.

    `after_page` is called when a page has been answered, before the next one is asked for.
    """
    tap = TapVisma(config=flow.tap_config(), state=state)
    return read(tap, streams, frequency=frequency, after_page=after_page)
