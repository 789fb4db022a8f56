"""tap-visma in this process against a seeded Visma on loopback."""

from __future__ import annotations

import contextlib
import io
import json
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
import stamina
from ml_connector_simulators.kit import running
from ml_connector_simulators.visma import CLIENT_ID, CLIENT_SECRET, NO01, SE01, VismaSimulator
from tap_visma.tap import TapVisma

TENANTS = {"NO01": NO01.tenant_id, "SE01": SE01.tenant_id}


def config_of(sim: VismaSimulator, company: str = "NO01", **changes: Any) -> dict[str, Any]:
    return {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "tenant_id": TENANTS[company],
        "company": company,
        "api_url": sim.url,
        "token_url": f"{sim.url}/connect/token",
        "cost_center_segment": "1",
        **changes,
    }


class Output:
    """The messages of a run, as a target reads them."""

    def __init__(self, lines: str) -> None:
        self.messages = [json.loads(line, parse_float=Decimal) for line in lines.splitlines()]
        self.order = [(m["type"], m.get("stream")) for m in self.messages]
        self.schemas = {m["stream"]: m for m in self.messages if m["type"] == "SCHEMA"}
        self.states = [m["value"] for m in self.messages if m["type"] == "STATE"]
        self.records: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for message in self.messages:
            if message["type"] == "RECORD":
                self.records[message["stream"]].append(message["record"])

    def totals(self, stream: str) -> dict[str, Any]:
        return self.states[-1]["ml_connector"]["streams"][stream]

    def keys(self, stream: str) -> list[tuple[Any, ...]]:
        names = self.schemas[stream]["key_properties"]
        return [tuple(record[name] for name in names) for record in self.records[stream]]


def tap_of(sim, *streams, state=None, company="NO01", **changes) -> TapVisma:
    """Return a tap of which only these streams are selected."""
    tap = TapVisma(config=config_of(sim, company, **changes), state=state)
    if streams:
        for name, stream in tap.streams.items():
            stream.selected = name in streams
    return tap


def run(tap: TapVisma) -> Output:
    with captured() as out:
        tap.sync_all()
    return Output(out())


@contextlib.contextmanager
def captured():
    """Give back what is written to stdout until now, also when the run ends in an error."""
    buffer = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(buffer):
        yield lambda: buffer.buffer.getvalue().decode()


def sync(sim, *streams, **options) -> Output:
    return run(tap_of(sim, *streams, **options))


@pytest.fixture
def sim():
    with running(VismaSimulator()) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def shared():
    """One simulator for tests that only read."""
    with running(VismaSimulator()) as simulator:
        yield simulator


@pytest.fixture
def at_once():
    """Retries without their pauses."""
    with stamina.set_testing(True, attempts=50):
        yield
