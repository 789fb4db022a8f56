"""A seeded Acumatica on loopback, and a plain client of it."""

from __future__ import annotations

from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest
import requests
from ml_connector_simulators.acumatica import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    TENANT,
    USER,
    AcumaticaSimulator,
    Settings,
)
from ml_connector_simulators.kit import running

NEWEST = "24.200.001"


def ask_token(sim: AcumaticaSimulator, **changes: Any) -> requests.Response:
    form = {
        "grant_type": "password",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "username": USER,
        "password": PASSWORD,
        "scope": "api offline_access",
    }
    form |= changes
    form = {name: value for name, value in form.items() if value is not None}
    return requests.post(f"{sim.url}{sim.token_path}", data=form, timeout=10)


def log_in(sim: AcumaticaSimulator, session: requests.Session, **changes: Any) -> requests.Response:
    body = {"name": USER, "password": PASSWORD, "tenant": TENANT, **changes}
    return session.post(f"{sim.url}/entity/auth/login", json=body, timeout=10)


def wrap(value: Any) -> Any:
    """Plain values as a body has them; `id` and `delete` stay bare."""
    if isinstance(value, dict):
        return {k: v if k in ("id", "delete") else wrap(v) for k, v in value.items()}
    if isinstance(value, list):
        return [wrap(each) for each in value]
    return {"value": value}


def plain(record: Any) -> Any:
    """The values of a record without their wrapping."""
    if isinstance(record, list):
        return [plain(each) for each in record]
    if not isinstance(record, dict):
        return record
    if record.keys() <= {"value", "error"}:
        return record.get("value")
    return {name: plain(value) for name, value in record.items() if name not in ("_links", "custom", "rowNumber")}


class Client:
    """What a careless integrator would write: requests and a token."""

    def __init__(self, sim: AcumaticaSimulator, version: str = NEWEST) -> None:
        self.sim = sim
        self.root = f"/entity/Default/{version}/"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {ask_token(sim).json()['access_token']}"

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        url = path if path.startswith("/") else self.root + path
        return self.session.request(method, self.sim.url + url, timeout=10, **options)

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.call("GET", path, params={f"${name}": value for name, value in query.items()})

    def read(self, path: str, **query: Any) -> Any:
        """The values of an answer that must be good."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return plain(answer.json(parse_float=Decimal))

    def put(self, entity: str, body: Any, headers: Any = None, **query: Any) -> requests.Response:
        params = {f"${name}": value for name, value in query.items()}
        return self.call("PUT", entity, json=wrap(body), params=params, headers=headers)

    def write(self, entity: str, body: Any, **query: Any) -> Any:
        """The values of a PUT that must be good."""
        answer = self.put(entity, body, **query)
        assert answer.status_code == 200, answer.text
        return plain(answer.json(parse_float=Decimal))

    def act(self, entity: str, action: str, keys: Any, **parameters: Any) -> requests.Response:
        body = {"entity": wrap(keys), "parameters": wrap(parameters)}
        return self.call("POST", f"{entity}/{action}", json=body)

    def finish(self, answer: requests.Response) -> list[int]:
        """Ask after a long operation until it ends; the statuses it told."""
        told = [answer.status_code]
        while told[-1] == 202:
            told.append(self.call("GET", answer.headers["Location"]).status_code)
        return told


def failure(answer: requests.Response) -> str:
    """The exception of a 500."""
    assert answer.status_code == 500, answer.text
    return answer.json()["exceptionType"].rpartition(".")[2]


@pytest.fixture(scope="session")
def shared():
    """One simulator for tests that only read and leave no setting behind."""
    with running(AcumaticaSimulator(settings=Settings(seats=None))) as sim:
        yield sim


@pytest.fixture(scope="session")
def reader(shared):
    return Client(shared)


@pytest.fixture
def start():
    """Start a simulator of one's own with other settings."""
    with ExitStack() as stack:
        yield lambda *seed, **options: stack.enter_context(running(AcumaticaSimulator(*seed, **options)))


@pytest.fixture
def sim(start):
    return start()


@pytest.fixture
def client(sim):
    return Client(sim)
