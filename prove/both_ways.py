"""Both ways between ServiceNow and Acumatica over real HTTP, in one store: requests into orders, and what is there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.acumatica import CLIENT_ID, CLIENT_SECRET, PASSWORD, TENANT, USER, AcumaticaSimulator
from tap_acumatica.tap import TapAcumatica
from tap_servicenow.tap import TapServiceNow

from prove.flow import BIN
from prove.forked import run_to
from prove.kept import Kept
from prove.reading import read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ml_connector_simulators.servicenow import ServiceNowSimulator

    from prove.flow import Ended

COUNT = "count:/dev/null"
MASTERS = ("cost_centers", "gl_accounts", "vendors", "purchase_orders")
REQUESTS = "purchase_requests"
PRELOADED = ("prove.forked", "tap_servicenow.tap", "tap_acumatica.tap", "target_acumatica.target", "prove.both_ways")
BACK, THERE = "servicenow-to-acumatica", "acumatica-to-servicenow"
SERVICENOW = {"client_id": "demo-sn-client", "client_secret": "demo-sn-secret"}
PRIVATE = {"include_private": True, "extra_parts": True}
ACUMATICA = {
    "tenant": TENANT,
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "username": USER,
    "password": PASSWORD,
    "company": "US01",
}


@dataclass
class BothWays(Kept):
    """The settings of the four connectors, and their runs; `state` is that of the way back."""

    acumatica: AcumaticaSimulator = field(kw_only=True)
    servicenow: ServiceNowSimulator = field(kw_only=True)
    tap_settings: dict[str, Any] = field(default_factory=dict)
    target_settings: dict[str, Any] = field(default_factory=dict)
    books_settings: dict[str, Any] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    limit: float = 240.0  # seconds of a process

    # settings

    def requests_config(self) -> dict[str, Any]:
        """Return the settings of tap-servicenow, for requests alone."""
        own = {"instance_url": self.servicenow.url, "company": "dev", "tables": [], "page_size": 3}
        return {**SERVICENOW, **own, **self.tap_settings}

    def orders_config(self) -> dict[str, Any]:
        """Return the settings of target-acumatica."""
        own = {
            "instance_url": self.acumatica.url,
            "mapping": ["tap_servicenow", "acumatica"],
            "store_url": self.store_url,
            "pipeline": BACK,
            "outcome_patience": 0,
        }
        return {**ACUMATICA, **own, **self.target_settings}

    def books_config(self) -> dict[str, Any]:
        """Return the settings of tap-acumatica."""
        own = {"instance_url": self.acumatica.url, "cost_center_segment": 1}
        return {**ACUMATICA, **own, **self.books_settings}

    def staging_config(self) -> dict[str, Any]:
        """Return the settings of target-servicenow-importset."""
        own = {
            "instance_url": self.servicenow.url,
            "mapping": ["tap_acumatica", "servicenow-s2p"],
            "store_url": self.store_url,
            "pipeline": THERE,
            "cutover_date": "2026-10-01",
            "mode": "batch",
        }
        return {**SERVICENOW, **own}

    # the way back, and the way there

    def newest_state(self) -> Any:
        """Return the STATE that the way back would begin at; None before the first."""
        return json.loads(self.state.read_text()) if self.state.exists() else None

    def requests(self, state: Any, frequency: int = 2) -> list[str]:
        """Read the approved requests in this process; return the lines."""
        tap = TapServiceNow(config=self.requests_config(), state=state)
        return read(tap, [REQUESTS], frequency=frequency).splitlines()

    def requests_process(self, point: str) -> Ended:
        """Read the approved requests in a process of its own, from the newest STATE on, killed at a seam or not."""
        config = self.written("tap.json", self.requests_config())
        command: list[str | Path] = [BIN / "tap-servicenow", "--config", config]
        if self.state.exists():
            command += ["--state", self.state]
        return self._run(point, command, "nothing", [])

    def load(self, point: str, lines: list[str]) -> Ended:
        """Deliver lines into Acumatica, killed at a seam or not; the newest STATE that passes is kept."""
        config = self.written("target.json", self.orders_config())
        command: list[str | Path] = [BIN / "target-acumatica", "--config", config]
        ended = self._run(point, command, "back.jsonl", lines)
        self.keep_state(ended.out)
        return ended

    def books(self, point: str, *streams: str, parts: Sequence[str] = ()) -> Ended:
        """Read streams of Acumatica, with these parts of their records, in a process of its own, killed or not."""
        config = self.written("books.json", self.books_config())
        catalog = TapAcumatica(config=ACUMATICA | {"instance_url": self.acumatica.url, **PRIVATE}).catalog_dict
        for stream in catalog["streams"]:
            for entry in stream["metadata"]:
                if not entry["breadcrumb"]:
                    entry["metadata"]["selected"] = stream["tap_stream_id"] in streams
                elif entry["breadcrumb"][-1] in parts:
                    entry["metadata"]["selected"] = True
        command: list[str | Path] = [BIN / "tap-acumatica", "--config", config]
        command += ["--catalog", self.written("catalog.json", catalog)]
        return self._run(point, command, "nothing", [])

    def forward(self) -> Ended:
        """Read Acumatica whole, and deliver it into ServiceNow."""
        lines = read(TapAcumatica(config=self.books_config()), MASTERS).splitlines()
        config = self.written("staging.json", self.staging_config())
        return run_to(
            COUNT, [BIN / "target-servicenow-importset", "--config", config], self.lines("there.jsonl", lines)
        )

    def _run(self, point: str, command: Sequence[str | Path], name: str, lines: list[str]) -> Ended:
        stdin = self.lines(name, lines)
        return run_to(point, command, stdin, self.limit, preloaded=PRELOADED, environ=self.environ)

    def lines(self, name: str, lines: list[str]) -> Path:
        """Write lines into a file of the folder."""
        path = self.folder / name
        path.write_text("".join(line + "\n" for line in lines))
        return path

    # the store

    def verdicts_of(self, pipeline: str) -> dict[str, tuple[str, str]]:
        """Return state and reason of a pipeline's deliveries by business key."""
        query = "SELECT business_key, state, coalesce(reason, '') FROM deliveries WHERE pipeline = '{}'"
        return {row[0]: (row[1], row[2]) for row in self.query(query.format(pipeline))}
