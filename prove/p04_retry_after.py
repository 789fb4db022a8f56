"""No request earlier than the server asked (L5): every form of Retry-After, every verb, on a fake clock."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from unittest import mock

from ml_connector.errors import ConnectorError, InDoubt, OutOfPatience
from ml_connector.http import Retry
from ml_connector_simulators.kit import Fault

from prove.fake_clock import FakeClock, on_fake_time
from prove.proof import Proof, Size, histogram
from prove.retry_forms import Form, forms
from prove.retry_verbs import VERBS, Verb
from prove.stop import Stops, clean_stops

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ml_connector_simulators.kit import Simulator

NUMBER, TITLE = 4, "Retry-After: no request earlier than asked"
STATUSES = (429, 503)
SERVER = datetime(2026, 11, 2, 7, 5, 30, tzinfo=UTC)  # its clock is not ours
MORE = {Size.SHORT: 0, Size.FULL: 4}
SAMPLE = 60  # of the cases, in the short form
STRIKES = {Size.SHORT: (2,), Size.FULL: (1, 2, 5)}


@dataclass(frozen=True, slots=True)
class Case:
    """A verb that is turned away, a number of times running."""

    verb: Verb
    form: Form
    status: int
    strikes: int

    def __str__(self) -> str:
        return f"{self.verb.name}, {self.status} {self.form.name} {self.form.header!r} x{self.strikes}"

    @property
    def in_doubt(self) -> bool:
        """Whether the server may have acted on a write, so that it must not be repeated at all (L3)."""
        return self.verb.writes and self.status == 503 and self.form.asked is None


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Turn every verb away in every way."""
    proof = Proof(NUMBER, TITLE)
    chance = random.Random(seed)
    ends: Counter[str] = Counter()
    waited = 0
    cases = list(_cases(size, chance))
    for case in chance.sample(cases, SAMPLE) if size is Size.SHORT else cases:
        end, waits = _attempt(case, folder, proof)
        ends[end] += 1
        waited += waits
    stops = Stops() if size is Size.SHORT else clean_stops(folder)
    proof.failures += stops.failures
    proof.numbers = {
        "cases": ends.total(),
        "waits measured": waited,
        **{f"cases that {end}": count for end, count in sorted(ends.items())},
        "requests earlier than asked": sum("earlier" in words for words in proof.failures),
        **stops.numbers,
    }
    proof.require_work("cases", "waits measured", *stops.numbers)
    proof.details = histogram(ends)
    return proof


def _cases(size: Size, chance: random.Random) -> Iterator[Case]:
    for verb in VERBS:
        for form in forms(SERVER, chance, MORE[size]):
            for status in STATUSES:
                yield Case(verb, form, status, chance.choice(STRIKES[size]))


def _attempt(case: Case, folder: Path, proof: Proof) -> tuple[str, int]:
    """Make one call; return how it ended and how many waits were measured."""
    with on_fake_time() as clock, case.verb.open(clock, folder) as (simulator, call):
        with mock.patch.object(simulator.clock, "now", return_value=SERVER):
            arrivals = _watch(simulator, clock)
            headers = {} if case.form.header is None else {"Retry-After": case.form.header}
            method = "POST" if case.verb.writes else None
            fault = Fault("status", case.verb.path, method, times=case.strikes, status=case.status, headers=headers)
            simulator.faults.add(fault)
            end = _call(call)
            struck = [bool(entry.fault) for entry in simulator.log.requests()]
        proof.require(fault.struck > 0, f"{case}: the fault never struck")
        waits = _judge(case, arrivals, struck, proof)
        _expect(case, end, sum(struck), proof)
    return end, waits


def _watch(simulator: Simulator, clock: FakeClock) -> list[float]:
    """Note when, on the product's clock, each request arrives."""
    arrivals: list[float] = []
    add = simulator.log.add

    def noting(entry: Any) -> None:
        arrivals.append(clock.monotonic())
        add(entry)

    simulator.log.add = noting  # type: ignore[method-assign]
    return arrivals


def _call(call: Any) -> str:
    try:
        call()
    except OutOfPatience:
        return "stop beyond patience"
    except InDoubt:
        return "are in doubt, not repeated"
    except ConnectorError as error:
        return f"end with {error.code}"
    return "succeed"


def _judge(case: Case, arrivals: list[float], struck: list[bool], proof: Proof) -> int:
    """Compare every request after an answer that turned one away with what that answer asked."""
    measured = 0
    for place, was_struck in enumerate(struck):
        following = arrivals[place + 1 : place + 2]
        if not was_struck or not following:
            continue
        measured += 1
        own = Retry().wait_initial if not case.in_doubt else 0.0
        least = own if case.form.asked is None else case.form.asked
        wait = following[0] - arrivals[place]
        proof.require(wait >= least, f"{case}: the next request came {wait:.2f} s later, earlier than {least:.2f} s")
    return measured


def _expect(case: Case, end: str, strikes: int, proof: Proof) -> None:
    wanted = "stop beyond patience" if case.form.too_long else "succeed"
    if case.in_doubt:
        wanted = "are in doubt, not repeated"
    proof.require(end == wanted, f"{case}: it did {end}, not {wanted}")
    if case.form.too_long:
        proof.require(strikes == 1, f"{case}: {strikes} requests went out although the first was told to wait")
