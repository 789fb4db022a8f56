"""Loads of approved requests into Acumatica, killed until they are complete, and what must hold after every kill."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prove import buyers, chain, order_seams, stream
from prove.both_ways import BACK, COUNT, THERE, BothWays
from prove.scene import let_answer

if TYPE_CHECKING:
    import random

    from prove.buyers import Buyers
    from prove.flow import Ended

CHANGES = 4  # of earlier requests, with each load
MOST_MILLISECONDS = 300
TIMES = 8  # how often a moment is drawn, beside each seam once
TRIES = 12  # undisturbed runs within which a load must be complete
_KILLED, _NO_SEAT = -9, 3
_SELDOM = 2  # passes of a seam that an undisturbed load does not make
_TAP_SEAMS = ("tap.before_write", "tap.after_write", "http.before_send", "http.after_answer")
_TIME_PASSES, _READ_BACK, _EXACTLY, _CHANGED, _TAP_KILLED, _FORGOTTEN = 0.6, 0.12, 0.4, 0.4, 0.15, 0.1
"""Chances of what happens between two runs."""


@dataclass
class Result:
    """What one worker's loads came to."""

    seams: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass
class Loads:
    """One pair of instances, one store, and the load under way."""

    ways: BothWays
    buyers: Buyers
    chance: random.Random
    kills: int
    first: tuple[str, ...] = ()  # seams to strike before all others
    result: Result = field(default_factory=Result)
    lines: list[str] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    passes: Counter[str] = field(default_factory=Counter)  # what an undisturbed load makes, and of how many records
    records: int = 1
    others: dict[str, tuple[str, str]] = field(default_factory=dict)  # what the first way there made of each record

    def note(self, place: str, faults: list[str]) -> None:
        """Keep what was found wrong."""
        self.result.failures += [f"{place}: {words}" for words in faults]
        self.result.counts.update(words.partition(":")[0] for words in faults)

    # a load

    def play(self, new: int) -> None:
        """Let buyers ask and change; then load until everything is there, killed as often as points are reached."""
        self.result.counts["loads"] += 1
        for _ in range(new):
            self.buyers.ask()
        for _ in range(CHANGES):
            self.buyers.change()
        self.lines = self.ways.requests(self.ways.newest_state())
        undisturbed = 0
        while undisturbed < TRIES:
            enough = len(self.result.seams) >= self.kills
            ended, place = self._run(COUNT if enough else self._drawn())
            undisturbed += ended.code != _KILLED
            if ended.code == 0 and self._is_complete():
                break
            self._between(ended, place)
        told = [*buyers.faults(self.buyers, self.ways.acumatica)]
        self.note("a complete load", told or ([] if self._is_complete() else [f"lost: {self.ways.states()}"]))

    def _run(self, point: str, *, cut: bool = False) -> tuple[Ended, str]:
        """Run the target once; see what must hold whenever it ends. A `cut` stream may end inside a line."""
        began = time.monotonic()
        ended = self.ways.load(point, self.lines)
        place = f"load {self.result.counts['loads']} run {self.result.counts['runs']} to {point}"
        records = stream.records(self.lines)
        print(f"  {place}: {ended.code}, {records} records, {time.monotonic() - began:.1f} s", flush=True)
        self.result.counts["runs"] += 1
        if ended.code == _KILLED:
            self.result.seams.append(point.rpartition(":")[0])
            let_answer(self.ways.acumatica)
        else:
            self._ended(ended, place, (0, 1) if cut else (0,))
        self.note(place, [*buyers.doubled(self.ways.acumatica), *self._ahead(ended)])
        return ended, place

    def _ended(self, ended: Ended, place: str, allowed: tuple[int, ...]) -> None:
        """Judge a run that nobody killed: it may find that earlier ones have left no seat free."""
        told = ended.faults((*allowed, _NO_SEAT) if "API Login Limit" in ended.err else allowed)
        self.note(place, [f"{words}: {ended.err.strip().splitlines()[-1:]}" for words in told])
        run = self.ways.last_run()
        self.note(place, [f"balance: {run['message']}"] if run.get("balance") == "out_of_balance" else [])
        if ended.code == _NO_SEAT:
            self.result.counts["no seat"] += 1
            self.ways.acumatica.expire_sessions()

    def _ahead(self, ended: Ended) -> list[str]:
        """Return the records before the newest STATE that passed of which the store knows less than they tell."""
        passed = stream.before(self.lines, len(ended.out.splitlines()))
        if not passed:
            return []
        rows = self.ways.query("SELECT business_key, coalesce(source_modified_at, '') FROM deliveries")
        known = {row[0].rpartition(":")[2]: row[1] for row in rows}
        late = [each for each in passed if known.get(each["number"], "")[:19] < each["sys_updated_on"][:19]]
        self.result.counts["records that STATE passed"] += len(passed)
        return [f"ahead: {each['number']} of {each['sys_updated_on']}" for each in late]

    def _is_complete(self) -> bool:
        verdicts = {key.rpartition(":")[2]: told[0] for key, told in self.ways.verdicts_of(BACK).items()}
        ends = {number: "parked" if number in self.buyers.waiting else "delivered" for number in self.buyers.made}
        return ends.items() <= verdicts.items() and not [*buyers.faults(self.buyers, self.ways.acumatica)]

    # between two runs

    def _between(self, ended: Ended, place: str) -> None:
        """Let time pass or not, let people change things or not, and choose what the next run reads."""
        if self.ways.store.exists() and (ended.code != _KILLED or self.chance.random() < _TIME_PASSES):
            self.ways.let_time_pass()
        if self.chance.random() < _READ_BACK:
            self.note(place, self.read_back())
        if ended.code == _KILLED and self.chance.random() < _EXACTLY:
            self.lines = stream.after(self.lines, len(ended.out.splitlines()))
            return
        if self.chance.random() < _CHANGED:
            self.buyers.change()
        if len(self.result.seams) < self.kills and self.chance.random() < _TAP_KILLED:
            self._kill_the_tap()
        forgotten = self.chance.random() < _FORGOTTEN
        self.lines = self.ways.requests(None if forgotten else self.ways.newest_state())

    def _kill_the_tap(self) -> None:
        """Kill the tap while it reads, and let the target take what came, often cut inside a line."""
        point = f"{self.chance.choice(_TAP_SEAMS)}:{self.chance.randint(1, 8)}"
        killed = self.ways.requests_process(point)
        if killed.code != _KILLED:
            return
        self.result.counts["kills of the tap"] += 1
        self.lines = killed.out.split("\n")
        self._run(COUNT, cut=True)

    def _drawn(self) -> str:
        """Return the next point: each seam in turn, at some pass of those that this load is likely to make."""
        if not self.points:
            self.points = [*order_seams.NAMES, *[order_seams.TIME] * (TIMES - 1)]
            self.chance.shuffle(self.points)
            self.points += self.first
        name = self.points.pop()
        if name == order_seams.TIME:
            return f"{name}:{self.chance.randint(1, MOST_MILLISECONDS)}"
        share = min(1.0, (stream.records(self.lines) + 1) / self.records)
        most = max(1, round((self.passes[name] or _SELDOM) * share))
        return f"{name}:{1 + int(most * self.chance.random() ** 2)}"  # mostly early: records read again make no passes

    # and back

    def begin(self) -> None:
        """Bring Acumatica's books into ServiceNow; see which seams an undisturbed load passes."""
        self.note("the first way there", self.ways.forward().faults())
        self.others = self.ways.verdicts_of(THERE)
        for _ in range(3):
            self.buyers.ask()
        self.lines = self.ways.requests(None)
        passes = self.ways.folder / "passes.json"
        self._run(f"count:{passes}")
        self.passes = Counter(json.loads(passes.read_text()))
        self.records = max(1, stream.records(self.lines))

    def end(self) -> None:
        """Read everything back, and verify the trail."""
        self.ways.acumatica.expire_sessions()
        self.note("the end", [*self.read_back(), *chain.broken(self.ways)])
        verdicts = self.ways.verdicts_of(THERE)
        echoes = [key for key in self._ours() if verdicts[key] == ("skipped", "echo")]
        self.result.counts["echoes"] += len(echoes)
        self.result.counts["orders"] += len(self._ours())
        self.result.counts["changes"] += self.buyers.changes

    def read_back(self) -> list[str]:
        """Deliver Acumatica into ServiceNow: our orders are echoes, or may be while an outcome is open; no others."""
        self.result.counts["reads back"] += 1
        seats, self.ways.acumatica.settings.seats = self.ways.acumatica.settings.seats, None
        told = [f"way there: {words}" for words in self.ways.forward().faults()]
        self.ways.acumatica.limit_seats(seats)
        verdicts = self.ways.verdicts_of(THERE)
        open_ones = self.ways.query("SELECT count(*) FROM effects WHERE state NOT IN ('delivered')")[0][0]
        allowed = {("skipped", "echo"), ("parked", "echo_in_doubt")} if open_ones else {("skipped", "echo")}
        told += [f"echo: {key} is {verdicts.get(key)}" for key in self._ours() if verdicts.get(key) not in allowed]
        other = {key: verdicts.get(key) for key, verdict in self.others.items() if verdicts.get(key) != verdict}
        told += [f"echo: not ours, and otherwise than before: {other}"] if other else []
        return told

    def _ours(self) -> list[str]:
        rows = (row for found in buyers.orders(self.ways.acumatica).values() for row in found)
        return [f"acumatica:US01:purchase_orders:{row['Type']}/{row['OrderNbr']}" for row in rows]
