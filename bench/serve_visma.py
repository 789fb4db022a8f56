"""The Visma simulator with many invoices, in a process of its own; prints its address, ends with its input."""

from __future__ import annotations

import sys

from ml_connector_simulators.kit import Fault, running
from ml_connector_simulators.visma import Bulk, VismaSimulator


def main(invoices: int, latency: float) -> None:
    """Serve until standard input closes; every page of invoices comes `latency` seconds late."""
    with running(VismaSimulator(Bulk(invoices))) as sim:
        sim.limit.limit = 10**9
        if latency:
            sim.faults.add(Fault("latency", path="/v1/supplierInvoice", times=None, seconds=latency))
        print(sim.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
