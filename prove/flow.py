"""One company's pipeline as processes over real HTTP: tap-visma into target-servicenow-importset, on simulators."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.visma import CLIENT_ID, CLIENT_SECRET, NO01, SE01

from prove.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Sequence

BIN = Path(sys.executable).parent
TENANTS = {company.code: company.tenant_id for company in (NO01, SE01)}
STREAMS = ("cost_centers", "gl_accounts", "suppliers", "purchase_orders", "supplier_invoices")
"""What the flow maps."""

SECRETS = (CLIENT_SECRET, "demo-sn-secret")
HANGING = 600.0  # seconds after which a process is killed, unless the caller says less


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str
    seconds: float
    hung: bool = False

    def faults(self, allowed: Sequence[int] = (0,)) -> list[str]:
        """Return what must never be seen of a process, whatever befell it, and an exit code that is not allowed."""
        found = [f"exit code {self.code}"] if self.code not in allowed else []
        found += [f"hung for {self.seconds:.0f} s"] if self.hung else []
        found += ["a traceback"] if "Traceback (most recent call last)" in self.err else []
        found += ["a secret in its output"] if any(each in self.out + self.err for each in SECRETS) else []
        return found


def execute(command: Sequence[str | Path], stdin: Path | None = None, limit: float = HANGING) -> Ended:
    """Run a command to its end, reading a file; one that outlasts `limit` seconds is killed and said to hang."""
    began = time.monotonic()
    with contextlib.ExitStack() as files:
        lines: Any = files.enter_context(stdin.open("rb")) if stdin else subprocess.DEVNULL
        try:
            done = subprocess.run(command, stdin=lines, capture_output=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired as error:
            told = (error.stdout or b"").decode(), (error.stderr or b"").decode()
            return Ended(-9, *told, time.monotonic() - began, hung=True)
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode(), time.monotonic() - began)


@dataclass
class Flow(Kept):
    """The settings of one pipeline, its files, and its commands."""

    visma_url: str = "http://127.0.0.1:1"
    servicenow_url: str = "http://127.0.0.1:1"
    company: str = "NO01"
    tap_settings: dict[str, Any] = field(default_factory=dict)
    target_settings: dict[str, Any] = field(default_factory=dict)

    # commands

    def tap_config(self) -> dict[str, Any]:
        """Return the tap's settings."""
        return {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "tenant_id": TENANTS[self.company],
            "company": self.company,
            "cost_center_segment": "1",
            "api_url": self.visma_url,
            "token_url": f"{self.visma_url}/connect/token",
            "page_size": 100,
            **self.tap_settings,
        }

    def target_config(self) -> dict[str, Any]:
        """Return the target's settings."""
        return {
            "instance_url": self.servicenow_url,
            "client_id": "demo-sn-client",
            "client_secret": "demo-sn-secret",
            "mapping": ["tap_visma", "servicenow-s2p"],
            "store_url": self.store_url,
            "pipeline": f"visma-{self.company}",
            "cutover_date": "2026-10-01",
            **self.target_settings,
        }

    def tap(self, *options: str, streams: Sequence[str] = STREAMS) -> list[str | Path]:
        """Return the tap's command, with its newest state unless options say what else it is to do."""
        settings = self.written("tap.json", self.tap_config())
        command: list[str | Path] = [BIN / "tap-visma", "--config", settings]
        if "--discover" not in options:
            command += ["--catalog", self._catalog(streams)]
        if self.state.exists() and not options:
            command += ["--state", self.state]
        return command + list(options)

    def target(self, *options: str) -> list[str | Path]:
        """Return the target's command."""
        config = self.written("target.json", self.target_config())
        return [BIN / "target-servicenow-importset", "--config", config, *options]

    def _catalog(self, streams: Sequence[str]) -> Path:
        path = self.folder / f"catalog-{len(streams)}-{streams[0]}.json"
        if path.exists():
            return path
        catalog = json.loads(execute(self.tap("--discover")).out)
        for stream in catalog["streams"]:
            for entry in stream["metadata"]:
                if entry["breadcrumb"] == []:
                    entry["metadata"]["selected"] = stream["tap_stream_id"] in streams
        return self.written(path.name, catalog)

    # runs

    def read(self, limit: float = HANGING, streams: Sequence[str] = STREAMS) -> Ended:
        """Run the tap alone."""
        return execute(self.tap(streams=streams), limit=limit)

    def load(self, stream: str | Path, limit: float = HANGING) -> Ended:
        """Run the target alone on a Singer stream; keep the newest state it lets pass."""
        ended = execute(self.target(), self._lines(stream), limit)
        self.keep_state(ended.out)
        return ended

    def _lines(self, stream: str | Path) -> Path:
        if isinstance(stream, Path):
            return stream
        path = self.folder / "stream.jsonl"
        path.write_text(stream)
        return path
