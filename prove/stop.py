"""A server that asks for ten hours: processes stop cleanly, their state saved, and the next run finishes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector_simulators.kit import Fault, running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import VismaSimulator

from prove import books
from prove.emitted import records
from prove.flow import Ended, Flow
from prove.landed import landed

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 60.0  # seconds of the wall clock: nobody waits ten hours
_STOPPED = 3
INVOICES = 120


@dataclass
class Stops:
    """What was counted and what went wrong."""

    numbers: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def clean_stops(folder: Path) -> Stops:
    """Stop a tap between two pages and a target between two batches, then let both finish."""
    stops = Stops()
    with running(VismaSimulator()) as visma, running(ServiceNowSimulator()) as servicenow:
        books.resize(visma, "NO01", INVOICES)
        flow = Flow(folder / "stops", visma.url, servicenow.url, target_settings={"batch_size_rows": 60})
        whole = _stopped_tap(flow, visma, stops)
        _stopped_target(flow, servicenow, whole.out, stops)
    return stops


def _stopped_tap(flow: Flow, visma: VismaSimulator, stops: Stops) -> Ended:
    flow.tap_settings = {"page_size": 20, "max_concurrency": 1}
    whole = flow.read(LIMIT)
    visma.faults.add(_ten_hours("/v1/supplierInvoice", after=2))
    stopped = flow.read(LIMIT)
    stops.failures += [f"tap: {words}" for words in stopped.faults([_STOPPED])]
    read = stopped.out.count('"stream":"supplier_invoices","record"')
    if not stopped.out.rstrip().splitlines()[-1].startswith('{"type":"STATE"'):
        stops.failures.append("tap: it stopped without a last STATE")
    stops.numbers["invoices a tap emitted before it was told to wait 10 h"] = read
    again = flow.read(LIMIT)
    stops.failures += [f"tap, run again: {words}" for words in again.faults()]
    if records(again.out) != records(whole.out):
        stops.failures.append("tap: the next run did not read what an undisturbed one reads")
    return whole


def _stopped_target(flow: Flow, servicenow: ServiceNowSimulator, stream: str, stops: Stops) -> None:
    servicenow.faults.add(_ten_hours("/api/now/v1/batch", after=6))
    stopped = flow.load(stream, LIMIT)
    stops.failures += [f"target: {words}" for words in stopped.faults([_STOPPED])]
    stops.numbers["rows a target wrote before it was told to wait 10 h"] = landed(servicenow).count
    stops.numbers["states it let pass until then"] = len(stopped.out.splitlines())
    if flow.last_run().get("outcome") != "stopped":
        stops.failures.append(f"target: its run is {flow.last_run()}")
    flow.let_time_pass()
    again = flow.load(stream, LIMIT)
    stops.failures += [f"target, run again: {words}" for words in again.faults()]
    with running(ServiceNowSimulator()) as other:
        clean = Flow(flow.folder / "clean", servicenow_url=other.url)
        clean.load(stream, LIMIT)
        for kind, told in landed(other).differences(landed(servicenow)).items():
            stops.failures.append(f"target, run again: {kind}: {told}")


def _ten_hours(path: str, after: int) -> Fault:
    return Fault("status", path, after=after, status=429, headers={"Retry-After": "36000"})
