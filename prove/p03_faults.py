"""Every fault at every verb of every connector: nothing hangs or is miscounted, and the next run makes it good."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import VismaSimulator

from prove import books
from prove.emitted import conserved, records
from prove.flow import Ended, Flow
from prove.forked import run_to
from prove.landed import Landed, landed
from prove.matrix import FAULTS, LIMIT, PATIENCE, RIDDEN_OUT, TIMEOUT, Case, Verb, verbs
from prove.proof import Proof, Size, histogram
from prove.scene import installation
from prove.workers import in_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector_simulators.kit import Simulator

NUMBER, TITLE = 3, "Faults at every verb of every connector"
INVOICES, ORDERS = 6, 3
SAMPLE = 5  # of the cases, in the short form
FINISHING = 4  # runs after the fault is gone
TELLING = (0, 1, 3)  # exit codes that say what happened: done, an answer nobody understands, the environment
_COUNT = "count:/dev/null"


@dataclass
class Result:
    """What one case came to."""

    case: Case
    struck: int = 0
    seconds: float = 0.0
    code: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Books:
    """A stream, and what it leaves when nothing goes wrong, per way of loading."""

    lines: str
    records: frozenset[str]
    ends: dict[str, tuple[Landed, dict[str, tuple[str, str]]]]


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Play the matrix."""
    proof, chance = Proof(NUMBER, TITLE), random.Random(seed)
    cases = [
        Case(verb, fault, chance.randint(0, 3) if "token" not in verb.place else 0, chance.choice((1, 2, None)))
        for verb in verbs()
        for fault in FAULTS
    ]
    cases = chance.sample(cases, SAMPLE) if size is Size.SHORT else cases
    known = _books(folder, cases)
    with in_turn(size) as each:
        results: list[Result] = list(each(partial(_attack, folder, known), cases))
    codes = Counter(f"exit code {result.code}" for result in results)
    proof.numbers = {
        "verbs and places": len({str(case.verb) for case in cases}),
        "faults": len({case.fault for case in cases}),
        "cases": len(results),
        "faults that struck": sum(result.struck for result in results),
        "processes that hung": sum("hung" in words for result in results for words in result.failures),
        "longest run with a fault (s)": round(max(result.seconds for result in results), 1),
    }
    proof.require_work("cases", "faults that struck")
    proof.failures += [f"{result.case}: {words}" for result in results for words in result.failures]
    proof.details = histogram(dict(sorted(codes.items())))
    return proof


def _books(folder: Path, cases: list[Case]) -> Books:
    with running(VismaSimulator()) as visma:
        books.shrink(visma, "NO01", INVOICES, ORDERS)
        lines = books.sync(Flow(folder / "tap", visma.url))
    ends = {}
    for load in {_way(case.verb): case.verb for case in cases if case.verb.executable == "target"}.values():
        with _target(load, folder / _way(load)) as (flow, servicenow):
            ended = _load(flow, lines)
            if ended.faults():
                raise RuntimeError(f"an undisturbed run went wrong: {ended.faults()} {ended.err[-1000:]}")
            ends[_way(load)] = landed(servicenow), flow.verdicts()
    return Books(lines, records(lines), ends)


def _way(verb: Verb) -> str:
    return f"{verb.mode}-{verb.map}-{verb.asynchronous}"


def _attack(folder: Path, known: Books, case: Case) -> Result:
    place = Path(mkdtemp(dir=folder))
    result = Result(case)
    if case.verb.executable == "tap":
        _attack_tap(place, known, result)
    else:
        _attack_target(place, known, result)
    return result


def _struck(result: Result, simulator: Simulator, ended: Ended) -> None:
    """Note how a run with the fault ended, and what must hold whatever the fault was."""
    verb = result.case.verb
    result.struck = sum(fault.struck for fault in simulator.faults.all())
    simulator.faults.clear()
    result.seconds, result.code = ended.seconds, ended.code
    result.failures += ended.faults([0] if result.case.fault in RIDDEN_OUT else TELLING)
    if not result.struck and verb.name != "discover":  # which asks nobody
        result.failures.append("the fault never struck")
    if ended.code and not ended.err.strip() and not ended.out.strip():
        result.failures.append(f"it ended with {ended.code} and said nothing")


