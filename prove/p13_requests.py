"""kill -9 anywhere between an approved request and its purchase order: no second order, no second line, ever.

Acumatica numbers its orders itself and takes no key of ours. A load is killed, and goes on, until it is complete; then
buyers make and change more requests, until there were as many kills as were asked for. In between, Acumatica is read
back into ServiceNow, where every order of ours must be known for one.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.acumatica import AcumaticaSimulator, Settings
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator

from prove.both_ways import BothWays
from prove.buyers import Buyers
from prove.held import held_map
from prove.proof import Proof, Size, histogram
from prove.request_loads import Loads, Result
from prove.workers import WORKERS, in_turn

if TYPE_CHECKING:
    from pathlib import Path

NUMBER, TITLE = 13, "kill -9 between an approved request and its purchase order"
KILLS = {Size.SHORT: 8, Size.FULL: 240}
NEW = {Size.SHORT: 6, Size.FULL: 12}  # requests of a load
SEATS = 4  # each killed run leaves its session open
FIRST = {Size.SHORT: ("order.outcome", "settle.before", "order.after_put", "http.write_sent_unanswered"), Size.FULL: ()}
"""Seams that strike before all others."""
SUPPLIERS, ITEMS = ("ALLFRUITSW", "BLUERIDGEU", "GREENFIELD"), ("APPLES", "ORANGES", "SUGAR", "PAPERA4")
SETTINGS: dict[str, Any] = {"lines_per_request": 2, "patience": 0}
_UNTOLD = ("order.after_put", "order.read_back", "order.outcome", "http.write_sent_unanswered", "http.after_answer")
FAULTS = (
    "lost",
    "second order",
    "second line",
    "other lines",
    "sums",
    "never wanted",
    "ahead",
    "echo",
    "balance",
    "the trail",
)


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Kill at seeded points, in as many loads as it takes; every other pair of instances creates on hold."""
    proof = Proof(NUMBER, TITLE)
    cases = [(number, KILLS[size] // WORKERS, seed + number) for number in range(WORKERS)]
    with in_turn(size) as each:
        results: list[Result] = list(each(partial(attack, size, folder), cases))
    _tell(proof, size, results)
    return proof


def attack(size: Size, folder: Path, case: tuple[int, int, int]) -> Result:
    """Kill loads until there were enough kills and the last load is complete."""
    worker, kills, seed = case
    place, chance = folder / f"pair-{worker}", random.Random(seed)
    with running(AcumaticaSimulator(settings=Settings(seats=SEATS))) as acumatica, running(ServiceNowSimulator()) as sn:
        ways = BothWays(
            place,
            acumatica=acumatica,
            servicenow=sn,
            target_settings={**SETTINGS, **(held_map(place) if worker % 2 else {})},
        )
        loads = Loads(ways, Buyers(sn, chance, SUPPLIERS, ITEMS), chance, kills, FIRST[size])
        loads.begin()
        while not loads.result.failures and len(loads.result.seams) < kills and loads.result.counts["loads"] <= kills:
            loads.play(NEW[size])
        loads.end()
    return loads.result


def _tell(proof: Proof, size: Size, results: list[Result]) -> None:
    counts = sum((result.counts for result in results), Counter[str]())
    seams = [seam for result in results for seam in result.seams]
    untold = sum(seam in _UNTOLD for seam in seams)
    proof.numbers |= {
        "loads, each killed until it was complete": counts["loads"],
        "runs": counts["runs"],
        "kills": len(seams),
        "kills after Acumatica was asked and before the outcome was kept": untold,
        "kills of the tap": counts["kills of the tap"],
        "runs that found no seat free": counts["no seat"],
        "orders": counts["orders"],
        "changes of requests": counts["changes"],
        "records that STATE passed": counts["records that STATE passed"],
        "reads back into ServiceNow": counts["reads back"],
        "orders of ours known for echoes at the end": counts["echoes"],
        **{name: counts[name] for name in FAULTS},
    }
    proof.require_work(
        "kills", "orders", "changes of requests", "records that STATE passed", "runs that found no seat free"
    )
    proof.require(counts["echoes"] == counts["orders"], f"{counts['echoes']} echoes of {counts['orders']} orders")
    proof.require(len(seams) >= KILLS[size] // WORKERS * WORKERS, f"only {len(seams)} kills")
    for result in results:
        proof.failures += result.failures
    proof.details = histogram(sorted(seams))
