"""A store worth tampering with: real runs of several pipelines, a killed one, people's decisions, a purge."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.audit.actions import action
from ml_connector.audit.purge import purge
from ml_connector.store import open_store, tables
from ml_connector.store.text import stamp, utc_now
from sqlalchemy import update

from tests.delivery.conftest import Pipeline, invoice, supplier
from tests.delivery.fake_target import FakeSink, Killed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ml_connector.delivery.sink import Effect, Outcome

DROPPED = "erp:NO01:supplier_invoices:105"


class _Killing(FakeSink):
    """A target at whose first invoice the process dies, after the write."""

    def send(self, effects: Sequence[Effect]) -> Iterable[Outcome]:
        outcomes = list(super().send(effects))
        if any(effect.table == "invoices" for effect in effects):
            raise Killed
        return outcomes


def build(folder: Path) -> Path:
    """Return the file of a store with some two hundred events."""
    north = Pipeline(folder, name="north")
    north.server.masters["accounts"] = [
        {"source": f"erp:{company}", "code": code, "active": "true", "id": code}
        for company in ("NO01", "SE01")
        for code in ("6300", "6400", "9999")
    ]
    south = Pipeline(folder, north.server, name="south")
    for day in range(4):
        south.run(*_day(day, "SE01"))
        north.run(*_day(day, "NO01"))
        if day == 1:
            with suppress(Killed):
                south.run(*_day(9, "SE01"), sink=_Killing(south.server))
            _purge(folder, north.url, south)
        if day == 2:
            _drop(north.url)
    south.run(*_day(5, "SE01"))
    return folder / "store.db"


def _day(day: int, company: str) -> list[tuple[str, dict[str, Any]]]:
    """Return new invoices, changed ones, some that cannot be delivered, and one that follows from a supplier."""
    records: list[tuple[str, dict[str, Any]]] = [("suppliers", supplier(f"S{day}", company))]
    for number in range(6):
        lines = [{"nr": 1, "amount": Decimal(10 + day), "account": "7777" if number == 5 else "6300"}]
        fields = {"supplier": f"S{day}", "lines": lines}
        records.append(("supplier_invoices", invoice(f"{100 + 10 * day + number}", company, **fields)))
    if day:
        before = {"supplier": f"S{day - 1}", "lines": [{"nr": 1, "amount": Decimal(99), "account": "6400"}]}
        records.append(("supplier_invoices", invoice(f"{100 + 10 * (day - 1)}", company, **before)))
    return records


def _purge(folder: Path, url: str, south: Pipeline) -> None:
    south.run(*_day(9, "SE01"))
    store = open_store(url)
    purge(store, url, stamp(utc_now()), "kept long enough", "NO01")
    store.close()
    assert (folder / "store.db").exists()


def _drop(url: str) -> None:
    store = open_store(url)
    with action(store, url, "north", "dead drop") as doing:
        changed = update(tables.deliveries).where(tables.deliveries.c.business_key == DROPPED)
        doing.connection.execute(changed.values(state="waived"))
        doing.note("waived", DROPPED, {"reason": "paid by hand"})
    store.close()
