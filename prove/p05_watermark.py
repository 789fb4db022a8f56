"""The watermark (L6): whatever people and clocks do while a tap reads, every version arrives, each exactly once."""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from prove.proof import Proof, Size, histogram
from prove.workers import in_turn
from prove.worlds import SCENARIOS, Scenario, World, opened

if TYPE_CHECKING:
    from collections.abc import Iterable

NUMBER, TITLE = 5, "The watermark under edits, ties, long reads and wrong clocks"
REPEATS = {Size.SHORT: 1, Size.FULL: 5}
ROUNDS = {Size.SHORT: 2, Size.FULL: 8}  # reads in a row, each from the state of the one before


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Play every scenario, several times with other chances."""
    proof, chance = Proof(NUMBER, TITLE), random.Random(seed)
    scenarios = chance.sample(SCENARIOS, 3) if size is Size.SHORT else SCENARIOS
    cases = [(scenario, chance.randrange(2**32)) for scenario in scenarios for _ in range(REPEATS[size])]
    with in_turn(size) as each:
        results = list(each(partial(play, folder, ROUNDS[size]), cases))
    counts: Counter[str] = sum((found for found, _ in results), Counter())
    proof.failures = [words for _, told in results for words in told]
    names = ("reads", "versions committed", "versions that lived through a read", "records emitted", "effects")
    kinds = ("reads of a set that never stood still", "lost", "duplicate", "stale", "never read")
    proof.numbers = {"scenarios": len(scenarios), "runs of scenarios": len(cases)}
    proof.numbers |= {name: counts[name] for name in (*names, *kinds)}
    proof.require_work(*names)
    played = {scenario.name: counts[scenario.name] for scenario in scenarios}
    proof.details = "what people did while pages were read, by scenario\n" + histogram(played)
    proof.failures += [f"{name}: nothing happened" for name, acts in played.items() if not acts]
    return proof


def play(folder: Path, rounds: int, case: tuple[Scenario, int]) -> tuple[Counter[str], list[str]]:
    """Play one scenario; return what was counted, and what was lost, doubled or stale."""
    scenario, seed = case
    with opened(scenario, Path(mkdtemp(dir=folder)), random.Random(seed)) as world:
        world.read(disturbed=False)
        for _ in range(rounds):
            world.read(disturbed=True)
            world.between()
        world.read(disturbed=False)
        told = list(_judge(world))
        world.counts["effects"] += sum(world.effects().values())
        return world.counts, [f"{scenario.name}, seed {seed}: {words}" for words in told]


def _judge(world: World) -> Iterable[str]:
    """Compare what arrived with every version that was ever committed."""
    effects = world.effects()
    lasting = world.lasting()
    world.counts["versions that lived through a read"] += len(lasting)
    for key, token in sorted(lasting - effects.keys()):
        world.counts["lost"] += 1
        yield f"{key} {token} was there through a whole read and was never delivered"
    for (key, token), count in effects.items():
        if count > 1:
            world.counts["duplicate"] += count - 1
            yield f"{key} {token} was written {count} times"
    arrived = world.arrived()
    for key, token in world.newest().items():
        if key not in arrived:
            world.counts["never read"] += 1
            yield f"{key} never arrived"
        elif arrived[key] != token:
            world.counts["stale"] += 1
            yield f"{key} shows {arrived[key]}, but its newest version is {token}"
