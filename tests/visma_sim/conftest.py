"""A seeded Visma on loopback, and a plain client of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import requests
from ml_connector_simulators.kit import running
from ml_connector_simulators.visma import CLIENT_ID, CLIENT_SECRET, NO01, SE01, VismaSimulator

READ = "vismanet_erp_service_api:read"
TENANTS = {"NO01": NO01.tenant_id, "SE01": SE01.tenant_id}


@dataclass
class Client:
    """What a careless integrator would write: requests and a token."""

    sim: VismaSimulator
    token: str

    def get(self, path: str, **query: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.get(self.sim.url + path, params=query, headers=headers, timeout=10)

    def rows(self, path: str, **query: Any) -> Any:
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json(parse_float=Decimal)

    def everything(self, path: str, **query: Any) -> list[Any]:
        return self.rows(path, pageSize=1000, **query)


def ask_token(sim: VismaSimulator, **changes: Any) -> requests.Response:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "scope": READ,
        "tenant_id": TENANTS["NO01"],
    }
    form |= changes
    return requests.post(f"{sim.url}/connect/token", data={k: v for k, v in form.items() if v is not None}, timeout=10)


def client_of(sim: VismaSimulator, company: str = "NO01") -> Client:
    return Client(sim, ask_token(sim, tenant_id=TENANTS[company]).json()["access_token"])


@pytest.fixture(scope="session")
def shared():
    """One simulator for tests that only read and leave no setting behind."""
    with running(VismaSimulator()) as sim:
        yield sim


@pytest.fixture(scope="session")
def no01(shared):
    return client_of(shared)


@pytest.fixture(scope="session")
def se01(shared):
    return client_of(shared, "SE01")


@pytest.fixture
def sim():
    """A simulator of one's own, to edit and to break."""
    with running(VismaSimulator()) as simulator:
        yield simulator


@pytest.fixture
def client(sim):
    return client_of(sim)
