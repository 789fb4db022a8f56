"""A pipeline on a small pair of maps, a real store on disk, and a target in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from ml_connector.delivery.engine import Engine
from ml_connector.delivery.settings import EngineSettings
from ml_connector.mapping.source_map import SourceMap
from ml_connector.mapping.target_map import TargetMap
from ml_connector.store import open_store, tables
from sqlalchemy import select

from tests.delivery.fake_target import FakeSink, Killed, Server

if TYPE_CHECKING:
    from ml_connector.delivery.report import RunReport

SOURCE_MAP = """
source_system: erp
stream_maps:
  suppliers:
    __key_properties__: [number]
    number: number
    name: name
    active: status == 'Active'
    title: concat(number, ' ', name)
    source_state: "'active' if status == 'Active' else 'inactive'"
  supplier_invoices:
    __key_properties__: [number]
    title: number
    source_state: "{'Open': 'open', 'Hold': 'draft'}[status]"
    document_type: type
    original_document: original
    number: number
    currency: currency
    supplier: supplier
    supplier_invoice_number: reference
    document_date: date
    posting_date: date
    sign: "-1 if type == 'credit_note' else 1"
    total: total
    net: net
    tax: tax
    lines:
      __each__: lines
      line_number: nr
      amount: amount
      account: account
"""
TARGET_MAP = """
target: fake
via: row
dimensions:
  supplier:
    source: suppliers.number
    table: suppliers
    key: {source: erp_source, number: value}
    active: active == 'true'
    missing: park
    inactive: park
  original:
    source: supplier_invoices.source_key
    table: invoices
    key: {source: erp_source, key: value}
    missing: omit
    inactive: omit
  account:
    source: gl_accounts.number
    table: accounts
    key: {source: erp_source, code: value}
    active: active == 'true'
    missing: park
    inactive: {default: '9999'}
stream_maps:
  suppliers:
    header:
      __alias__: suppliers
      __key_properties__: [source, number]
      source: erp_source
      number: source_key
      name: name
      active: text(active)
  supplier_invoices:
    __types__: [invoice, credit_note]
    __frozen_states__:
      table: invoices
      key: {source: erp_source, key: source_key}
      column: stage
      states: [approved, paid]
    header:
      __alias__: invoices
      __key_properties__: [source, key]
      source: erp_source
      key: source_key
      supplier: dimension('supplier', supplier, company, document_date)
      original: dimension('original', original_document, company, document_date)
      total: amount
      currency: currency
      opened_by: {__value__: "'ml-connector'", __owner__: create_only}
      stage: {__owner__: target}
    line:
      __alias__: invoice_lines
      __each__: lines
      __key_properties__: [source, key, line]
      source: record.erp_source
      key: record.source_key
      line: line_number
      account: dimension('account', account, record.company, record.document_date)
      amount: amount
"""
TWO_LINES = (
    {"nr": 1, "amount": Decimal("60.50"), "account": "6300"},
    {"nr": 2, "amount": Decimal("39.50"), "account": "6400"},
)
STREAMS = {"suppliers": ["_company", "number"], "supplier_invoices": ["_company", "number"]}


def supplier(number: str, company: str = "NO01", **changes: Any) -> dict[str, Any]:
    return {"_company": company, "number": number, "name": f"Supplier {number}", "status": "Active"} | changes


def invoice(number: str, company: str = "NO01", **changes: Any) -> dict[str, Any]:
    lines = changes.pop("lines", TWO_LINES)
    net = sum((line["amount"] for line in lines), Decimal(0))
    record = {
        "_company": company,
        "number": number,
        "type": "invoice",
        "status": "Open",
        "currency": "NOK",
        "supplier": "S1",
        "reference": f"ref {company} {number}",
        "date": "2026-10-05",
        "net": net,
        "tax": Decimal("25.00"),
        "total": net + 25,
        "lines": [dict(line) for line in lines],
    }
    return record | changes


@lru_cache(maxsize=100)
def read(kind: type[SourceMap | TargetMap], name: str, text: str) -> Any:
    """Return a map, read once for all runs that have it: maps do not change."""
    with TemporaryDirectory() as folder:
        (Path(folder) / f"{name}.yml").write_text(text)
        return kind.load(name, [Path(folder)])


@dataclass
class Pipeline:
    """Runs messages through an engine, each run a new one, as separate processes would."""

    folder: Path
    server: Server = field(default_factory=Server)
    name: str = "test"
    states: list[Any] = field(default_factory=list)
    store_url: str | None = None

    @property
    def url(self) -> str:
        return self.store_url or f"sqlite:///{self.folder / 'store.db'}"

    def engine(self, sink: FakeSink, **settings: Any) -> Engine:
        source_map, target_map = settings.pop("source_map", SOURCE_MAP), settings.pop("target_map", TARGET_MAP)
        (self.folder / "erp.yml").write_text(source_map)
        (self.folder / "fake.yml").write_text(target_map)
        return Engine(
            settings=EngineSettings(pipeline=self.name, mapping="erp fake", **settings),
            store=open_store(self.url),
            store_url=self.url,
            sink=sink,
            source_map=read(SourceMap, "erp", source_map),
            target_map=read(TargetMap, "fake", target_map),
            emit_state=self.states.append,
        )

    def run(self, *records: tuple[str, dict[str, Any]], sink: FakeSink | None = None, **settings: Any) -> RunReport:
        engine = self.engine(sink or FakeSink(self.server), **settings)
        try:
            engine.start()
            for stream, keys in STREAMS.items():
                engine.stream(stream, {"properties": {}}, keys)
            for position, (stream, record) in enumerate(records):
                engine.record(stream, record)
                engine.state({"at": position})
            return engine.finish()
        except Exception as error:
            engine.abort(str(error), 1)
            raise
        except Killed:
            engine._open.close()  # the operating system frees the lock of a process that died
            raise
        finally:
            engine._store.close()

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        chosen = tables.metadata.tables[table]
        store = open_store(self.url)
        with store.transaction() as connection:
            query = select(chosen).where(*(chosen.c[name] == value for name, value in where.items()))
            order = [chosen.c[name] for name in ("seq", "started_at", "id") if name in chosen.c][:1]
            found = [dict(row) for row in connection.execute(query.order_by(*order)).mappings()]
        store.close()
        return found

    def state_of(self, key: str) -> tuple[str, str | None]:
        row = self.rows("deliveries", business_key=key)[0]
        return row["state"], row["reason"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database the store is on; `ONLY_SQLITE` says which tests know SQLite's files."""
    kind: str = request.param
    return kind


@pytest.fixture
def pipeline(tmp_path: Path, database: str, request: pytest.FixtureRequest) -> Pipeline:
    ready = Pipeline(tmp_path)
    if database == "postgresql":
        ready.store_url = request.getfixturevalue("postgres_url")
    accounts = [
        {"source": f"erp:{company}", "code": code, "active": "true", "id": code}
        for company in ("NO01", "SE01")
        for code in ("6300", "6400", "9999")
    ]
    ready.server.masters["accounts"] = accounts
    return ready


ONLY_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
S1 = ("suppliers", supplier("S1"))
KEY = "erp:NO01:supplier_invoices:100"
