"""Fixtures: one fake Snowflake for all tests of a process, and a schema of its own for each test."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from ml_connector.http import Retry
from ml_connector_simulators.snowflake import SnowflakeServer, running_snowflake
from target_snowflake.connection import ConnectionOptions, Session

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE = "TESTS"
NO_WAIT = Retry(wait_initial=0, wait_max=0, jitter=0)
_schemas = count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SnowflakeServer]:
    """A fake Snowflake in a process of its own, on disk."""
    with running_snowflake(tmp_path_factory.mktemp("snowflake")) as running:
        yield running


@pytest.fixture
def config(place: dict[str, Any]) -> dict[str, Any]:
    """The same, under the name that tests of a connection use; the SDK's suite has a `config` of its own."""
    return place


@pytest.fixture
def place(server: SnowflakeServer) -> Iterator[dict[str, Any]]:
    """Settings that lead to an empty schema of the fake Snowflake, whose logs are empty and which does no harm."""
    server.clear_faults()
    settings = {
        **server.connect_options,
        "database": DATABASE,
        "schema": f"S{next(_schemas)}",
        "warehouse": "LOAD_WH",
        "role": "LOAD_ROLE",
        "login_timeout": 10,
        "network_timeout": 10,
    }
    with open_session(settings) as administrator:
        administrator.execute(f"CREATE DATABASE IF NOT EXISTS {settings['database']}")
        administrator.execute(f"CREATE SCHEMA {settings['database']}.{settings['schema']}")
    server.forget()
    yield settings
    server.clear_faults()


@pytest.fixture
def session(config: dict[str, Any]) -> Iterator[Session]:
    """A session with the fake Snowflake that does not wait between tries."""
    with open_session(config) as opened:
        yield opened


def open_session(config: dict[str, Any], **facts: str) -> Session:
    """Return a session that does not wait between tries."""
    return Session.open(ConnectionOptions.of(config), facts, retry=NO_WAIT)
