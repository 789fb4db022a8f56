"""The whole way, as processes over real HTTP: tap-visma into target-servicenow-importset, both on simulators."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ml_connector.store import open_store, tables
from ml_connector.store.text import stamp, utc_now
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import VismaSimulator
from sqlalchemy import select, text

BIN = Path(sys.executable).parent
TENANTS = {"NO01": "11111111-1111-4111-8111-111111111111", "SE01": "22222222-2222-4222-8222-222222222222"}
STREAMS = ("cost_centers", "gl_accounts", "suppliers", "purchase_orders", "supplier_invoices")
LANDED = (
    "cmn_cost_center",
    "sn_fin_gl_account",
    "sn_fin_supplier",
    "sn_shop_purchase_order",
    "sn_shop_purchase_order_line",
    "sn_shop_invoice",
    "sn_shop_invoice_line",
    "sn_shop_invoice_tax_line",
)
"""The tables in which the finance records end."""


@dataclass
class Flow:
    """One company's pipeline, run as `tap-visma | target-servicenow-importset`."""

    folder: Path
    visma: VismaSimulator
    servicenow: ServiceNowSimulator
    company: str = "NO01"
    tap_settings: dict[str, Any] = field(default_factory=dict)
    target_settings: dict[str, Any] = field(default_factory=dict)

    @property
    def store_url(self) -> str:
        return self.target_settings.get("store_url") or f"sqlite:///{self.folder / 'store.db'}"

    def write(self, name: str, content: Any) -> Path:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(content))
        return path

    def tap(self) -> list[str]:
        """Return the tap's command line, with its newest state."""
        settings = {
            "client_id": "isv_ml_connector_demo",
            "client_secret": "demo-visma-secret",
            "tenant_id": TENANTS[self.company],
            "company": self.company,
            "cost_center_segment": "1",
            "api_url": self.visma.url,
            "token_url": f"{self.visma.url}/connect/token",
            "page_size": 100,
            **self.tap_settings,
        }
        command = [str(BIN / "tap-visma"), "--config", str(self.write("tap", settings))]
        state = self.folder / "state.json"
        catalog = ["--catalog", str(self.catalog())]
        return [*command, *catalog, *(["--state", str(state)] if state.exists() else [])]

    def catalog(self) -> Path:
        """Select what the flow maps."""
        path = self.folder.parent / "catalog.json"
        if not path.exists():
            settings = self.write("discover", {"client_id": "x", "client_secret": "xxxx", "tenant_id": "x"})
            told = subprocess.run(
                [BIN / "tap-visma", "--config", settings, "--discover"], capture_output=True, check=True
            )
            catalog = json.loads(told.stdout)
            for stream in catalog["streams"]:
                for entry in stream["metadata"]:
                    if entry["breadcrumb"] == []:
                        entry["metadata"]["selected"] = stream["tap_stream_id"] in STREAMS
            path.write_text(json.dumps(catalog))
        return path

    def target(self) -> list[str]:
        """Return the target's command line."""
        settings = {
            "instance_url": self.servicenow.url,
            "client_id": "demo-sn-client",
            "client_secret": "demo-sn-secret",
            "mapping": ["tap_visma", "servicenow-s2p"],
            "store_url": self.store_url,
            "pipeline": f"visma-{self.company}",
            "cutover_date": "2026-10-01",
            "patience": 20,
            **self.target_settings,
        }
        return [str(BIN / "target-servicenow-importset"), "--config", str(self.write("target", settings))]

    def read(self) -> tuple[int, str, str]:
        """Run the tap alone."""
        done = subprocess.run(self.tap(), capture_output=True, text=True, check=False, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def load(self, stream: str) -> tuple[int, str]:
        """Run the target alone on a Singer stream; keep the newest state it lets pass."""
        done = subprocess.run(self.target(), input=stream, capture_output=True, text=True, check=False, timeout=240)
        self.keep_state(done.stdout)
        return done.returncode, done.stderr

    def keep_state(self, printed: str) -> None:
        lines = [line for line in printed.splitlines() if line.strip()]
        if lines:
            (self.folder / "state.json").write_text(lines[-1])

    def run(self) -> tuple[int, str]:
        """Run both, as a pipe would; return the worse exit code and what was logged."""
        tap_code, stream, tap_log = self.read()
        target_code, target_log = self.load(stream)
        return max(tap_code, target_code), tap_log + target_log

    def kill_after(self, stream: str, writes: int, signal_number: int = signal.SIGKILL) -> int:
        """Run the target and kill it once the instance has seen this many writes; return its exit code."""
        with self.started(stream) as process:
            assert self.servicenow.log.wait_for_writes(writes, timeout=60)
            process.send_signal(signal_number)
            code = process.wait(timeout=60)
        self.keep_state(self.printed)
        return code

    @contextmanager
    def started(self, stream: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        """Start the target on a Singer stream; what it prints and logs is in `printed` and `logged`."""
        path = self.folder / "stream.jsonl"
        path.write_text(stream)
        with path.open() as lines, self._printed.open("w") as printed, self._logged.open("w") as logged:
            process = subprocess.Popen(self.target(), stdin=lines, stdout=printed, stderr=logged, **options)
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    @property
    def _printed(self) -> Path:
        return self.folder / "printed"

    @property
    def _logged(self) -> Path:
        return self.folder / "logged"

    @property
    def printed(self) -> str:
        """What a started target has printed so far: the states it let pass."""
        return self._printed.read_text()

    @property
    def logged(self) -> str:
        """What a started target has logged so far."""
        return self._logged.read_text()

    def let_time_pass(self) -> None:
        """Make every request that went out look old, as if the settle window were over."""
        store = open_store(self.store_url)
        with store.transaction() as connection:
            old = {"old": stamp(utc_now() - timedelta(hours=1))}
            connection.execute(text("UPDATE effects SET sent_at = :old"), old)
            connection.execute(text("UPDATE effects SET lost_at = :old WHERE state = 'in_doubt'"), old)
            connection.execute(text("UPDATE deliveries SET next_attempt_at = NULL"))
        store.close()

    def last_run(self) -> dict[str, Any]:
        store = open_store(self.store_url)
        with store.transaction() as connection:
            query = select(tables.runs).order_by(tables.runs.c.started_at.desc()).limit(1)
            row = dict(connection.execute(query).mappings().one())
        store.close()
        return row

    def states(self) -> dict[str, int]:
        store = open_store(self.store_url)
        with store.transaction() as connection:
            rows = connection.execute(text("SELECT state, count(*) FROM deliveries GROUP BY state")).all()
        store.close()
        return {row[0]: row[1] for row in rows}

    def landed(self) -> dict[str, list[tuple[tuple[str, str], ...]]]:
        """Return the business content of every table the records end in."""
        return {table: sorted(map(_content, self.servicenow.table(table))) for table in LANDED}


def _content(row: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return a row without what differs from one instance to the next: ids, stamps, numbers the instance gives."""
    own = {name for name in row if name.startswith("sys_") or name == "number" or f"{name}.amount" in row}
    ids = {name for name, value in row.items() if len(str(value)) == 32}
    return tuple(sorted((name, str(value)) for name, value in row.items() if name not in own | ids))


@contextmanager
def open_flow(folder: Path, **settings: Any) -> Iterator[Flow]:
    folder.mkdir(parents=True, exist_ok=True)
    with running(VismaSimulator()) as visma, running(ServiceNowSimulator()) as servicenow:
        yield Flow(folder, visma, servicenow, **settings)


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[Flow]:
    with open_flow(tmp_path / "flow") as ready:
        yield ready


@dataclass
class Clean:
    """What an undisturbed run leaves behind."""

    landed: dict[str, Any]
    stream: str
    states: dict[str, int]


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    with open_flow(tmp_path_factory.mktemp("clean") / "flow") as ready:
        tap_code, stream, log = ready.read()
        assert tap_code == 0, log
        code, log = ready.load(stream)
        assert code == 0, log
        assert ready.last_run()["balance"] == "in_balance"
        assert sum(map(len, ready.landed().values())) > 1000
        return Clean(ready.landed(), stream, ready.states())
