"""Every fault at every kind of request of Acumatica's and ServiceNow's new connectors: the next run makes it good.

What landed is compared with what an undisturbed run leaves: every order once, with every line once.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.acumatica import AcumaticaSimulator
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator

from prove import buyers, chain
from prove.both_ways import ACUMATICA, COUNT, SERVICENOW, BothWays
from prove.buyers import Buyers
from prove.canaries import Search
from prove.emitted import conserved, newest_state, records
from prove.held import held_map
from prove.matrix import LIMIT
from prove.proof import Proof, Size, histogram
from prove.vendor_faults import LATE, PLACES, RIDDEN_OUT, SETTINGS, Case, faults_at
from prove.workers import in_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prove.flow import Ended

NUMBER, TITLE = 15, "Faults at every kind of request between ServiceNow and Acumatica"
SAMPLE = 5  # of the cases, in the short form
AT_ONCE = 4  # cases: they wait more than they reckon
FINISHING = 4  # runs after the fault is gone
TELLING = (0, 1, 3)  # exit codes that say what happened: done, an answer nobody understands, the environment
UPDATED = ("references", "a read by id", "PUT")  # what differs when the documents are there already
REQUESTS = 6
SUPPLIERS, ITEMS = ("ALLFRUITSW",), ("APPLES", "ORANGES", "SUGAR")
STREAMS = ("vendors", "purchase_orders")

Orders = Counter[tuple[Any, ...]]


@dataclass(frozen=True)
class Books:
    """What an undisturbed run reads and leaves: requests as they were made, and as they were changed."""

    first: list[str]
    second: list[str]
    orders: tuple[Orders, Orders]
    data: Path  # ServiceNow's


@dataclass
class Result:
    """What one case came to."""

    case: Case
    struck: int = 0
    seconds: float = 0.0
    code: int = 0
    runs: int = 0
    hits: int = 0
    places: int = 0
    failures: list[str] = field(default_factory=list)


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Play the matrix."""
    proof, chance = Proof(NUMBER, TITLE), random.Random(seed)
    cases = list(every_case(chance))
    if size is Size.SHORT:
        writes = [case for case in cases if case.place == "PUT" and "done" in case.fault]
        cases = [chance.choice(writes), *chance.sample(cases, SAMPLE)]
    known = _books(folder, chance)
    with in_turn(size, AT_ONCE) as each:
        results: list[Result] = []
        for result in each(partial(_attack, folder, known), cases):
            results.append(result)
            told = "; ".join(result.failures) or f"exit code {result.code}"
            print(f"  {len(results)} {result.case} {result.seconds:.1f} s: {told[:300]}", flush=True)
    _tell(proof, cases, results)
    return proof


def every_case(chance: random.Random) -> Iterator[Case]:
    """Yield every fault at every kind of request, each once, after some of them, once, twice or for good."""
    for connector, places in PLACES.items():
        for place in places:
            for fault in faults_at(connector, place):
                many = place in ("lists", "lines", "proofs", *UPDATED)
                for update in (False, True) if connector == "target-acumatica" and place in UPDATED else (False,):
                    after, times = chance.randint(0, 2) if many else 0, chance.choice((1, 2, None))
                    yield Case(connector, place, fault, after, times, update)


def _books(folder: Path, chance: random.Random) -> Books:
    """Let buyers ask, and change what they asked for; see what undisturbed runs leave."""
    data = folder / "servicenow.db"
    with _opened(folder / "undisturbed", data) as ways:
        ways.servicenow.add("cmn_cost_center", code="ADM", name="Administration", erp_source="acumatica:US01")
        for name in SUPPLIERS:
            ways.servicenow.add("sn_fin_supplier", supplier_number=name, legal_name=name, erp_source="acumatica:US01")
        people = Buyers(ways.servicenow, chance, SUPPLIERS, ITEMS, parking=0)
        found: list[Orders] = []
        lines: list[list[str]] = []
        for _ in range(2):
            for _ in range(REQUESTS):
                (people.change if lines else people.ask)()
            lines.append(ways.requests(None))
            ended = ways.load(COUNT, lines[-1])
            if told := [*ended.faults(), *buyers.faults(people, ways.acumatica)]:
                raise RuntimeError(f"an undisturbed run went wrong: {told} {ended.err[-1000:]}")
            found.append(_orders(ways))
    return Books(lines[0], lines[1], (found[0], found[1]), data)


@contextmanager
def _opened(place: Path, data: Path | None = None) -> Iterator[BothWays]:
    with running(AcumaticaSimulator()) as acumatica, running(ServiceNowSimulator(data=data)) as servicenow:
        ways = BothWays(place, acumatica=acumatica, servicenow=servicenow, limit=LIMIT)
        ways.target_settings = {**SETTINGS, "lines_per_request": 2, **held_map(place)}
        ways.tap_settings = {**SETTINGS, "max_concurrency": 1}
        ways.books_settings = {**SETTINGS, "page_size": 15}
        yield ways


def _orders(ways: BothWays) -> Orders:
    """Return what our orders say, each as often as it is there."""
    return Counter(
        (row["VendorRef"], row["VendorID"], row["Hold"], row["Status"], row["LineTotal"], _lines(row))
        for rows in buyers.orders(ways.acumatica).values()
        for row in rows
    )


def _lines(row: dict[str, Any]) -> tuple[tuple[Any, ...], ...]:
    names = ("LineDescription", "InventoryID", "OrderQty", "UnitCost", "Subaccount")
    return tuple(sorted(tuple(line[name] for name in names) for line in row["Details"]))


