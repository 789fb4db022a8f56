"""The pipeline of tests/delivery, which can also plan and be held to a plan."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from ml_connector.delivery.engine import Engine
from ml_connector.delivery.settings import EngineSettings
from ml_connector.mapping.source_map import SourceMap
from ml_connector.mapping.target_map import TargetMap
from ml_connector.plan.document import Flow, Plan, Record
from ml_connector.plan.held import Approved, HeldToPlan
from ml_connector.plan.rehearsal import Rehearsal
from ml_connector.store import open_store

from tests.delivery.conftest import SOURCE_MAP, TARGET_MAP, Pipeline, read
from tests.delivery.fake_target import FakeSink

if TYPE_CHECKING:
    from pathlib import Path

    from ml_connector.delivery.report import RunReport
    from ml_connector.delivery.witness import Witness

Message = tuple[str, dict[str, Any]]


@dataclass
class Planner(Pipeline):
    """A pipeline with a plan's ways of running."""

    flows: list[Flow] = field(default_factory=list)
    witness: Witness | None = None
    planning: bool = False
    sinks: list[FakeSink] = field(default_factory=list)

    def engine(self, sink: FakeSink, **settings: Any) -> Engine:
        self.sinks.append(sink)
        source_map, target_map = settings.pop("source_map", SOURCE_MAP), settings.pop("target_map", TARGET_MAP)
        (self.folder / "erp.yml").write_text(source_map)
        (self.folder / "fake.yml").write_text(target_map)
        self.store = open_store(self.url)
        parts: dict[str, Any] = {
            "settings": EngineSettings(pipeline=self.name, mapping="erp fake", **settings),
            "store": self.store,
            "store_url": self.url,
            "sink": sink,
            "source_map": read(SourceMap, "erp", source_map),
            "target_map": read(TargetMap, "fake", target_map),
            "emit_state": self.states.append,
        }
        if self.planning:
            return Rehearsal(keep=self.flows.append, **parts)
        return Engine(witness=self.witness, **parts)

    def plan(self, *records: Message, **settings: Any) -> Flow:
        """Return what a run would do."""
        self.planning = True
        try:
            self.run(*records, **settings)
        finally:
            self.planning = False
            self.store.close()  # the engine closes its copy
        return self.flows[-1]

    def run_held(self, flow: Flow, *records: Message, **settings: Any) -> RunReport:
        """Run, held to a plan."""
        return self._run_with(HeldToPlan(plan_of(flow), self.name), *records, **settings)

    def run_approved(self, required: str, *records: Message, **settings: Any) -> RunReport:
        """Run under `require_plan`."""
        return self._run_with(Approved(required, "tap-erp target-fake"), *records, **settings)

    def _run_with(self, witness: Witness, *records: Message, **settings: Any) -> RunReport:
        self.witness = witness
        try:
            return self.run(*records, **settings)
        finally:
            self.witness = None

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Return all rows of the store but the claims to the pipeline."""
        from ml_connector.store.tables import metadata  # noqa: PLC0415

        return {name: self.rows(name) for name in metadata.tables if name != "pipelines"}


def plan_of(*flows: Flow) -> Plan:
    return Plan([], "demo", "2026-11-01T05:00:00+00:00", "anna", list(flows)).sealed()


def verdicts(flow: Flow) -> dict[str, str]:
    return {record.key.rpartition(":")[2]: str(record.verdict) for record in flow.records}


def record_of(flow: Flow, number: str) -> Record:
    with suppress(StopIteration):
        return next(each for each in flow.records if each.key.endswith(f":{number}"))
    raise AssertionError(f"{number} is not in the plan")


@pytest.fixture
def pipeline(tmp_path: Path) -> Planner:
    ready = Planner(tmp_path)
    ready.server.masters["accounts"] = [
        {"source": f"erp:{company}", "code": code, "active": "true", "id": code}
        for company in ("NO01", "SE01")
        for code in ("6300", "6400", "9999")
    ]
    return ready
