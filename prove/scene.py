"""A sync that can be played again and again from the same beginning: a store, an instance, a stream, and the end."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ml_connector_simulators.kit import running
from ml_connector_simulators.kit.clock import MONTH_END_CLOSE
from ml_connector_simulators.servicenow import InsertMultiple, Installation, ServiceNowSimulator
from ml_connector_simulators.servicenow.tables import delivered
from ml_connector_simulators.visma import VismaSimulator

from prove import books, stream
from prove.flow import Ended, Flow
from prove.forked import run_to
from prove.landed import Landed, landed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ml_connector_simulators.kit import Simulator

SETTINGS = {"patience": 5, "settle_window": 0.5, "batch_size_rows": 100}
NEXT_DAY = timedelta(days=1)
STATE_FREQUENCY = 100  # records between two STATE messages: ten times as many barriers as usual
_BEFORE, _EDITED = 0.85, 0.25  # of the invoices: those an earlier run has delivered; of these, those edited since


@dataclass(frozen=True)
class Scene:
    """How a sync begins and how it ends when nobody disturbs it."""

    folder: Path
    mode: str
    lines: tuple[str, ...]
    order: tuple[str, ...]  # the seams an undisturbed run passes
    landed: Landed
    verdicts: dict[str, tuple[str, str]]
    written: int  # rows that the undisturbed run added to the instance

    @property
    def path(self) -> Path:
        """The Singer stream as a file."""
        return self.folder / "stream.jsonl"

    @contextmanager
    def again(self, folder: Path) -> Iterator[tuple[Flow, ServiceNowSimulator]]:
        """Begin once more, in a folder of its own."""
        with begun(self.folder, self.mode, folder) as ready:
            yield ready


def installation(mode: str) -> Installation:
    """Return an instance that takes rows in this mode."""
    if mode != "insert_multiple":
        return Installation()
    setting = InsertMultiple(keys="column_name", synchronous=True)
    return Installation(insert_multiple={it.source: setting for it in delivered().maps})


@contextmanager
def begun(base: Path, mode: str, folder: Path) -> Iterator[tuple[Flow, ServiceNowSimulator]]:
    """Copy a store and an instance, and serve the instance."""
    folder.mkdir(parents=True)
    for name in ("store.db", "instance.db"):
        if (base / name).exists():
            shutil.copy(base / name, folder / name)
    data = folder / "instance.db"
    start = MONTH_END_CLOSE + (NEXT_DAY if data.exists() else timedelta(0))  # no clock goes back over a restart
    with running(ServiceNowSimulator(installation(mode), data=data, start=start)) as servicenow:
        settings = {**SETTINGS, "mode": mode}
        yield Flow(folder, servicenow_url=servicenow.url, target_settings=settings), servicenow


def prepare(folder: Path, invoices: int, suppliers: int, mode: str) -> Scene:
    """Deliver a part of the books, edit some of them, and see what a sync of the whole then leaves."""
    folder.mkdir(parents=True)
    with running(VismaSimulator()) as visma:
        source = Flow(folder / "tap", visma.url)
        later = visma.rows("NO01", books.INVOICE)[int(invoices * _BEFORE) :]
        books.resize(visma, "NO01", int(invoices * _BEFORE))
        books.add_suppliers(visma, "NO01", suppliers)
        first = books.sync(source, frequency=STATE_FREQUENCY)
        for row in visma.rows("NO01", books.INVOICE)[: int(invoices * _BEFORE * _EDITED)]:
            visma.edit("NO01", books.INVOICE, books.key_of(row), supplierReference=f"{row['supplierReference']}b")
        for row in later:
            visma.add("NO01", books.INVOICE, row)
        books.resize(visma, "NO01", invoices)
        lines = books.sync(source, frequency=STATE_FREQUENCY).splitlines()
    (folder / "stream.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "first.jsonl").write_text(first)
    with begun(folder, mode, folder / "before") as (flow, _):
        _undisturbed(run_to(f"count:{folder / 'unused.json'}", flow.target(), folder / "first.jsonl"))
    for name in ("store.db", "instance.db"):
        shutil.move(folder / "before" / name, folder / name)
    return _end(folder, mode, tuple(lines))


def _end(folder: Path, mode: str, lines: tuple[str, ...]) -> Scene:
    with begun(folder, mode, folder / "undisturbed") as (flow, servicenow):
        before = landed(servicenow).count
        order = passes_of(flow, folder / "stream.jsonl", folder / "passes.json")
        end = landed(servicenow)
        if end.count == before:
            raise RuntimeError("an undisturbed run adds no row: nothing would be attacked")
        return Scene(folder, mode, lines, order, end, flow.verdicts(), end.count - before)


def passes_of(flow: Flow, lines: Path, told: Path, command: Sequence[str | Path] = ()) -> tuple[str, ...]:
    """Run the target, or another command, undisturbed; return the seams it passes, in order."""
    _undisturbed(run_to(f"count:{told}", command or flow.target(), lines))
    return tuple(json.loads(told.read_text()))


def let_answer(simulator: Simulator) -> None:
    """Let an instance end what it was asked before a kill."""
    deadline = time.monotonic() + 10
    while any(each.status is None for each in simulator.log.requests()) and time.monotonic() < deadline:
        time.sleep(0.01)


def _undisturbed(ended: Ended) -> None:
    if faults := ended.faults():
        raise RuntimeError(f"an undisturbed run went wrong: {', '.join(faults)}\n{ended.err[-2000:]}")


def again_lines(lines: Sequence[str], passed: int, *, whole: bool) -> list[str]:
    """Return what a restarted tap sends: all of it when its state was lost, else exactly what had not passed."""
    return list(lines) if whole else stream.after(lines, passed)
