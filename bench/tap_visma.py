"""tap-visma beside a raw requests+msgspec loop and a stock SDK stream, against the same server, in the same run.

    .venv/bin/python -m bench.tap_visma [--invoices 20000] [--rounds 3] [--json FILE]

Whole processes are timed, start included, their output to /dev/null; the best of some rounds counts. Ratios mean
something, seconds do not: machines differ. Memory is the peak of the tap's process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.visma import CLIENT_ID, CLIENT_SECRET, NO01

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = sys.executable
TAP = str(Path(sys.executable).parent / "tap-visma")
CONCURRENCY = 4
LATENCIES = (0.0, 0.05)
SMALL, LARGE = 10_000, 200_000


@dataclass(frozen=True)
class Run:
    """One process, run to its end."""

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Comparison:
    """The three readers at one latency, in records per second."""

    latency_ms: int
    invoices: int
    raw: float
    tap: float
    stock: float

    @property
    def of_raw(self) -> float:
        """The tap's speed as a part of the raw loop's."""
        return self.tap / self.raw

    @property
    def over_stock(self) -> float:
        """How many times the stock stream's speed the tap reaches."""
        return self.tap / self.stock


@contextmanager
def serving(invoices: int, latency: float) -> Iterator[str]:
    """Run the simulator in a process of its own and give its address; pages are rendered before it tells."""
    command = [PYTHON, "-m", "bench.serve_visma", str(invoices), str(latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin
        assert server.stdout
        yield server.stdout.readline().strip()
        server.stdin.close()


def timed(command: list[str]) -> Run:
    """Run a command with its output thrown away."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr
        told = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{told.decode()}")
    return Run(time.perf_counter() - began, usage.ru_maxrss / 1024)


def commands(url: str, folder: Path) -> dict[str, list[str]]:
    """Return how each reader is started, all with the same settings."""
    config = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "tenant_id": NO01.tenant_id, "company": "NO01"}
    config |= {"api_url": url, "token_url": f"{url}/connect/token"}
    settings, catalog = folder / "config.json", folder / "catalog.json"
    settings.write_text(json.dumps({**config, "max_concurrency": CONCURRENCY}))
    catalog.write_text(json.dumps(invoices_only()))
    return {
        "raw": [PYTHON, "-m", "bench.raw_visma", str(settings)],
        "tap": [TAP, "--config", str(settings), "--catalog", str(catalog)],
        "stock": [PYTHON, "-m", "bench.stock_visma", "--config", str(settings)],
    }


def invoices_only() -> Any:
    """Return the tap's catalog with supplier invoices selected only."""
    catalog = json.loads(subprocess.run([TAP, "--discover"], capture_output=True, check=True).stdout)
    for stream in catalog["streams"]:
        root = next(entry for entry in stream["metadata"] if entry["breadcrumb"] == [])
        root["metadata"]["selected"] = stream["stream"] == "supplier_invoices"
    return catalog


def compare(invoices: int, latency: float, rounds: int, folder: Path) -> Comparison:
    """Run the three readers in turn, several rounds, so that a busy moment hits them all."""
    best: dict[str, float] = {}
    with serving(invoices, latency) as url:
        for _ in range(rounds):
            for name, command in commands(url, folder).items():
                best[name] = max(best.get(name, 0.0), invoices / timed(command).seconds)
    return Comparison(round(latency * 1000), invoices, **best)


def peak_memory(invoices: int, folder: Path) -> float:
    """Return the tap's peak memory in megabytes."""
    with serving(invoices, 0) as url:
        return timed(commands(url, folder)["tap"]).megabytes


def main() -> None:
    """Measure, print a table, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invoices", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        comparisons = [compare(arguments.invoices, latency, arguments.rounds, folder) for latency in LATENCIES]
        memory = {size: peak_memory(size, folder) for size in (SMALL, LARGE)}
    print(f"tap-visma, {arguments.invoices} supplier invoices, {CONCURRENCY} requests at once, records/s")
    print(f"{'latency':>8} {'raw loop':>9} {'tap-visma':>9} {'stock SDK':>9} {'of raw':>7} {'x stock':>8}")
    for each in comparisons:
        print(
            f"{each.latency_ms:>5} ms {each.raw:>9.0f} {each.tap:>9.0f} {each.stock:>9.0f}"
            f" {each.of_raw:>7.0%} {each.over_stock:>8.1f}"
        )
    growth = memory[LARGE] / memory[SMALL] - 1
    print(f"peak memory: {memory[SMALL]:.0f} MB at {SMALL}, {memory[LARGE]:.0f} MB at {LARGE} invoices ({growth:+.0%})")
    if arguments.json:
        numbers = [{**asdict(each), "of_raw": each.of_raw, "over_stock": each.over_stock} for each in comparisons]
        arguments.json.write_text(json.dumps({"comparisons": numbers, "peak_megabytes": memory}, indent=1))


if __name__ == "__main__":
    main()
