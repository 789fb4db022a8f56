"""A store as the first release left it: two runs of one pipeline, records in several states, one unbroken chain."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ml_connector.store.database import Mode, begun, open_engine
from ml_connector.store.text import digest, encode
from ml_connector.store.upgrade import migrate
from sqlalchemy import Connection, text

RECORDS = 40
SCHEMAS = ('{"properties":{"number":{}}}', '{"properties":{"number":{},"name":{"type":"string"}}}')
KEYS = '["_company","number"]'
RUNS = ("20261001T050000-aaaaaa", "20261002T050000-bbbbbb")


def make_old_store(url: str, prepare: Callable[[Connection], None] | None = None) -> None:
    """Make a store at revision 0001 and fill it."""
    engine = open_engine(url)
    with begun(engine, Mode.MIGRATE) as connection:
        migrate(connection, "0001")
        fill(connection)
        if prepare:
            prepare(connection)
    engine.dispose()


def fill(connection: Connection) -> None:
    insert(connection, "deliveries", [delivery(number) for number in range(1, RECORDS + 1)])
    effects = [effect(number, name) for number in range(1, RECORDS + 1) for name in ("header", "line:1")]
    insert(connection, "effects", [{"id": at, **each} for at, each in enumerate(effects, 1)])
    insert(connection, "dead_letters", [letter(number) for number in range(1, 11)])
    events = list(chain())
    insert(connection, "events", events)
    heads = {run_id: [each["hash"] for each in events if each["run_id"] == run_id][-1] for run_id in RUNS}
    insert(connection, "runs", [run(run_id, heads[run_id]) for run_id in RUNS])
    tally = {"company": "NO01", "record_type": "supplier_invoices", "reason": "", "currency": "NOK"}
    kinds = ("received", "delivered", "parked")
    insert(
        connection,
        "tallies",
        [
            {**tally, "run_id": run_id, "kind": kind, "count": 1, "amount": "125.00"}
            for run_id in RUNS
            for kind in kinds
        ],
    )


def insert(connection: Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    names = ", ".join(rows[0])
    places = ", ".join(f":{name}" for name in rows[0])
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), rows)


def key(number: int) -> str:
    return f"visma:NO01:supplier_invoices:Invoice/{number}"


def delivery(number: int) -> dict[str, Any]:
    waits = number <= 10
    return {
        "id": number,
        "target_id": "acme",
        "business_key": key(number),
        "pipeline": "p",
        "erp_source": "visma:NO01",
        "company": "NO01",
        "record_type": "supplier_invoices",
        "title": f"Faktura № {number}, Størholt & Sønner",
        "state": "parked" if waits else "delivered",
        "reason": "cost_center_missing" if waits else None,
        "amount": f"{number}.10",
        "currency": "NOK",
        "source_hash": digest(number),
        "map_version": "m1",
        "settled_source_hash": None if waits else digest(number),
        "attempts": 0,
        "since": "2026-10-02T05:00:00.000000+00:00",
        "last_run": RUNS[1],
        "run_outcome": "parked" if waits else "delivered",
    }


def effect(number: int, name: str) -> dict[str, Any]:
    return {
        "delivery_id": number,
        "name": name,
        "phase": 0 if name == "header" else 1,
        "table_name": "sn_shop_invoice",
        "via": "import_set",
        "key": encode({"number": str(number)}),
        "payload": encode({"number": str(number), "name": name}),
        "payload_hash": digest([number, name]),
        "state": "pending" if number <= 10 else "delivered",
    }


def letter(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "target_id": "acme",
        "business_key": key(number),
        "source_hash": digest(number),
        "pipeline": "p",
        "record_type": "supplier_invoices",
        "run_id": RUNS[0],
        "opened_at": "2026-10-01T05:00:01.000000+00:00",
        "stream": "supplier_invoices",
        "record": encode({"_company": "NO01", "number": number}),
        "schema": SCHEMAS[number % 2],
        "key_properties": KEYS,
    }


def chain() -> Any:
    """Yield the events of both runs, linked as the first release did."""
    head = "0" * 32
    seq = itertools.count(1)
    for run_id in RUNS:
        entries: list[tuple[str, str | None, dict[str, Any]]] = [
            ("run_started", None, {"id": run_id, "pipeline": "p", "kind": "run", "outcome": "running"}),
            *((delivery(n)["state"], key(n), {"source_hash": digest(n)}) for n in range(1, RECORDS + 1)),
            ("run_ended", None, {"outcome": "finished", "balance": "in_balance", "exit_code": 0}),
        ]
        for kind, business_key, data in entries:
            at = f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}T05:00:02.000000+00:00"
            row = {"run_id": run_id, "at": at, "business_key": business_key, "kind": kind, "data": encode(data)}
            link = digest([head, *row.values()])
            yield {"seq": next(seq), **row, "previous_hash": head, "hash": link}
            head = link


def run(run_id: str, head: str) -> dict[str, Any]:
    day = f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}"
    return {
        "id": run_id,
        "pipeline": "p",
        "kind": "run",
        "target_id": "acme",
        "target_label": "acme at localhost",
        "mapping": "tap_visma servicenow-s2p",
        "map_version": "m1",
        "started_at": f"{day}T05:00:00.000000+00:00",
        "ended_at": f"{day}T05:00:03.000000+00:00",
        "outcome": "finished",
        "balance": "in_balance",
        "exit_code": 0,
        "head": head,
    }
