"""How fast target-servicenow-importset writes, mode by mode: calls per 1,000 records, and records a second.

The simulator answers each call after 50 ms, in a process of its own. Its transformer runs when it is polled, and the
pauses between polls are skipped, so the instance's own transform time is not part of the figures.
Numbers are ratios within one run: `single` is 1.
"""

from __future__ import annotations

import multiprocessing
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from ml_connector.delivery.sink import Effect, State
from ml_connector.http import Basic, Budget, Client, Clock
from ml_connector.vendors.servicenow.errors import classify
from ml_connector_simulators.kit import Fault, running
from ml_connector_simulators.servicenow import InsertMultiple, Installation, ServiceNowSimulator
from target_servicenow_importset.sink import Options, ServiceNowSink
from target_servicenow_importset.writer import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

TABLE = "sn_fcms_intg_imp_supplier"
RECORDS = 400
LATENCY = 0.05
SYNCHRONOUS = Installation(insert_multiple={TABLE: InsertMultiple(keys="column_name", synchronous=True)})
CASES = {
    "single": (Mode.SINGLE, Installation()),
    "batch": (Mode.BATCH, Installation()),
    "insert_multiple, synchronous": (Mode.INSERT_MULTIPLE, SYNCHRONOUS),
    "insert_multiple, asynchronous": (Mode.INSERT_MULTIPLE, Installation()),
}


class Unhurried(Clock):
    """The real time, with the pauses between polls left out."""

    def sleep(self, seconds: float) -> None:
        """Do not wait."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one mode needed for RECORDS new rows, read back to their outcomes."""

    mode: str
    calls: int
    seconds: float

    @property
    def rate(self) -> float:
        """Records a second."""
        return RECORDS / self.seconds


def main() -> None:
    """Print a table."""
    results = [measure(name, *case) for name, case in CASES.items()]
    print(f"target-servicenow-importset: {RECORDS} new rows, 4 calls at once, {LATENCY * 1000:.0f} ms a call")
    print(f"{'mode':32}{'calls per 1,000':>16}{'records/s':>12}{'against single':>16}")
    for result in results:
        calls, ratio = result.calls * 1000 / RECORDS, result.rate / results[0].rate
        print(f"{result.mode:32}{calls:16.0f}{result.rate:12.0f}{ratio:15.1f}x")


def measure(name: str, mode: Mode, installation: Installation) -> Result:
    """Write RECORDS rows in one mode, until every outcome is known."""
    with _served(installation) as url:
        sink = _sink(url, mode)
        effects = [_supplier(number) for number in range(RECORDS)]
        sink.check(effects[0])  # the dictionary is read once per run, whatever the volume
        requests.delete(f"{url}/_sim/requests", timeout=10)
        started = time.perf_counter()
        outcomes = list(sink.send(effects))
        sent = [outcome for outcome in outcomes if outcome.state is State.SENT]
        outcomes = [outcome for outcome in outcomes if outcome.state is not State.SENT]
        outcomes += sink.settle([_with_handle(outcome.effect, outcome.handle) for outcome in sent], wait=True)
        seconds = time.perf_counter() - started
        delivered = sum(outcome.state is State.DELIVERED for outcome in outcomes)
        if delivered != RECORDS:
            raise SystemExit(f"{name}: {delivered} of {RECORDS} rows were delivered")
        return Result(name, len(requests.get(f"{url}/_sim/requests", timeout=10).json()), seconds)


def _sink(url: str, mode: Mode) -> ServiceNowSink:
    client = Client(
        url, auth=Basic("integration.user", "demo-sn-password"), classify=classify, budget=Budget(max_concurrency=4)
    )
    return ServiceNowSink(client, Options(mode=mode), Unhurried())


def _supplier(number: int) -> Effect:
    key = {"ERP source": "visma:NO01", "Supplier number": str(50000 + number)}
    payload = {
        **key,
        "Legal name": f"Supplier {number} AS",
        "City": "Oslo",
        "Country": "NO",
        "Tax id": f"NO{number:09}",
    }
    return Effect(number, f"visma:NO01:suppliers:{number}", "header", TABLE, "import_set", key, payload)


def _with_handle(effect: Effect, handle: dict[str, Any] | None) -> Effect:
    return Effect(
        effect.id, effect.business_key, effect.name, effect.table, effect.via, effect.key, effect.payload, handle=handle
    )


@contextmanager
def _served(installation: Installation) -> Iterator[str]:
    """Run the simulator in a process of its own."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(there, installation), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        here.send("end")
        process.join()


def _serve(pipe: Connection, installation: Installation) -> None:
    with running(ServiceNowSimulator(installation)) as sim:
        sim.faults.add(Fault("latency", path="/api/now/", seconds=LATENCY, times=None))
        pipe.send(sim.url)
        pipe.recv()


if __name__ == "__main__":
    main()
