"""Whole runs in one process: plain records through the engine and the sink into the simulated instance."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.engine import Engine
from ml_connector.delivery.settings import EngineSettings
from ml_connector.mapping.loader import search_path
from ml_connector.mapping.source_map import SourceMap
from ml_connector.mapping.target_map import TargetMap
from ml_connector.plan.rehearsal import Rehearsal
from ml_connector.store import open_store, tables
from sqlalchemy import select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ml_connector.delivery.report import RunReport
    from ml_connector.plan.document import Flow as Plan

    from tests.target_servicenow.conftest import Bench

SOURCE_MAP = """
source_system: visma
stream_maps:
  suppliers:
    __key_properties__: [number]
    number: number
    name: name
    active: True
    source_state: "'active'"
    tax_id: tax_id
    registration_number: registration
    country: country
  supplier_invoices:
    __key_properties__: [number]
    title: number
    source_state: "'open'"
    document_type: first(type, 'invoice')
    sign: "-1 if type == 'credit_note' else 1"
    number: number
    supplier_invoice_number: concat('S-', number)
    currency: currency
    supplier: supplier
    document_date: date
    posting_date: date
    total: total
    net: net
    tax: tax
    lines:
      __each__: lines
      line_number: index
      description: text
      quantity: quantity
      amount: amount
      account: account
      dimensions:
        cost_center: cost_center
    tax_lines:
      __each__: taxes
      line_number: index
      tax_code: code
      taxable: taxable
      amount: amount
      rate: rate
"""
STREAMS = ("suppliers", "supplier_invoices")


def supplier(number: str, **changes: Any) -> tuple[str, dict[str, Any]]:
    """Return a supplier of the source system."""
    return "suppliers", {"_company": "NO01", "number": number, "name": f"Supplier {number}", "country": "NO", **changes}


@dataclass
class Flow:
    """Runs records through an engine, each run a new one, as separate processes would."""

    bench: Bench
    folder: Path
    target: str = "servicenow-s2p"
    states: list[Any] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'store.db'}"

    def run(self, *records: tuple[str, dict[str, Any]], **settings: Any) -> RunReport:
        """Run records to their outcomes."""
        return self._through(Engine, records, settings)

    def plan(self, *records: tuple[str, dict[str, Any]], **settings: Any) -> Plan:
        """Say what a run would do."""
        self._through(partial(Rehearsal, keep=self.plans.append), records, settings)
        return self.plans[-1]

    def _through(
        self, kind: Callable[..., Engine], records: Iterable[tuple[str, dict[str, Any]]], settings: dict[str, Any]
    ) -> RunReport:
        (self.folder / "plain.yml").write_text(SOURCE_MAP)
        search = search_path(self.folder)
        engine = kind(
            settings=EngineSettings(pipeline="test", mapping=f"plain {self.target}", **settings),
            store=open_store(self.url),
            store_url=self.url,
            sink=self.bench.sink,
            source_map=SourceMap.load("plain", search),
            target_map=TargetMap.load(self.target, search),
            emit_state=self.states.append,
        )
        try:
            engine.start()
            for stream in STREAMS:
                engine.stream(stream, {"properties": {}}, ["_company", "number"])
            for stream, record in records:
                engine.record(stream, record)
            return engine.finish()
        except Exception as error:
            engine.abort(str(error), 1)
            raise
        finally:
            engine._store.close()

    def rows(self, table: str) -> list[dict[str, Any]]:
        store = open_store(self.url)
        try:
            with store.transaction() as connection:
                found = connection.execute(select(tables.metadata.tables[table])).mappings()
                return [dict(row) for row in found]
        finally:
            store.close()

    def outcomes(self) -> dict[str, tuple[str, str]]:
        """Source key → state and reason."""
        found = ((row["business_key"].rpartition(":")[2], row) for row in self.rows("deliveries"))
        return {key: (row["state"], row["reason"] or "") for key, row in found}

    def told(self, key: str) -> dict[str, Any]:
        """Everything a delivery says."""
        return next(row for row in self.rows("deliveries") if row["business_key"].endswith(f":{key}"))
