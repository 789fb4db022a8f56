"""A company's month, made larger: the seeded invoices, problems included, again under other numbers."""

from __future__ import annotations

import contextlib
import copy
import io
from typing import TYPE_CHECKING, Any

from tap_visma.tap import TapVisma

from prove.flow import STREAMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector_simulators.visma import VismaSimulator

    from prove.flow import Flow

INVOICE = "supplierInvoice"


def resize(visma: VismaSimulator, company: str, invoices: int) -> None:
    """Take away the newest invoices, or add invoices like those there are, until there are this many."""
    models = visma.rows(company, INVOICE)
    for row in models[invoices:]:
        visma.remove(company, INVOICE, key_of(row))
    for number in range(invoices - len(models)):
        visma.add(company, INVOICE, _copy(models[number % len(models)], 1 + number // len(models)))


def key_of(invoice: dict[str, Any]) -> str:
    """Return what the simulator calls an invoice."""
    return f"{invoice['documentType']}/{invoice['referenceNumber']}"


def _copy(model: dict[str, Any], edition: int) -> dict[str, Any]:
    row = copy.deepcopy(model)
    row["referenceNumber"] = f"{edition}{model['referenceNumber']}"
    for name in ("supplierReference", "paymentRefNo", "paymentMessage"):
        row[name] = f"{model[name]}-{edition}"
    return row


def sync(flow: Flow, *, state: Any = None, frequency: int = 1000, streams: Sequence[str] = STREAMS) -> str:
    """Run the tap in this process and return what it writes, with a STATE about every `frequency` records."""
    tap = TapVisma(config=flow.tap_config(), state=state)
    for name, stream in tap.streams.items():
        stream.selected = name in streams
        stream.STATE_MSG_FREQUENCY = frequency
    buffer = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(buffer):
        tap.sync_all()
    buffer.flush()
    return buffer.buffer.getvalue().decode()
