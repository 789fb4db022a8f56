"""The watermark of tap-acumatica and tap-servicenow (L6): every version that lives through a read arrives.

People edit, enter and delete while pages are read, in the same second as others or late; clocks jump; reads take hours,
and die between two pages, to go on from the STATE that was left.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

from ml_connector.singer.totals import STATE_KEY
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator

from prove.edited_books import KINDS, prepare
from prove.emitted import newest_state
from prove.proof import Proof, Size, histogram
from prove.reading import Interrupted, read
from prove.workers import in_turn
from prove.worlds import SCENARIOS, Scenario, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ml_connector.singer.stream import Stream

    from prove.edited_books import Books

NUMBER, TITLE = 16, "The watermark of tap-acumatica and tap-servicenow"
REPEATS = {Size.SHORT: 1, Size.FULL: 4}
ROUNDS = {Size.SHORT: 2, Size.FULL: 8}  # reads in a row, each from the state of the one before
ROWS, PAGE = 24, 7
DIES = 0.03  # chance, at every page
HOLDS_STILL = (0, 0, 0, 1, 2)  # how much happens between two pages
_LATE = 9 * 86_400.0


@dataclass
class World:
    """A table, and all that was ever committed to it."""

    scenario: Scenario
    books: Books
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    versions: list[Version] = field(default_factory=list)
    reads: list[tuple[int, int]] = field(default_factory=list)
    seen: dict[tuple[str, str], int] = field(default_factory=dict)  # version → the read that emitted it last
    last: dict[str, str] = field(default_factory=dict)  # what was emitted last of each row
    state: Any = None
    began: int | None = None  # the step at which a read began that is not over yet
    elapsed: float = 0.0
    _step: int = 0
    _skew: float = 0.0

    # what people do

    def insert(self, tie: str | None = None) -> None:
        """Enter a row."""
        token = f"x-v{len(self.versions)}"
        self._committed(self.books.insert(len(self.versions), token, tie), token)

    def edit(self, tie: str | None = None) -> None:
        """Change a row."""
        key, token = self._some_key(), f"x-v{len(self.versions)}"
        self.books.edit(key, token, tie)
        self._committed(key, token)

    def edit_tie(self) -> None:
        """Change a row in the very moment in which another was changed."""
        self.edit(self.books.newest())

    def insert_tie(self) -> None:
        """Enter a row in that moment."""
        self.insert(self.books.newest())

    def remove(self) -> None:
        """Delete a row."""
        key = self._some_key()
        self.books.remove(key)
        self._end(key)

    def skew(self) -> None:
        """Let the server's clock be wrong by up to five minutes, one way or the other."""
        wanted = self.chance.choice((-300.0, 300.0, self.chance.uniform(-300, 300)))
        self.books.sim.clock.advance(wanted - self._skew)
        self._skew = wanted
        self.edit()

    def _some_key(self) -> str:
        return self.chance.choice([version.key for version in self.versions if version.until is None])

    def _committed(self, key: str, token: str) -> None:
        self._end(key)
        self.versions.append(Version(key, token, self._step))
        self.counts["versions committed"] += 1

    def _end(self, key: str) -> None:
        self._step += 1
        for version in self.versions:
            if version.key == key and version.until is None:
                version.until = self._step

    # reads

    def read(self, *, disturbed: bool) -> None:
        """Read from the newest state, things happening between the pages, or the tap dying there."""
        began = self._step if self.began is None else self.began
        monotonic = SimpleNamespace(monotonic=lambda: time.monotonic() + self.elapsed)
        with mock.patch("ml_connector.singer.stream.time", monotonic):
            hook = self._between_pages if disturbed else None
            tap = self.books.tap(self.state, PAGE)
            lines = read(tap, [self.books.stream], frequency=PAGE, after_page=hook).splitlines()
        self.counts["reads"] += 1
        self.state = json.loads(newest_state("\n".join(lines)))
        complete = self.state[STATE_KEY]["streams"][self.books.stream]["complete"]
        self.counts["reads that died, or of a set that never stood still"] += not complete
        for told in self.books.emitted(lines):
            self.seen[told] = self.counts["reads"]
            self.last[told[0]] = told[1]
            self.counts["records emitted"] += 1
        self.began = None if complete else began
        if complete:
            self.reads.append((began, self._step))

    def _between_pages(self, stream: Stream) -> None:
        if stream.name != self.books.stream:
            return
        for _ in range(self.chance.choice(HOLDS_STILL)):
            name = self.chance.choice(self.scenario.acts)
            act: Callable[[], None] = getattr(self, name)
            act()
            self.counts[self.scenario.name] += 1
        seconds = self.chance.uniform(*self.scenario.pause)
        self.elapsed += seconds
        self.books.sim.clock.advance(seconds)
        if self.chance.random() < DIES:
            raise Interrupted

    def between(self) -> None:
        """Let time pass between two reads, and people go on."""
        self.books.sim.clock.advance(self.chance.uniform(*self.scenario.gap))
        self.edit()

    # what to judge by

    def judged(self) -> Iterator[str]:
        """Compare what was emitted with every version that was ever committed."""
        lasting = [each for each in self.versions if self._lived_through_a_read(each)]
        self.counts["versions that lived through a read"] += len(lasting)
        for version in lasting:
            if (version.key, version.token) not in self.seen:
                self.counts["lost"] += 1
                yield f"{version.key} {version.token} was there through a whole read and was never emitted"
        for version in self.versions:
            if version.until is None and self.last.get(version.key) != version.token:
                self.counts["stale"] += 1
                yield f"{version.key} was last emitted as {self.last.get(version.key)}, and is {version.token}"

    def _lived_through_a_read(self, version: Version) -> bool:
        ends = (version.until is None or version.until > ended for began, ended in self.reads if version.since <= began)
        return any(ends)


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Play every scenario on every table, several times with other chances."""
    del folder
    proof, chance = Proof(NUMBER, TITLE), random.Random(seed)
    cases = [
        (kind, scenario, chance.randrange(2**32))
        for kind in range(len(KINDS))
        for scenario in (chance.sample(SCENARIOS, 2) if size is Size.SHORT else SCENARIOS)
        for _ in range(REPEATS[size])
    ]
    with in_turn(size) as each:
        results = list(each(partial(play, ROUNDS[size]), cases))
    counts: Counter[str] = sum((found for found, _ in results), Counter())
    proof.failures = [words for _, told in results for words in told]
    names = ("reads", "versions committed", "versions that lived through a read", "records emitted")
    kinds = ("reads that died, or of a set that never stood still", "lost", "stale")
    proof.numbers = {"tables": len(KINDS), "runs of scenarios": len(cases)}
    proof.numbers |= {name: counts[name] for name in (*names, *kinds)}
    proof.require_work(*names)
    played = {scenario.name: counts[scenario.name] for scenario in SCENARIOS if counts[scenario.name]}
    proof.details = "what people did while pages were read, by scenario\n" + histogram(played)
    return proof


def play(rounds: int, case: tuple[int, Scenario, int]) -> tuple[Counter[str], list[str]]:
    """Play one scenario; return what was counted, and what was lost or is stale."""
    number, scenario, seed = case
    kind, simulator = KINDS[number]
    with running(simulator(scenario.start)) as sim:
        sim.tokens.lifetime = 10**7  # hours pass between two pages, even while another is asked for
        if isinstance(sim, ServiceNowSimulator):
            prepare(sim)
        world = World(scenario, kind(sim), random.Random(seed))
        for _ in range(ROWS):
            world.insert()
        sim.clock.advance(_LATE)
        world.read(disturbed=False)
        for _ in range(rounds):
            world.read(disturbed=True)
            world.between()
        world.read(disturbed=False)
        told = list(world.judged())
    return world.counts, [f"{kind.__name__}, {scenario.name}, seed {seed}: {words}" for words in told]
