"""100,000 records through tap, pipe and target: memory, the trail's cost, bytes per record, records a second."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import Bulk, VismaSimulator

from prove.flow import Flow
from prove.proof import Proof, Size
from prove.scene import installation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

NUMBER, TITLE = 10, "A soak of 100,000 records"
RECORDS = {Size.SHORT: 3_000, Size.FULL: 100_000}
WARM = {Size.SHORT: 1_000, Size.FULL: 10_000}
MOST_GROWTH = 15.0  # per cent, after the first 10,000
STREAMS = ("gl_accounts", "suppliers", "supplier_invoices")
HEADERS = """# Invoices without their lines: a soak is about many records, not about many rows.
target: soak
via: import_set
stream_maps:
  supplier_invoices:
    header:
      __alias__: sn_spend_intg_imp_invoice
      __key_properties__: [ERP source, u_external_invoice_number]
      ERP source: erp_source
      u_external_invoice_number: source_key
      u_erp_number: number
      u_supplier_invoice_number: supplier_invoice_number
      u_invoice_date: document_date
      u_currency: currency
      u_amount_invoiced: total
      u_subtotal: net
      Tax amount: tax
"""


@dataclass(frozen=True)
class Course:
    """What a process's samples tell."""

    samples: list[dict[str, Any]]

    @classmethod
    def read(cls, file: Path) -> Course:
        """Read samples."""
        return cls([json.loads(line) for line in file.read_text().splitlines()])

    @property
    def last(self) -> dict[str, Any]:
        """How things stood at the end."""
        return self.samples[-1]

    def resident(self, records: int) -> int:
        """Return the bytes in use when so many records were done."""
        return int(next(sample["rss"] for sample in self.samples if sample["records"] >= records))

    def growth(self, warm: int) -> float:
        """Return, in per cent, by how much the most memory in use after `warm` records exceeds that at `warm`."""
        after = max(int(sample["rss"]) for sample in self.samples if sample["records"] >= warm)
        return round(100 * (after / self.resident(warm) - 1), 1)


def run(size: Size, seed: int, folder: Path) -> Proof:
    """Run the pipe once, both ends sampled."""
    proof = Proof(NUMBER, TITLE)
    with _served(_visma, RECORDS[size], seed) as visma, _served(_servicenow) as servicenow:
        (folder / "soak.yml").write_text(HEADERS)
        settings = {
            "mode": "insert_multiple",
            "mapping": ["tap_visma", "soak"],
            "maps_dir": str(folder),
            "cutover_date": "2020-01-01",
        }
        flow = Flow(folder / "flow", visma, servicenow, tap_settings={"page_size": 200}, target_settings=settings)
        tap, target = _pipe(flow, proof)
    _tell(proof, flow, tap, target, WARM[size])
    wanted = RECORDS[size]
    proof.require(flow.states().get("delivered") == wanted, f"{flow.states()} instead of {wanted} delivered")
    return proof


def _pipe(flow: Flow, proof: Proof) -> tuple[Course, Course]:
    """Run `tap | target`, both in processes of their own, and return what their samples tell."""
    files = [flow.folder / "tap.samples", flow.folder / "target.samples"]
    commands = [flow.tap(streams=STREAMS), flow.target()]
    sampled = [
        [sys.executable, "-m", "prove.sampled", file, "--", *command]
        for file, command in zip(files, commands, strict=True)
    ]
    with ExitStack() as opened:
        logs = [opened.enter_context((flow.folder / f"{name}.log").open("w")) for name in ("tap", "target")]
        printed = opened.enter_context((flow.folder / "printed").open("w"))
        tap = opened.enter_context(subprocess.Popen(sampled[0], stdout=subprocess.PIPE, stderr=logs[0]))
        target = opened.enter_context(subprocess.Popen(sampled[1], stdin=tap.stdout, stdout=printed, stderr=logs[1]))
        codes = target.wait(), tap.wait()
    for name, code in zip(("target", "tap"), codes, strict=True):
        tail = (flow.folder / f"{name}.log").read_text()[-500:]
        proof.require(code == 0, f"the {name} ended with {code}: {tail}")
    return Course.read(files[0]), Course.read(files[1])


def _tell(proof: Proof, flow: Flow, tap: Course, target: Course, warm: int) -> None:
    records, seconds = target.last["records"], target.last["seconds"]
    store = sum(path.stat().st_size for path in flow.folder.glob("store.db*"))
    growths = {"target": target.growth(warm), "tap": tap.growth(warm)}
    proof.numbers = {
        "records": records,
        "records a second": round(records / seconds),
        **{f"memory growth of the {name} after the first {warm:,} (%)": it for name, it in growths.items()},
        f"target's memory at {warm:,} records (MB)": round(target.resident(warm) / 1e6, 1),
        "target's memory at the end (MB)": round(target.last["rss"] / 1e6, 1),
        "trail's share of the run (%)": round(100 * target.last["trail"] / seconds, 1),
        "trail, microseconds per record": round(1e6 * target.last["trail"] / max(records, 1)),
        "store bytes per record": round(store / max(records, 1)),
    }
    proof.require_work("records", "records a second", "store bytes per record")
    for name, growth in growths.items():
        proof.require(growth <= MOST_GROWTH, f"the {name}'s memory grew by {growth} % after the first {warm:,}")
    run = flow.last_run()
    proof.require(run.get("balance") == "in_balance", f"the run is {run.get('balance')}: {run.get('message')}")
    shown = [sample for sample in target.samples if sample["records"] % max(warm, 1) == 0]
    proof.details = "records, target's memory in MB, seconds\n" + "\n".join(
        f"{it['records']:8,} {it['rss'] / 1e6:8.1f} {it['seconds']:8.1f}" for it in shown
    )


@contextmanager
def _served(serve: Any, *arguments: Any) -> Iterator[str]:
    """Run a simulator in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, arguments), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        here.send("end")
        process.join()


def _visma(pipe: Connection, arguments: Sequence[int]) -> None:
    invoices, seed = arguments
    with running(VismaSimulator(Bulk(invoices, seed=seed))) as simulator:
        simulator.limit.limit = 10**9
        pipe.send(simulator.url)
        pipe.recv()


def _servicenow(pipe: Connection, _: Sequence[int]) -> None:
    with running(ServiceNowSimulator(installation("insert_multiple"))) as simulator:
        pipe.send(simulator.url)
        pipe.recv()