# one case


def _attack(folder: Path, known: Books, case: Case) -> Result:
    place, result = Path(mkdtemp(dir=folder)), Result(case)
    data = None
    if case.connector == "tap-servicenow":
        data = place / "servicenow.db"
        shutil.copy(known.data, data)
    with _opened(place / "ways", data) as ways:
        search = Search()
        search.learn((ACUMATICA["client_secret"], ACUMATICA["password"], SERVICENOW["client_secret"]))
        (_attack_target if case.connector == "target-acumatica" else _attack_tap)(ways, known, result, search)
        search.learn(ways.acumatica.store.kept_keys("#refresh"))
        for path in (ways.folder / name for name in ("back.out", "back.err", "nothing.err", "store.db")):
            search.look(path.name, path.read_bytes() if path.exists() else b"")
        result.hits, result.places = len(search.hits), search.places
        result.failures += [f"seen: {hit}" for hit in search.hits]
    shutil.rmtree(place, ignore_errors=True)
    return result


def _struck(ways: BothWays, result: Result, ended: Ended, search: Search) -> None:
    """Note how a run with the fault ended, and what must hold whatever the fault was."""
    simulators = (ways.acumatica, ways.servicenow)
    result.struck = sum(fault.struck for each in simulators for fault in each.faults.all())
    for each in simulators:
        each.faults.clear()
    result.seconds, result.code = ended.seconds, ended.code
    result.failures += ended.faults([0] if result.case.fault in RIDDEN_OUT else TELLING)
    if not result.struck:
        result.failures.append("the fault never struck")
    if ended.code and not ended.err.strip():
        result.failures.append(f"it ended with {ended.code} and said nothing")
    search.look("stderr of the run with the fault", ended.err.encode())


def _attack_tap(ways: BothWays, known: Books, result: Result, search: Search) -> None:
    """Read with the fault, and once more from the STATE that is left: together they read what there is."""
    del known
    books = result.case.connector == "tap-acumatica"
    simulator = ways.acumatica if books else ways.servicenow

    def read() -> Ended:
        result.runs += 1
        return ways.books(COUNT, *STREAMS) if books else ways.requests_process(COUNT)

    whole = records(read().out)
    simulator.faults.add(result.case.armed())
    ended = read()
    _struck(ways, result, ended, search)
    result.failures += conserved(ended)
    simulator.clock.advance(LATE)
    if state := newest_state(ended.out):
        ways.state.write_text(state)
    again = read()
    result.failures += [f"run again: {words}: {again.err[-200:]}" for words in (*again.faults(), *conserved(again))]
    if not whole or records(ended.out) | records(again.out) != whole:
        lost = len(whole - records(ended.out) - records(again.out))
        result.failures.append(f"lost: {lost} of {len(whole)} records after the next run")


def _attack_target(ways: BothWays, known: Books, result: Result, search: Search) -> None:
    """Load with the fault; once more at once, when what is in doubt must stay so; then until everything is there."""
    case = result.case
    if case.update:
        result.failures += ways.load(COUNT, known.first).faults()
    lines = known.second if case.update else known.first
    ways.acumatica.faults.add(case.armed())
    _struck(ways, result, ways.load(COUNT, lines), search)
    _judge(ways, result)
    for number in range(FINISHING):
        if number:
            ways.acumatica.clock.advance(LATE)
            ways.acumatica.settle()
            if ways.store.exists():
                ways.let_time_pass()
        ended = ways.load(COUNT, lines)
        result.runs += 1
        result.failures += [f"run again: {words}: {ended.err[-200:]}" for words in ended.faults()]
        _judge(ways, result)
        if number and _orders(ways) == known.orders[case.update] and ways.states() == {"delivered": REQUESTS}:
            break
    else:
        result.failures.append(f"lost: unfinished after {FINISHING} runs: {ways.states()}")
    result.failures += chain.broken(ways)


def _judge(ways: BothWays, result: Result) -> None:
    result.failures += buyers.doubled(ways.acumatica)
    run = ways.last_run() if ways.store.exists() else {}
    if run.get("balance") == "out_of_balance":
        result.failures.append(f"out of balance: {run['message']}")
    if run and run["outcome"] == "running":
        result.failures.append("its run was left open")


def _tell(proof: Proof, cases: list[Case], results: list[Result]) -> None:
    told = [words for result in results for words in result.failures]
    proof.numbers = {
        "kinds of requests": len({(case.connector, case.place, case.update) for case in cases}),
        "faults": len({case.fault for case in cases}),
        "cases": len(results),
        "faults that struck": sum(result.struck for result in results),
        "runs after a fault": sum(result.runs for result in results),
        "processes that hung": sum("hung" in words for words in told),
        "second orders or lines": sum(words.startswith("second") for words in told),
        "lost": sum(words.startswith("lost") for words in told),
        "places searched for tokens and secrets": sum(result.places for result in results),
        "hits": sum(result.hits for result in results),
        "longest run with a fault (s)": round(max(result.seconds for result in results), 1),
    }
    proof.require_work("cases", "faults that struck", "places searched for tokens and secrets")
    proof.failures += [f"{result.case}: {words}" for result in results for words in result.failures]
    codes = Counter(f"{result.case.connector}, exit code {result.code}" for result in results)
    proof.details = histogram(dict(sorted(codes.items())))
