"""The target as a process: purchase requests in, Acumatica's simulator behind."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from ml_connector.store import open_store, tables
from ml_connector.store.text import stamp, utc_now
from ml_connector_simulators.acumatica import AcumaticaSimulator
from sqlalchemy import select, text
from target_acumatica.target import TargetAcumatica

from tests.target_acumatica.conftest import SIGN_IN

PROGRAM = Path(sys.executable).parent / "target-acumatica"
SCHEMA = {"properties": {"number": {"type": "string"}}}


def request(number: int, *lines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a purchase request as tap-servicenow emits it."""
    return {
        "_company": "dev1",
        "sys_id": f"{number:032x}",
        "number": f"PR{number:07d}",
        "status": "approved",
        "short_description": f"Request {number}",
        "supplier_number": "ALLFRUITSW",
        "supplier_erp_source": "acumatica:US01",
        "total_amount": None,
        "total_amount__currency": "USD",
        "cost_center_code": "ADM",
        "sys_created_on": "2026-11-01 09:00:00",
        "sys_updated_on": "2026-11-01 10:00:00",
        "lines": [asked(1), *lines] if not lines else list(lines),
        **changes,
    }


def asked(
    number: int, item: str = "APPLES", quantity: str = "2", price: str = "2.29", **changes: Any
) -> dict[str, Any]:
    """Return one line of a request."""
    return {
        "line_number": str(number),
        "product_name": f"Line {number}",
        "product_number": item,
        "purchased_quantity": quantity,
        "unit_price": price,
        "unit_price__currency": "USD",
        **changes,
    }


def stream(*requests: dict[str, Any], name: str = "purchase_requests") -> str:
    """Return a Singer stream."""
    messages = [
        {"type": "SCHEMA", "stream": name, "key_properties": ["number"], "schema": SCHEMA},
        *({"type": "RECORD", "stream": name, "record": each} for each in requests),
        {"type": "STATE", "value": {"seen": len(requests)}},
    ]
    return "".join(json.dumps(message) + "\n" for message in messages)


@dataclass
class Program:
    """One pipeline into one tenant."""

    folder: Path
    sim: AcumaticaSimulator
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def store_url(self) -> str:
        return f"sqlite:///{self.folder / 'store.db'}"

    @property
    def config(self) -> dict[str, Any]:
        settings = {
            "instance_url": self.sim.url,
            **SIGN_IN,
            "mapping": ["tap_servicenow", "acumatica"],
            "maps_dir": str(self.folder),
            "store_url": self.store_url,
            "pipeline": "requests",
            "patience": 20,
            "outcome_patience": 0,
            **self.settings,
        }
        return {name: value for name, value in settings.items() if value is not None}

    def command(self, *options: str) -> list[str]:
        path = self.folder / "config.json"
        path.write_text(json.dumps(self.config))
        return [str(PROGRAM), "--config", str(path), *options]

    def feed(self, *requests: dict[str, Any]) -> list[tuple[str, str | None]]:
        """Deliver requests in this process; return the states of all."""
        TargetAcumatica(config=self.config).listen(io.StringIO(stream(*requests)))
        return self.states()

    def run(self, lines: str = "", *options: str) -> subprocess.CompletedProcess[str]:
        """Run the target as a process of its own."""
        return subprocess.run(
            self.command(*options), input=lines, text=True, capture_output=True, check=False, timeout=120
        )

    def kill_after(self, lines: str, writes: int) -> int:
        """Kill the target as soon as this many writes have arrived."""
        path = self.folder / "stream.jsonl"
        path.write_text(lines)
        with path.open() as source, (self.folder / "log").open("w") as log:
            process = subprocess.Popen(self.command(), stdin=source, stdout=subprocess.DEVNULL, stderr=log)
            assert self.sim.log.wait_for_writes(writes, timeout=60), (self.folder / "log").read_text()
            process.kill()
            return process.wait(timeout=60)

    def let_time_pass(self, seconds: float = 1000) -> None:
        """Age every attempt in the store, so that the settle window is over."""
        store = open_store(self.store_url)
        earlier = stamp(utc_now() - timedelta(seconds=seconds))
        with store.transaction() as connection:
            connection.execute(text("UPDATE effects SET lost_at = :at WHERE lost_at IS NOT NULL"), {"at": earlier})
            connection.execute(text("UPDATE deliveries SET next_attempt_at = NULL"))
        store.close()

    def states(self) -> list[tuple[str, str | None]]:
        store = open_store(self.store_url)
        with store.transaction() as connection:
            rows = connection.execute(select(tables.deliveries.c.state, tables.deliveries.c.reason)).all()
        store.close()
        return [tuple(row) for row in rows]

    def known_as(self) -> list[str]:
        """Return the keys by which tap-acumatica will read our documents back."""
        store = open_store(self.store_url)
        with store.transaction() as connection:
            rows = connection.execute(select(tables.effects.c.known_as).order_by(tables.effects.c.id)).scalars().all()
        store.close()
        return list(rows)

    def orders(self) -> list[dict[str, Any]]:
        return [row for row in self.sim.rows("PurchaseOrder") if str(row["VendorRef"] or "").startswith("PR")]
