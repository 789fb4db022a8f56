"""Bulk runs on a real store, each opening it anew, as separate processes would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ml_connector.audit.check import check_store
from ml_connector.bulk.books import BulkBooks
from ml_connector.bulk.keys import BusinessKeys
from ml_connector.bulk.load import BulkSettings, Load, Refusal
from ml_connector.bulk.totals import BulkTotals
from ml_connector.delivery.report import RunReport
from ml_connector.delivery.sink import Identity
from ml_connector.delivery.work import Origin
from ml_connector.store import open_store, tables
from sqlalchemy import select

STREAM, COMPANY, NOK = "supplier_invoices", "NO01", "NOK"
SCHEMA = {
    "properties": {"_company": {"type": "string"}, "number": {"type": "string"}},
    "x-control-total": {"amount": "total", "currency": "currency"},
}
KEYS = ["_company", "number"]
NOTHING = Decimal(0)
KEY = f"visma:{COMPANY}:{STREAM}:100"


def record(number: str | None = "100", **changes: Any) -> dict[str, Any]:
    given = {"_company": COMPANY, "number": number, "total": Decimal("12.50"), "currency": NOK}
    return given | changes


def refusal(raw: dict[str, Any], **changes: Any) -> Refusal:
    given = {
        "stream": STREAM,
        "record": raw,
        "business_key": BusinessKeys(STREAM, KEYS, "visma").of(raw),
        "company": raw["_company"],
        "reason": "value_does_not_fit",
        "message": "total does not fit NUMBER(38,9)",
        "field": "total",
        "value": str(raw["total"]),
        "suggestion": "Correct it in the source.",
        "amount": raw["total"],
        "currency": raw["currency"],
        "origin": Origin("/supplierInvoice?page=1", "2026-10-05T10:00:00Z"),
    }
    return Refusal(**(given | changes))


def load(batch: str, *, delivered: int = 0, unchanged: int = 0, superseded: int = 0, **changes: Any) -> Load:
    counts = {"delivered": delivered, "unchanged": unchanged, "superseded": superseded}
    given = {
        "batch": batch,
        "stream": STREAM,
        "table": "SUPPLIER_INVOICES",
        "staged": sum(counts.values()),
        "new": delivered,
        "changed": 0,
        "unchanged": unchanged,
        "superseded": superseded,
        "deleted": 0,
        "first_key": "100",
        "last_key": "199",
        "query_ids": {"copy": "01b2-0001", "insert": "01b2-0002"},
        "bytes": 4711,
        "files": 1,
        "sums": [(kind, COMPANY, NOK, n, n * Decimal("12.50")) for kind, n in counts.items() if n],
    }
    return Load(**(given | changes))


class Killed(BaseException):
    """The process ends here, and the operating system frees its lock."""


class House(BulkBooks):
    """Books with the shorthands of these tests; every record is one of 12.50."""

    def receive(self, count: int = 1, amount: Decimal | None = None) -> None:
        self.received(STREAM, COMPANY, NOK, count, count * Decimal("12.50") if amount is None else amount)

    def bring(self, batch: str, **counts: Any) -> None:
        self.loaded(load(batch, **counts))


@dataclass
class Pipeline:
    """One pipeline, run by run."""

    url: str
    name: str = "tap-visma-to-target-snowflake"
    target_id: str = "xy12345/FINANCE/RAW"
    reports: list[RunReport] = field(default_factory=list)

    @contextmanager
    def books(self, **settings: Any) -> Iterator[House]:
        """Yield the books of a new run: aborted when the block raises, left alone when killed, else finished."""
        store = open_store(self.url)
        try:
            books = House.open(
                store=store,
                store_url=self.url,
                settings=BulkSettings(self.name, **settings),
                identity=Identity(self.target_id, "snowflake demo"),
            )
            books.stream(STREAM, SCHEMA, KEYS)
            try:
                yield books
            except Killed:
                books._held.close()
                return
            except Exception as error:
                books.abort(str(error), 1)
                raise
            if not books._ended:
                self.reports.append(books.finish(BulkTotals()))
        finally:
            store.close()

    @property
    def counts(self) -> dict[str, int]:
        """What the last run came to."""
        return {kind: count for kind, count in self.reports[-1].counts.items() if count}

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        chosen = tables.metadata.tables[table]
        store = open_store(self.url)
        with store.reading() as connection:
            query = select(chosen).where(*(chosen.c[name] == value for name, value in where.items()))
            order = [chosen.c[name] for name in ("seq", "started_at", "id") if name in chosen.c][:1]
            found = [dict(row) for row in connection.execute(query.order_by(*order)).mappings()]
        store.close()
        return found

    def findings(self) -> list[str]:
        """What `audit verify` finds."""
        store = open_store(self.url)
        with store.reading() as connection:
            found = [finding.words for finding in check_store(connection).findings]
        store.close()
        return found


@pytest.fixture(params=["sqlite", "postgresql"])
def pipeline(request: pytest.FixtureRequest, tmp_path: Path) -> Pipeline:
    if request.param == "postgresql":
        return Pipeline(request.getfixturevalue("postgres_url"))
    return Pipeline(f"sqlite:///{tmp_path / 'store.db'}")


@pytest.fixture
def local(tmp_path: Path) -> Pipeline:
    """A pipeline on SQLite, where the kind of database makes no difference."""
    return Pipeline(f"sqlite:///{tmp_path / 'store.db'}")
