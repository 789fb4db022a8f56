"""One server for all of these tests; each has a database of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ml_connector_simulators.snowflake import SnowflakeServer, running_snowflake
from snowflake.connector import SnowflakeConnection, connect

from tests.snowflake_sim.client import Client


@pytest.fixture(scope="session")
def server() -> Iterator[SnowflakeServer]:
    """A server whose data is in memory."""
    with running_snowflake() as running:
        yield running


@pytest.fixture
def sim(server: SnowflakeServer) -> Iterator[SnowflakeServer]:
    """The server without faults and with an empty log."""
    server.clear_faults()
    server.forget()
    yield server
    server.clear_faults()


@pytest.fixture
def database(sim: SnowflakeServer) -> str:
    """A database with a schema S1."""
    name = f"DB_{uuid.uuid4().hex[:8].upper()}"
    sim.create_schema(name, "S1")
    return name


@pytest.fixture
def open_client(sim: SnowflakeServer, database: str) -> Iterator[Callable[..., Client]]:
    """Open connections; they are closed at the end, whatever has become of them."""
    opened: list[SnowflakeConnection] = []

    def opener(**options: Any) -> Client:
        wanted = sim.connect_options | {"database": database, "schema": "S1", "network_timeout": 8, "login_timeout": 8}
        connection = connect(**(wanted | options))
        opened.append(connection)
        return Client(connection)

    yield opener
    sim.clear_faults()
    for connection in opened:
        connection.close(retry=False)


@pytest.fixture
def client(open_client: Callable[..., Client]) -> Client:
    """A connection."""
    return open_client()
