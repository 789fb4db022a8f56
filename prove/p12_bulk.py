"""kill -9 anywhere in a load into Snowflake: resumed from the STATE it printed, it ends as an undisturbed one does.

A load is not begun anew for each kill: it goes on after the newest STATE until it is killed again or complete, and when
it is complete the next load begins, until there were as many kills as were asked for.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ml_connector_simulators.snowflake import running_snowflake

from prove import bulk_seams
from prove.bulk_load import BulkLoad
from prove.bulk_stream import SHARES, STATE_EVERY, BulkStream
from prove.proof import Proof, Size, histogram
from prove.workers import WORKERS, in_turn

if TYPE_CHECKING:
    from pathlib import Path

    from ml_connector_simulators.snowflake import SnowflakeServer

    from prove.flow import Ended

NUMBER, TITLE = 12, "kill -9 in a load into Snowflake, then resume from the STATE it printed"
RECORDS = {Size.SHORT: 4_000, Size.FULL: 200_000}
KILLS = {Size.SHORT: 3, Size.FULL: 100}
BATCH_ROWS = {Size.SHORT: 500, Size.FULL: 2_500}
BATCHES = {Size.SHORT: 3, Size.FULL: 12}  # committed batches within which a kill strikes, mostly
_KILLED = -9
_TIMES = 8  # how often a moment is drawn, beside each seam once
_MILLISECONDS = {Size.SHORT: 2_000, Size.FULL: 6_000}
_AT_FIRST = ("stage", "table")  # kinds of which only the first run of a load has any
_NEAR_THE_END = 10  # batches of each stream
_SETTLED_WITHOUT_EVENT = ("commit.answered", "commit.after", "drop.before", "drop.after", "event.before")
FAULTS = ("lost", "duplicate", "sums", "stale", "ahead", "left over", "trail", "balance")


@dataclass
class Result:
    """What one worker's loads came to."""

    seams: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def note(self, place: str, faults: list[str]) -> None:
        """Keep what was found wrong."""
        self.failures += [f"{place}: {words}" for words in faults]
        self.counts.update(words.partition(":")[0] for words in faults)


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Kill at seeded points, in as many loads as it takes."""
    proof, workers = Proof(NUMBER, TITLE), 1 if size is Size.SHORT else WORKERS
    cases = [(number, KILLS[size] // workers, seed + number) for number in range(workers)]
    with in_turn(size) as each:
        results = list(each(partial(attack, size, folder), cases))
    _tell(proof, size, results)
    return proof


def attack(size: Size, folder: Path, case: tuple[int, int, int]) -> Result:
    """Kill loads until there were enough kills and the last load is complete."""
    worker, kills, seed = case
    chance, result = random.Random(seed), Result()
    stream = BulkStream(RECORDS[size], seed)
    with running_snowflake(folder / f"snowflake-{worker}") as server:
        while len(result.seams) < kills and result.counts["loads"] <= kills:
            _load(
                size, chance, result, _begun(server, folder, f"W{worker}L{result.counts['loads']}", stream, size), kills
            )
    return result


def _begun(server: SnowflakeServer, folder: Path, name: str, stream: BulkStream, size: Size) -> BulkLoad:
    return BulkLoad(server, folder / name, name, stream, BATCH_ROWS[size])


def _load(size: Size, chance: random.Random, result: Result, load: BulkLoad, kills: int) -> None:
    """Run one load to its end, killed as often as the points that are drawn are reached."""
    points: list[str] = []
    result.counts["loads"] += 1
    while True:
        points = points or _drawn(chance, size)
        enough = len(result.seams) >= kills
        point = "count:/dev/null" if enough else _with_number(points.pop(), chance, load, size)
        began = time.monotonic()
        ended = load.run(point)
        place = f"{load.schema} run {load.runs} to {point}"
        print(f"  {place}: {ended.code}, STATE at {load.at}, {time.monotonic() - began:.0f} s", flush=True)
        if ended.code != _KILLED:
            break
        result.seams.append(point.rpartition(":")[0])
        result.note(place, [f"hung for {ended.seconds:.0f} s"] if ended.hung else load.ahead())
    result.note(place, _ended(ended) or load.faults() + _again(load))
    result.counts += load.counts
    result.counts["runs"] += load.runs
    shutil.rmtree(load.folder, ignore_errors=True)


def _again(load: BulkLoad) -> list[str]:
    """Load everything once more: a complete run that has nothing to do leaves all as it is."""
    load.at = 0
    return _ended(load.run("count:/dev/null")) or load.faults()


def _ended(ended: Ended) -> list[str]:
    """Return what is wrong with how a process ended, and its last words."""
    return [f"{words}: {ended.err.strip().splitlines()[-1:]}" for words in ended.faults()]


def _drawn(chance: random.Random, size: Size) -> list[str]:
    """Return seams in the order in which they are to strike: each once, and moments between them."""
    seams = [name for name in bulk_seams.NAMES if name != bulk_seams.TIME]
    drawn = [*seams, *[bulk_seams.TIME] * _TIMES]
    chance.shuffle(drawn)
    return drawn if size is Size.FULL else [*drawn, "commit.answered", "event.after", "insert.after"]


def _with_number(seam: str, chance: random.Random, load: BulkLoad, size: Size) -> str:
    """Return a seam with the pass at which it strikes; one that would not come for long becomes a moment."""
    kind, rest, batches = seam.partition(".")[0], len(load.stream) - load.at, BATCHES[size]
    far = kind == "end" and rest > _NEAR_THE_END * len(SHARES) * load.batch_rows
    if seam == bulk_seams.TIME or far or (kind in _AT_FIRST and load.runs):
        return f"{bulk_seams.TIME}:{chance.randint(1, _MILLISECONDS[size])}"
    if kind in (*bulk_seams.ONCE, "end", "earlier"):
        return f"{seam}:1"
    most = {"state": 3, "table": len(SHARES), "settled": batches * load.batch_rows // STATE_EVERY}.get(kind, batches)
    return f"{seam}:{chance.randint(1, max(most, 1))}"


def _tell(proof: Proof, size: Size, results: list[Result]) -> None:
    counts = sum((result.counts for result in results), Counter[str]())
    seams = [seam for result in results for seam in result.seams]
    proof.numbers |= {
        "records in a load": RECORDS[size],
        "streams": len(SHARES),
        "loads, each killed until it was complete": counts["loads"],
        "runs": counts["runs"],
        "kills": len(seams),
        "kills after COMMIT and before the batch's event": sum(seam in _SETTLED_WITHOUT_EVENT for seam in seams),
        "batches committed": counts["batches"],
        "batches whose event a later run wrote": counts["found"],
        **{name: counts[name] for name in FAULTS},
    }
    proof.require_work("kills", "batches committed", "kills after COMMIT and before the batch's event")
    proof.require(len(seams) >= KILLS[size] // len(results) * len(results), f"only {len(seams)} kills")
    for result in results:
        proof.failures += result.failures
    proof.details = histogram(sorted(seams))
