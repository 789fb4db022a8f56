"""How fast a target writes new documents, and by how many requests: its sink against a simulator that answers late.

The simulator runs in a process of its own and answers each call after 50 ms. What is asked once for each run (sign-in,
dictionary, contract) is asked before the clock starts, and the pauses between two questions for an outcome are left
out, so that the server's own time to process is no part of the figures. Numbers are ratios within one run.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.delivery.sink import State
from ml_connector.http import Clock

from bench.calls import Calls, Counter
from bench.process import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ml_connector.delivery.sink import Effect, Outcome, Sink
    from ml_connector_simulators.kit import Simulator

LATENCY = 0.05
RECORDS = 400


class Unhurried(Clock):
    """The real time, with the pauses between two questions left out."""

    def sleep(self, seconds: float) -> None:
        """Do not wait."""


@dataclass(frozen=True)
class Case:
    """One way to write."""

    name: str
    simulator: Callable[[], Simulator]
    sink: Callable[[str], Sink]
    """Opens the sink on a simulator's address."""
    effects: Callable[[int], list[Effect]]
    """Makes so many new documents."""
    slow: str
    """The path that answers late, as a regular expression."""
    changed: Callable[[Effect], Effect] | None = None
    """Makes the change of a document that is there: what is measured is then the change."""


@dataclass(frozen=True)
class Result:
    """What one way needed for some documents, read back to their outcomes."""

    calls: Calls
    seconds: float

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.calls.records / self.seconds


def measure(target: str, case: Case, records: int = RECORDS) -> Result:
    """Write documents in one way, until every outcome is known."""
    with serving(case.simulator, case.slow, LATENCY) as url:
        sink, effects = case.sink(url), case.effects(records)
        sink.check(effects[0])
        if case.changed:
            effects = [case.changed(_known(outcome)) for outcome in _delivered(sink, effects)]
        counter, began = Counter(url), time.perf_counter()
        with counter.counting():
            _delivered(sink, effects)
            seconds = time.perf_counter() - began
        sink.close()
    return Result(Calls(target, case.name, records, counter.count), seconds)


def _delivered(sink: Sink, effects: Sequence[Effect]) -> list[Outcome]:
    outcomes = list(sink.send(effects))
    open_ones = [outcome for outcome in outcomes if outcome.state is State.SENT]
    found = [outcome for outcome in outcomes if outcome.state is not State.SENT]
    found += sink.settle([_known(outcome) for outcome in open_ones], wait=True)
    odd = [outcome for outcome in found if outcome.state is not State.DELIVERED]
    if odd or len(found) != len(effects):
        raise SystemExit(f"{len(odd)} of {len(effects)} were not delivered, such as {odd[:1]}")
    return found


def _known(outcome: Outcome) -> Effect:
    """Return the effect as a store would give it back."""
    effect, memory = outcome.effect, outcome.memory or outcome.effect.memory
    return replace(effect, handle=outcome.handle, target_id=outcome.target_id or effect.target_id, memory=memory)


def main(target: str, cases: Sequence[Case], records: int = RECORDS) -> Iterator[Calls]:
    """Print a table; yield the requests of each way."""
    print(f"{target}: {records} documents, {LATENCY * 1000:.0f} ms a call")
    print(f"{'way':32}{'requests per 1,000':>20}{'records/s':>12}{'against the first':>19}")
    first: Result | None = None
    for case in cases:
        result = measure(target, case, records)
        first = first or result
        ratio = result.rate / first.rate
        print(f"{case.name:32}{result.calls.per_thousand:20.0f}{result.rate:12.1f}{ratio:18.1f}x", flush=True)
        yield result.calls
