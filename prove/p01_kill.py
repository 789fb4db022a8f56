"""kill -9 anywhere in a sync: restarted and finished, it leaves what an undisturbed run leaves."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from prove import chain, stream
from prove.forked import run_to
from prove.landed import landed
from prove.points import Point, points
from prove.proof import Proof, Size, histogram
from prove.scene import Scene, again_lines, let_answer, prepare
from prove.workers import in_turn

if TYPE_CHECKING:
    from pathlib import Path

    from ml_connector_simulators.servicenow import ServiceNowSimulator

    from prove.flow import Flow

NUMBER, TITLE = 1, "kill -9 in a sync, then restart and finish"
MODES = {Size.SHORT: ("batch",), Size.FULL: ("batch", "insert_multiple")}
INVOICES = {Size.SHORT: 120, Size.FULL: 700}
SUPPLIERS = {Size.SHORT: 0, Size.FULL: 1100}  # and the month's own: 212 masters and orders
POINTS = {Size.SHORT: 3, Size.FULL: 200}
FINISHING = 4  # runs after the kill within which everything must have arrived
_KILLED = -9


@dataclass
class Result:
    """What one kill came to."""

    point: Point
    mode: str
    failures: list[str] = field(default_factory=list)
    runs: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Kill at seeded points, in both ways of writing."""
    proof = Proof(NUMBER, TITLE)
    chance = random.Random(seed)
    results: list[Result] = []
    with in_turn(Size.FULL) as each:
        for mode in MODES[size]:
            scene = prepare(folder / mode, INVOICES[size], SUPPLIERS[size], mode)
            chosen = points(scene.order, POINTS[size] // len(MODES[size]), chance)
            cases = [(number, point, chance.random() < 0.5) for number, point in enumerate(chosen)]
            for result in each(partial(kill, scene), cases):
                results.append(result)
                told = "; ".join(result.failures) or "finished"
                print(f"  {len(results)} {mode} {result.point} {result.seconds:.0f} s: {told[:300]}", flush=True)
            proof.numbers |= _of_scene(scene)
    _tell(proof, results)
    return proof


def _of_scene(scene: Scene) -> dict[str, int]:
    mode = scene.mode
    return {
        "records in the sync": stream.records(scene.lines),
        f"rows an undisturbed run adds ({mode})": scene.written,
        **{f"records {state} at its end": count for state, count in _states(scene).items()},
    }


def _states(scene: Scene) -> Counter[str]:
    return Counter(state for state, _ in scene.verdicts.values())


def kill(scene: Scene, case: tuple[int, Point, bool]) -> Result:
    """Kill one run at a point, finish, and compare."""
    number, point, whole = case
    began = time.monotonic()
    result = Result(point, scene.mode)
    folder = scene.folder / f"point-{number}"
    with scene.again(folder) as (flow, servicenow):
        shutil.copy(scene.path, folder / "stream.jsonl")
        ended = run_to(str(point), flow.target(), folder / "stream.jsonl")
        flow.keep_state(ended.out)
        if ended.code != _KILLED or ended.hung:
            result.failures.append(f"not killed at {point}: exit code {ended.code}")
        let_answer(servicenow)
        _finish(scene, flow, again_lines(scene.lines, len(ended.out.splitlines()), whole=whole), result)
        _compare(scene, flow, servicenow, result)
    shutil.rmtree(folder, ignore_errors=True)
    result.seconds = time.monotonic() - began
    return result


def _finish(scene: Scene, flow: Flow, lines: list[str], result: Result) -> None:
    """Run until every record has the verdict that an undisturbed run gives it."""
    for _ in range(FINISHING):
        path = flow.folder / f"finish-{result.runs}.jsonl"
        path.write_text("\n".join(lines) + "\n")
        ended = run_to(f"count:{flow.folder / 'unused.json'}", flow.target(), path)
        result.runs += 1
        result.failures += ended.faults()
        if flow.last_run().get("balance") == "out_of_balance":
            result.failures.append(f"out of balance: {flow.last_run()['message']}")
        if flow.verdicts() == scene.verdicts:
            return
        lines = stream.schemas(lines)
    found = flow.verdicts()
    result.counts["never read"] += len(scene.verdicts.keys() - found.keys())
    other = [f"{key} is {found.get(key)}, not {end}" for key, end in scene.verdicts.items() if found.get(key) != end]
    result.failures.append(f"{len(other)} records unfinished after {FINISHING} runs: {other[:3]}")


def _compare(scene: Scene, flow: Flow, servicenow: ServiceNowSimulator, result: Result) -> None:
    for kind, told in scene.landed.differences(landed(servicenow)).items():
        result.counts[kind] += len(told)
        result.failures.append(f"{kind}: {'; '.join(told[:3])}")
    faults = chain.broken(flow)
    result.counts["trail broken"] += bool(faults)
    result.failures += faults[:3]


def _tell(proof: Proof, results: list[Result]) -> None:
    dangerous = sum(result.point.dangerous for result in results)
    counts: Counter[str] = sum((result.counts for result in results), Counter())
    proof.numbers |= {
        "points": len(results),
        "points between the first outbox row and the last settle": dangerous,
        "finished by the first run after the kill": sum(result.runs == 1 for result in results),
        **{kind: counts[kind] for kind in ("lost", "duplicate", "written_twice", "sums", "never read", "trail broken")},
        "seconds per point": round(sum(result.seconds for result in results) / max(len(results), 1), 1),
    }
    proof.require_work("points", "records in the sync", *(name for name in proof.numbers if name.startswith("rows an")))
    proof.require(dangerous >= 0.8 * len(results), f"only {dangerous} points while rows were under way")
    for result in results:
        proof.failures += [f"{result.mode} {result.point}: {words}" for words in result.failures]
    proof.details = histogram(sorted(result.point.seam for result in results))
