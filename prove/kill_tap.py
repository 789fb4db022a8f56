"""kill -9 while the tap reads: what it had written until then goes through the pipe, often cut inside a line."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import VismaSimulator

from prove import books, chain
from prove.flow import Flow
from prove.forked import run_to
from prove.landed import landed
from prove.scene import SETTINGS, passes_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from prove.flow import Ended

COUNT = "count:/dev/null"
TAP_SETTINGS = {"page_size": 10, "max_concurrency": 2}
CUT_OFF = (0, 1)  # a target may say that its last line is no message
_KILLED = -9


def attack(folder: Path, count: int, chance: random.Random, invoices: int) -> tuple[Counter[str], list[str]]:
    """Kill taps at seeded points; the next run of the pipe must leave what an undisturbed one leaves."""
    counts: Counter[str] = Counter()
    told: list[str] = []
    with running(VismaSimulator()) as visma:
        books.resize(visma, "NO01", invoices)
        with _opened(folder / "undisturbed", visma) as (flow, servicenow):
            order = passes_of(flow, flow.written("nothing", ""), folder / "passes.json", flow.tap())
            _load(flow, run_to(COUNT, flow.tap(), flow.folder / "nothing"))
            wanted, verdicts = landed(servicenow), flow.verdicts()
        passes = Counter(order)
        for number in range(count):
            seam = chance.choice(sorted(passes))
            point = f"{seam}:{chance.randint(1, passes[seam])}"
            with _opened(folder / f"point-{number}", visma) as (flow, servicenow):
                words = _kill(flow, point, counts)
                again = run_to(COUNT, flow.tap(), flow.folder / "nothing")
                words += [*again.faults(), *_load(flow, again).faults()]
                words += [] if flow.verdicts() == verdicts else [f"unfinished: {flow.states()}"]
                words += [f"{kind}: {rows[:2]}" for kind, rows in wanted.differences(landed(servicenow)).items()]
                words += chain.broken(flow)[:1]
            told += [f"tap killed at {point}: {each}" for each in words]
            shutil.rmtree(folder / f"point-{number}", ignore_errors=True)
    counts["rows an undisturbed run adds"] = wanted.count
    return counts, told


@contextmanager
def _opened(place: Path, visma: VismaSimulator) -> Iterator[tuple[Flow, ServiceNowSimulator]]:
    with running(ServiceNowSimulator()) as servicenow:
        settings = {**SETTINGS, "mode": "batch"}
        flow = Flow(place, visma.url, servicenow.url, tap_settings=TAP_SETTINGS, target_settings=settings)
        flow.written("nothing", "")
        yield flow, servicenow


def _kill(flow: Flow, point: str, counts: Counter[str]) -> list[str]:
    """Kill the tap, and let the target take what came."""
    killed = run_to(point, flow.tap(), flow.folder / "nothing")
    counts["kills"] += 1
    counts["kills that cut a line"] += bool(killed.out) and not killed.out.endswith("\n")
    words = [] if killed.code == _KILLED else [f"not killed: exit code {killed.code}"]
    ended = _load(flow, killed)
    words += ended.faults(CUT_OFF)
    if flow.store.exists() and flow.last_run().get("balance") == "in_balance":
        words.append("half a stream was said to be in balance")
    return words


def _load(flow: Flow, read: Ended) -> Ended:
    path = flow.folder / "stream.jsonl"
    path.write_text(read.out)
    ended = run_to(COUNT, flow.target(), path)
    flow.keep_state(ended.out)
    return ended
