"""tap-acumatica in this process against a seeded Acumatica on loopback."""

from __future__ import annotations

from typing import Any

import pytest
import stamina
from ml_connector_simulators.acumatica import CLIENT_ID, CLIENT_SECRET, PASSWORD, TENANT, USER, AcumaticaSimulator
from ml_connector_simulators.kit import running
from tap_acumatica.tap import TapAcumatica

from tests.tap_visma.conftest import Output, captured

CREDENTIALS = {
    "tenant": TENANT,
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "username": USER,
    "password": PASSWORD,
}


def config_of(sim: AcumaticaSimulator, **changes: Any) -> dict[str, Any]:
    config = {"instance_url": sim.url, **CREDENTIALS, "cost_center_segment": 1, "patience": 60, **changes}
    return {name: value for name, value in config.items() if value is not None}


def tap_of(sim, *streams, state=None, choice=None, **changes) -> TapAcumatica:
    """Return a tap of which only these streams are selected; `choice` says of fields whether they are, unlike usual."""
    config = config_of(sim, **changes)
    catalog = TapAcumatica(config=config).catalog_dict
    for entry in catalog["streams"]:
        for each in entry["metadata"]:
            if not each["breadcrumb"]:
                each["metadata"]["selected"] = not streams or entry["tap_stream_id"] in streams
            elif choice and (name := each["breadcrumb"][-1]) in choice:
                each["metadata"]["selected"] = choice[name]
    return TapAcumatica(config=config, state=state, catalog=catalog)


def run(tap: TapAcumatica) -> Output:
    with captured() as out:
        tap.sync_all()
    return Output(out())


def sync(sim, *streams, **options) -> Output:
    return run(tap_of(sim, *streams, **options))


def lists(sim, entity):
    """Return the queries of the lists of an entity that were asked for."""
    return [each.query for each in sim.log.requests() if each.path.endswith(f"/{entity}") and each.method == "GET"]


@pytest.fixture
def sim():
    with running(AcumaticaSimulator()) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def shared():
    """One simulator for tests that only read."""
    with running(AcumaticaSimulator()) as simulator:
        yield simulator


@pytest.fixture
def at_once():
    """Retries without their pauses."""
    with stamina.set_testing(True, attempts=50):
        yield
