"""An answer that is lost after the write, and a write that is committed after the time-out (L3), on every endpoint."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Literal

from ml_connector_simulators.kit import Fault, running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import VismaSimulator

from prove import books, chain, clocked
from prove.common_clock import CommonClock
from prove.flow import Flow
from prove.landed import Landed, landed
from prove.proof import Proof, Size, histogram
from prove.scene import installation
from prove.workers import in_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBER, TITLE = 2, "An answer lost after the write, a write after the time-out"
INVOICES = {Size.SHORT: 6, Size.FULL: 20}
RUNNING = (1, 2, 5)  # times running that the fault strikes
PLACES = 2  # places in the run at which it begins, per way, kind and times running
LATE = 30.0  # seconds after which a late write is committed: later than any time-out, within the settle window


@dataclass(frozen=True, slots=True)
class Way:
    """A way of writing: mode, map, and the endpoint the fault waits at."""

    name: str
    mode: str
    map: str
    path: str
    asynchronous: bool = False


WAYS = (
    Way("single", "single", "servicenow-s2p", r"/api/now/import/\w+$"),
    Way("batch", "batch", "servicenow-s2p", "/api/now/v1/batch"),
    Way("insertMultiple, synchronous", "insert_multiple", "servicenow-s2p", "/insertMultiple"),
    Way("insertMultiple, asynchronous", "insert_multiple", "servicenow-s2p", "/insertMultiple", asynchronous=True),
    Way("table API", "single", "servicenow-apo", r"/api/now/table/\w+$"),
    Way("table API in a batch", "batch", "servicenow-apo", "/api/now/v1/batch"),
)
KINDS: tuple[Literal["commit_then_drop", "commit_late"], ...] = ("commit_then_drop", "commit_late")


@dataclass(frozen=True, slots=True)
class Clean:
    """What a run leaves when nothing goes wrong, and how many calls wrote."""

    landed: Landed
    verdicts: dict[str, tuple[str, str]]
    calls: int


@dataclass(frozen=True, slots=True)
class Case:
    """One attack."""

    way: Way
    kind: Literal["commit_then_drop", "commit_late"]
    times: int
    after: int

    def __str__(self) -> str:
        return f"{self.way.name}, {self.kind} x{self.times} after {self.after} calls"


@dataclass
class Result:
    """What one attack came to."""

    case: Case
    struck: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Attack every way of writing."""
    proof, chance = Proof(NUMBER, TITLE), random.Random(seed)
    lines = _stream(folder, INVOICES[size])
    results: list[Result] = []
    with in_turn(size) as each:
        for way in WAYS:
            clean = _clean(way, folder / way.name, lines)
            results += each(partial(_attack, clean, folder, lines), _cases(way, clean, size, chance))
    counts: Counter[str] = sum((result.counts for result in results), Counter())
    struck = Counter({way.name: sum(it.struck for it in results if it.case.way == way) for way in WAYS})
    proof.numbers = {
        "endpoints and modes": len(WAYS),
        "cases": len(results),
        "answers lost": struck.total(),
        "rows in doubt after the first run": counts["in doubt"],
        "duplicates": counts["duplicate"] + counts["written_twice"],
        "lost": counts["lost"],
        "cases settled at the first run after the settle window": counts["settled"],
    }
    proof.require_work("cases", "answers lost", "cases settled at the first run after the settle window")
    proof.require(counts["settled"] == len(results), f"settled {counts['settled']} of {len(results)} cases")
    proof.failures += [f"{result.case}: {words}" for result in results for words in result.failures]
    proof.details = histogram(struck)
    return proof


def _stream(folder: Path, invoices: int) -> list[str]:
    with running(VismaSimulator()) as visma:
        books.shrink(visma, "NO01", invoices, orders=6)
        return books.sync(Flow(folder / "tap", visma.url)).splitlines()


@contextmanager
def _opened(way: Way, folder: Path) -> Iterator[tuple[Flow, ServiceNowSimulator, CommonClock]]:
    setup = installation("single" if way.asynchronous else way.mode)
    with running(ServiceNowSimulator(setup)) as servicenow:
        settings = {"mode": way.mode, "mapping": ["tap_visma", way.map], "batch_size_rows": 100}
        flow = Flow(folder, servicenow_url=servicenow.url, target_settings=settings)
        yield flow, servicenow, CommonClock(servicenow)


def _clean(way: Way, folder: Path, lines: list[str]) -> Clean:
    with _opened(way, folder / "clean") as (flow, servicenow, clock):
        _, problem = clocked.load(flow, clock, lines)
        if problem:
            raise RuntimeError(f"{way.name}: an undisturbed run went wrong: {problem}")
        return Clean(landed(servicenow), flow.verdicts(), len(servicenow.log.requests(way.path, "POST")))


def _cases(way: Way, clean: Clean, size: Size, chance: random.Random) -> Iterator[Case]:
    every = [
        Case(way, kind, times, chance.randint(1, max(1, clean.calls - times)))
        for kind in KINDS
        for times in RUNNING
        for _ in range(PLACES)
    ]
    yield from [chance.choice(every)] if size is Size.SHORT else every


def _attack(clean: Clean, folder: Path, lines: list[str], case: Case) -> Result:
    """Lose answers in one run; the first run after the settle window must leave what a clean run leaves."""
    result = Result(case)
    with _opened(case.way, Path(mkdtemp(dir=folder))) as (flow, servicenow, clock):
        fault = Fault(case.kind, case.way.path, "POST", after=case.after, times=case.times, delay=LATE)
        servicenow.faults.add(fault)
        clocked.load(flow, clock, lines)
        result.struck = fault.struck
        result.failures += [] if fault.struck else ["the fault never struck"]
        result.counts["in doubt"] = flow.query("SELECT count(*) FROM effects WHERE state = 'in_doubt'")[0][0]
        servicenow.faults.clear()
        clock.sleep(clocked.WINDOW + LATE)
        servicenow.settle()
        _, problem = clocked.load(flow, clock, lines)
        result.failures += [problem] if problem else []
        _compare(clean, flow, servicenow, result)
    return result


def _compare(clean: Clean, flow: Flow, servicenow: ServiceNowSimulator, result: Result) -> None:
    found = flow.verdicts()
    waiting = [f"{key}: {found.get(key)}" for key, verdict in clean.verdicts.items() if found.get(key) != verdict]
    result.counts["settled"] += not waiting
    if waiting:
        result.failures.append(f"{len(waiting)} records not settled: {'; '.join(waiting[:3])}")
    for kind, words in clean.landed.differences(landed(servicenow)).items():
        result.counts[kind] += len(words)
        result.failures.append(f"{kind}: {'; '.join(words[:2])}")
    if flow.last_run()["balance"] == "out_of_balance":
        result.failures.append(f"out of balance: {flow.last_run()['message']}")
    result.failures += chain.broken(flow)[:1]
