"""tap-servicenow in this process against a seeded instance on loopback."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import stamina
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import Installation, ServiceNowSimulator
from tap_servicenow.tap import TapServiceNow

from tests.tap_visma.conftest import Output, captured, run

CREDENTIALS = {"client_id": "demo-sn-client", "client_secret": "demo-sn-secret"}
CENTERS, REQUESTS, LINES = "cmn_cost_center", "purchase_requests", "sn_shop_purchase_line"
HEADERS = "sn_shop_purchase_requisition"
STORED = "%Y-%m-%d %H:%M:%S"
DAY = 86_400


def config_of(sim: ServiceNowSimulator, **changes: Any) -> dict[str, Any]:
    return {"instance_url": sim.url, "company": "US01", **CREDENTIALS, **changes}


def tap_of(sim: ServiceNowSimulator, *streams: str, state: Any = None, **changes: Any) -> TapServiceNow:
    """Return a tap of which only these streams are selected."""
    changes.setdefault("tables", [name for name in streams if name != REQUESTS])
    changes.setdefault("exclude_tables", [] if REQUESTS in streams else [REQUESTS])
    return TapServiceNow(config=config_of(sim, **changes), state=state)


def sync(sim: ServiceNowSimulator, *streams: str, **options: Any) -> Output:
    return run(tap_of(sim, *streams, **options))


def stamp_of(sim: ServiceNowSimulator, seconds: float = 0) -> str:
    return (sim.clock.now() + timedelta(seconds=seconds)).strftime(STORED)


def centers(sim: ServiceNowSimulator, number: int, per_second: int = 1, **values: str) -> list[dict[str, str]]:
    """Add so many cost centres, so many in each second of the day before; the clock stands still."""
    rows = []
    with sim.instance.store.transaction():
        for n in range(number):
            row = sim.instance.store.insert(CENTERS, {"code": f"{n:05}", "name": f"Center {n}", **values})
            sim.update_silently(CENTERS, row["sys_id"], sys_updated_on=stamp_of(sim, n // per_second - DAY))
            rows.append(row)
    return rows


def ids(output: Output, stream: str = CENTERS) -> list[str]:
    return [record["sys_id"] for record in output.records[stream]]


def pages(sim: ServiceNowSimulator, table: str = CENTERS) -> list[dict[str, str]]:
    """Return the queries of the reads of a table, probes left out."""
    found = sim.log.requests(path=f"/api/now/table/{table}")
    return [request.query for request in found if "sys_updated_on" in request.query.get("sysparm_fields", "")]


@pytest.fixture
def sim():
    with running(ServiceNowSimulator()) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def shared():
    """One simulator for tests that only read."""
    with running(ServiceNowSimulator()) as simulator:
        yield simulator


@pytest.fixture
def at_once():
    """Retries without their pauses."""
    with stamina.set_testing(True, attempts=50):
        yield


def captured_run(tap: TapServiceNow, error: type[Exception], match: str = ".") -> Output:
    """Run a tap that ends in an error; what it wrote until then."""
    with captured() as out, pytest.raises(error, match=match):
        tap.sync_all()
    return Output(out())


@pytest.fixture
def start():
    """Start an instance of some installation; it ends with the test."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(running(ServiceNowSimulator(Installation(**settings))))
