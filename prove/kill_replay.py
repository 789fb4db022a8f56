"""kill -9 while dead letters are replayed: what waited for a cost centre goes out again, once it is there."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ml_connector.cli.letters import find_letters, singer_lines
from ml_connector.store import open_store
from ml_connector_simulators.kit import running
from ml_connector_simulators.visma import VismaSimulator

from prove import books, chain
from prove.flow import Flow
from prove.forked import run_to
from prove.landed import Landed, landed
from prove.points import points
from prove.scene import Scene, begun, let_answer, passes_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from ml_connector_simulators.servicenow import ServiceNowSimulator

MASTERS = ("gl_accounts", "suppliers", "purchase_orders", "supplier_invoices")  # all but cost centres
FINISHING = 4
_KILLED = -9


def attack(folder: Path, count: int, chance: random.Random, invoices: int) -> tuple[Counter[str], list[str]]:
    """Kill replays at seeded points; replayed again, everything must be as after an undisturbed replay."""
    scene, waiting = _scene(folder, invoices)
    counts = Counter({"letters that waited": waiting})
    told: list[str] = []
    for number, point in enumerate(points(scene.order, count, chance)):
        place = folder / f"point-{number}"
        with _ready(scene, place) as (flow, servicenow):
            ended = run_to(str(point), flow.target(), _letters(flow))
            let_answer(servicenow)
            words = [] if ended.code == _KILLED else [f"not killed: exit code {ended.code}"]
            counts["kills"] += 1
            counts["kills while rows were under way"] += point.dangerous
            words += _finish(scene, flow, counts)
            for kind, rows in scene.landed.differences(landed(servicenow)).items():
                counts[kind] += len(rows)
                words.append(f"{kind}: {rows[:2]}")
            words += chain.broken(flow)[:1]
        told += [f"replay killed at {point}: {each}" for each in words]
        shutil.rmtree(place, ignore_errors=True)
    return counts, told


def _scene(folder: Path, invoices: int) -> tuple[Scene, int]:
    """Let invoices wait for their cost centres, and see what an undisturbed replay leaves once these are there."""
    folder.mkdir()
    with running(VismaSimulator()) as visma:
        books.resize(visma, "NO01", invoices)
        (folder / "stream.jsonl").write_text(books.sync(Flow(folder / "tap", visma.url), streams=MASTERS))
        centres = {
            each["segmentValue"]
            for row in visma.rows("NO01", books.INVOICE)
            for line in row["invoiceLines"]
            for each in line["subaccount"]["segments"]
        }
    with begun(folder, "batch", folder / "before") as (flow, servicenow):
        run_to("count:/dev/null", flow.target(), folder / "stream.jsonl")
        waiting = flow.states().get("parked", 0)
        for code in sorted(centres):
            values = {"erp_source": "visma:NO01", "code": code, "name": code}
            servicenow.instance.store.insert("cmn_cost_center", values)
    for name in ("store.db", "instance.db"):
        shutil.move(folder / "before" / name, folder / name)
    empty = Scene(folder, "batch", (), (), Landed(), {}, 0)
    with _ready(empty, folder / "undisturbed") as (flow, servicenow):
        order = passes_of(flow, _letters(flow), folder / "passes.json")
        return replace(empty, order=order, landed=landed(servicenow), verdicts=flow.verdicts()), waiting


@contextmanager
def _ready(scene: Scene, place: Path) -> Iterator[tuple[Flow, ServiceNowSimulator]]:
    with scene.again(place) as (flow, servicenow):
        flow.target_settings["replay"] = True
        yield flow, servicenow


def _letters(flow: Flow) -> Path:
    """Write what `ml-connector dead replay` feeds: the original messages of every open letter."""
    store = open_store(flow.store_url)
    with store.reading() as connection:
        letters = [each for each in find_letters(connection) if each.is_open]
    path = flow.folder / "letters.jsonl"
    path.write_text("".join(singer_lines(letters, store.sealer.reveal)))
    store.close()
    return path


def _finish(scene: Scene, flow: Flow, counts: Counter[str]) -> list[str]:
    """Replay what still waits until every record is where an undisturbed replay brings it."""
    words: list[str] = []
    for runs in range(FINISHING):
        ended = run_to("count:/dev/null", flow.target(), _letters(flow))
        words += ended.faults()
        if flow.last_run().get("balance") == "out_of_balance":
            words.append(f"out of balance: {flow.last_run()['message']}")
        if flow.verdicts() == scene.verdicts:
            counts["finished by the first replay after the kill"] += runs == 0
            return words
    return [*words, f"unfinished after {FINISHING} replays: {flow.states()}"]