def _attack_tap(place: Path, known: Books, result: Result) -> None:
    with running(VismaSimulator()) as visma:
        books.shrink(visma, "NO01", INVOICES, ORDERS)
        flow = Flow(place, visma.url, tap_settings={"request_timeout": TIMEOUT, "patience": PATIENCE, "page_size": 3})
        flow.tap()  # its catalog is written before the fault is armed
        visma.faults.add(result.case.armed())
        ended = _tap(flow, result.case.verb.name)
        _struck(result, visma, ended)
        result.failures += conserved(ended) if result.case.verb.name == "sync" else []
        again = _tap(flow, result.case.verb.name)
        result.failures += [f"run again: {words}" for words in again.faults()]
        if result.case.verb.name == "sync" and records(again.out) != known.records:
            result.failures.append("run again: it did not read what an undisturbed run reads")


def _tap(flow: Flow, verb: str) -> Ended:
    options = () if verb == "sync" else (f"--{verb}",)
    return run_to(_COUNT, flow.tap(*options), flow.written("nothing", ""), LIMIT)


@contextmanager
def _target(verb: Verb, place: Path) -> Iterator[tuple[Flow, ServiceNowSimulator]]:
    with running(ServiceNowSimulator(installation("single" if verb.asynchronous else verb.mode))) as servicenow:
        settings = {
            "mode": verb.mode,
            "mapping": ["tap_visma", verb.map],
            "request_timeout": TIMEOUT,
            "patience": 20 if verb.asynchronous else PATIENCE,
        }
        yield Flow(place, servicenow_url=servicenow.url, target_settings=settings), servicenow


def _load(flow: Flow, lines: str) -> Ended:
    path = flow.folder / "stream.jsonl"
    path.write_text(lines)
    return run_to(_COUNT, flow.target(), path, LIMIT)


def _attack_target(place: Path, known: Books, result: Result) -> None:
    verb = result.case.verb
    with _target(verb, place) as (flow, servicenow):
        if verb.name == "reread":
            result.failures += _load(flow, known.lines).faults()
        servicenow.faults.add(result.case.armed())
        if verb.name.startswith("load"):
            _struck(result, servicenow, _load(flow, known.lines))
            _judge_run(flow, result)
            _finish(flow, servicenow, known, result)
        else:
            _struck(result, servicenow, _ask(flow, verb.name))
            again = _ask(flow, verb.name)
            result.failures += [f"run again: {words}" for words in again.faults()]


def _ask(flow: Flow, verb: str) -> Ended:
    options = ["--ping"] if verb == "ping" else ["--reread", "{}"]
    return run_to(_COUNT, flow.target(*options), flow.written("nothing", ""), LIMIT)


def _judge_run(flow: Flow, result: Result) -> None:
    run = flow.last_run()
    if run.get("balance") == "out_of_balance":
        result.failures.append(f"out of balance: {run['message']}")
    if run and run["outcome"] == "running":
        result.failures.append("its run was left open")


def _finish(flow: Flow, servicenow: ServiceNowSimulator, known: Books, result: Result) -> None:
    """Run until all is as after an undisturbed run, time passing between the runs."""
    clean, verdicts = known.ends[_way(result.case.verb)]
    for _ in range(FINISHING):
        servicenow.clock.advance(100)
        if flow.store.exists():
            flow.let_time_pass()
        ended = _load(flow, known.lines)
        result.failures += [f"run again: {words}" for words in ended.faults()]
        _judge_run(flow, result)
        if flow.verdicts() == verdicts:
            break
    else:
        result.failures.append(f"unfinished after {FINISHING} runs: {flow.states()}")
    for kind, told in clean.differences(landed(servicenow)).items():
        result.failures.append(f"{kind}: {'; '.join(told[:2])}")
