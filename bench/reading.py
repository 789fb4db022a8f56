"""A tap beside a raw requests+msgspec loop and a stock SDK stream, against the same server, in the same run.

Whole processes are timed, start included, their output to /dev/null; the best of some rounds counts. Ratios mean
something, seconds do not: machines differ. Memory is the peak of the tap's process. The server cuts its pages from
texts written before, so that it is no part of what is measured; it counts the requests.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.calls import Calls, Counter, tell
from bench.process import Run, serving, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from ml_connector_simulators.kit import Simulator

PYTHON = sys.executable
RECORDS = 20_000
ROUNDS = 3
LATENCIES = (0.0, 0.05)
SMALL, LARGE = 10_000, 200_000


@dataclass(frozen=True)
class Subject:
    """A tap, what is read of it, and where from.

    The two beside it are the modules `bench.raw_<vendor>` and `bench.stock_<vendor>`.
    """

    vendor: str
    stream: str
    what: str
    simulator: Callable[[int], Simulator]
    """Makes a server of so many records."""
    slow: str
    """The path that answers late, as a regular expression."""
    settings: Callable[[str], Mapping[str, Any]]
    """The settings of all three, by the server's address."""

    @property
    def tap(self) -> str:
        """Its name."""
        return f"tap-{self.vendor}"

    def serving(self, records: int, latency: float = 0.0) -> AbstractContextManager[str]:
        """Serve so many records in a process of its own, each page so late."""
        return serving(lambda: self.simulator(records), self.slow, latency)

    def commands(self, url: str, folder: Path) -> dict[str, list[str]]:
        """Return how each reader is started, all with the same settings."""
        settings, catalog = folder / "config.json", folder / "catalog.json"
        settings.write_text(json.dumps(self.settings(url)))
        tap = [str(Path(PYTHON).parent / self.tap), "--config", str(settings)]
        catalog.write_text(json.dumps(self._catalog([*tap, "--discover"])))
        return {
            "raw": [PYTHON, "-m", f"bench.raw_{self.vendor}", str(settings)],
            "tap": [*tap, "--catalog", str(catalog)],
            "stock": [PYTHON, "-m", f"bench.stock_{self.vendor}", "--config", str(settings)],
        }

    def _catalog(self, discover: list[str]) -> Any:
        """Return the tap's catalog with the one stream selected."""
        catalog = json.loads(subprocess.run(discover, capture_output=True, check=True).stdout)
        for stream in catalog["streams"]:
            root = next(entry for entry in stream["metadata"] if entry["breadcrumb"] == [])
            root["metadata"]["selected"] = stream["stream"] == self.stream
        return catalog


@dataclass(frozen=True)
class Comparison:
    """The three readers at one latency, in records per second, and the requests that each made."""

    latency_ms: int
    records: int
    raw: float
    tap: float
    stock: float
    cpu_seconds: Mapping[str, float]
    calls: Mapping[str, int]

    @property
    def of_raw(self) -> float:
        """The tap's speed as a part of the raw loop's."""
        return self.tap / self.raw

    @property
    def over_stock(self) -> float:
        """How many times the stock stream's speed the tap reaches."""
        return self.tap / self.stock


def compare(subject: Subject, records: int, latency: float, rounds: int, folder: Path) -> Comparison:
    """Run the three readers in turn, several rounds, so that a busy moment hits them all."""
    best: dict[str, Run] = {}
    calls: dict[str, int] = {}
    with subject.serving(records, latency) as url:
        counter, commands = Counter(url), subject.commands(url, folder)
        for _ in range(rounds):
            for name, command in commands.items():
                with counter.counting():
                    run = timed(command)
                best[name], calls[name] = run.better(best.get(name)), counter.count
    rates = {name: records / run.seconds for name, run in best.items()}
    cpu_seconds = {name: run.cpu_seconds for name, run in best.items()}
    return Comparison(round(latency * 1000), records, **rates, cpu_seconds=cpu_seconds, calls=calls)


def peak_memory(subject: Subject, records: int, folder: Path) -> float:
    """Return the tap's peak memory in megabytes."""
    with subject.serving(records) as url:
        return timed(subject.commands(url, folder)["tap"]).megabytes


def main(subject: Subject, given: Sequence[str] | None = None) -> Iterator[Calls]:
    """Measure, print a table, write JSON if asked to, and return the tap's requests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--without-memory", action="store_true", help="leave out the peak memory")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args(given)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = [compare(subject, options.records, latency, options.rounds, folder) for latency in LATENCIES]
        _print(subject, found)
        sizes = () if options.without_memory else (SMALL, LARGE)
        memory = {size: peak_memory(subject, size, folder) for size in sizes}
    if memory:
        _print_memory(memory)
    if options.json:
        numbers = [{**asdict(each), "of_raw": each.of_raw, "over_stock": each.over_stock} for each in found]
        options.json.write_text(json.dumps({"comparisons": numbers, "peak_megabytes": memory}, indent=1))
    yield Calls(subject.tap, subject.what, options.records, found[0].calls["tap"])


def run(subject: Subject) -> None:
    """Measure one tap, as the command line says."""
    tell(main(subject))


def _print(subject: Subject, found: Sequence[Comparison]) -> None:
    print(f"{subject.tap}: {found[0].records} {subject.what}, records/s")
    print(f"{'latency':>8}{'raw loop':>10}{subject.tap:>16}{'stock SDK':>11}{'of raw':>8}{'x stock':>9}")
    for each in found:
        print(
            f"{each.latency_ms:>5} ms{each.raw:>10.0f}{each.tap:>16.0f}{each.stock:>11.0f}"
            f"{each.of_raw:>8.0%}{each.over_stock:>9.1f}"
        )
    cpu = ", ".join(f"{name} {seconds:.1f}" for name, seconds in found[0].cpu_seconds.items())
    told = ", ".join(f"{name} {number}" for name, number in found[0].calls.items())
    print(f"CPU seconds: {cpu}; requests: {told}")


def _print_memory(memory: Mapping[int, float]) -> None:
    growth = memory[LARGE] / memory[SMALL] - 1
    print(f"peak memory: {memory[SMALL]:.0f} MB at {SMALL}, {memory[LARGE]:.0f} MB at {LARGE} records ({growth:+.0%})")
