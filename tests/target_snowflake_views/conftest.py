"""The simulated month of both companies, as tap-visma reads it, in a fake Snowflake."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import snowflake.connector
from ml_connector_simulators.kit import running
from ml_connector_simulators.snowflake import SnowflakeServer, running_snowflake
from ml_connector_simulators.visma import Month, VismaSimulator
from target_snowflake import views

from tests.tap_visma.conftest import sync
from tests.target_snowflake_views.loader import COMPANIES, Session, declare, insert, load, schemas


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SnowflakeServer]:
    with running_snowflake(tmp_path_factory.mktemp("snowflake")) as running_server:
        yield running_server


@pytest.fixture(scope="session")
def visma() -> Iterator[VismaSimulator]:
    """The month in which the companies also invoice each other; nobody may edit it."""
    with running(VismaSimulator(Month(intercompany=True))) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def properties() -> dict[str, Mapping[str, Any]]:
    return schemas()


@pytest.fixture(scope="session")
def database(server: SnowflakeServer) -> Iterator[Callable[[], Session]]:
    """Opens a session in an empty schema of its own."""
    options = {**server.connect_options, "database": "VIEWS", "schema": "PUBLIC", "network_timeout": 20}
    connections: list[snowflake.connector.SnowflakeConnection] = []

    def opened() -> Session:
        connection = snowflake.connector.connect(**options)
        connections.append(connection)
        session = Session(connection)
        session.execute(f"CREATE SCHEMA S{len(connections)}")
        session.execute(f"USE SCHEMA S{len(connections)}")
        session.execute("CREATE STAGE LOADER")
        return session

    yield opened
    for connection in connections:
        connection.close()


@pytest.fixture(scope="session")
def month(
    database: Callable[[], Session],
    visma: VismaSimulator,
    properties: Mapping[str, Mapping[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Session:
    """Every stream of both companies, and the views over them."""
    records: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for company in COMPANIES:
        for stream, read in sync(visma, company=company).records.items():
            records[stream] += read
    session, folder = database(), tmp_path_factory.mktemp("month")
    for stream, schema in properties.items():
        load(session, stream, schema, records[stream], folder)
    assert [made.missing for made in views.create(session)] == [()] * 5
    return session


class World:
    """The tables that the views need, for records of a test's own; a stream that is not given is empty."""

    def __init__(self, session: Session, properties: Mapping[str, Mapping[str, Any]]) -> None:
        self.session, self.properties = session, properties
        self.filled: set[str] = set()
        for name in sorted({name for view in views.finance_views() for name in view.needs}):
            declare(session, name.lower(), properties[name.lower()])
        views.create(session)

    def rows(self, view: str, **records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for name in sorted(self.filled):
            self.session.execute(f'DELETE FROM "{name.upper()}"')
        self.filled = {name for name, given in records.items() if given}
        for name in sorted(self.filled):
            insert(self.session, name, self.properties[name], records[name])
        return views.rows(self.session, view)


@pytest.fixture(scope="module")
def world(database: Callable[[], Session], properties: Mapping[str, Mapping[str, Any]]) -> World:
    return World(database(), properties)
