"""What goes wrong with a database is told in words that say what to do, and never with a record or a password."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ml_connector.errors import AuthError, ConfigError, ConnectorError, EnvironmentFault
from ml_connector.store import Store, open_store
from ml_connector.store.tables import pipelines
from sqlalchemy import insert, make_url, text

from tests.postgres import PASSWORD, ROLE, PostgresServer

SECRETS = (PASSWORD, "p%40ss", "p@ss")


@contextmanager
def opened(url: str) -> Iterator[Store]:
    store = open_store(url)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def role_with(postgres: PostgresServer, setting: str) -> Iterator[None]:
    """Let the role's new sessions begin with a setting, as an administrator may have arranged."""
    postgres.administer(f"ALTER ROLE {ROLE} SET {setting}")
    try:
        yield
    finally:
        postgres.administer(f"ALTER ROLE {ROLE} RESET ALL")


def test_a_wrong_password_is_told_and_masked(postgres: PostgresServer, postgres_url: str) -> None:
    wrong = make_url(postgres_url).set(password="hunter2-secret").render_as_string(hide_password=False)
    with pytest.raises(AuthError, match=r"does not accept the user or the password. Check `store_url`") as told:
        open_store(wrong)
    assert "hunter2" not in "".join(traceback.format_exception(told.value))
    assert "***" in str(told.value)


def test_a_database_that_is_not_there_is_told(postgres: PostgresServer) -> None:
    with pytest.raises(ConfigError, match="there is no such database"):
        open_store(postgres.url("nowhere"))


def test_a_server_that_is_down_is_told(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://someone:{'hunter2-secret'}@/store?host={tmp_path}"
    with pytest.raises(EnvironmentFault, match="See that the server is up and `store_url` is right") as told:
        open_store(url)
    assert "hunter2" not in "".join(traceback.format_exception(told.value))


def test_a_role_without_a_permission_is_told(postgres: PostgresServer, postgres_url: str) -> None:
    database = make_url(postgres_url).database or ""
    postgres.administer("CREATE ROLE reader LOGIN PASSWORD 'reader'")
    postgres.administer("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", database)
    url = make_url(postgres_url).set(username="reader", password="reader").render_as_string(hide_password=False)
    with opened(url) as store:
        with store.reading() as connection:
            assert connection.execute(text("SELECT count(*) FROM runs")).scalar() == 0
        with pytest.raises(ConfigError, match=r"lacks a permission. Grant what docs/store.md lists"):
            add(store, "x")


def add(store: Store, name: str) -> None:
    with store.transaction() as connection:
        connection.execute(insert(pipelines), {"name": name, "fence": 1, "holder": "-", "taken_at": "-"})


def test_a_standby_is_told(postgres: PostgresServer, postgres_url: str) -> None:
    with (
        role_with(postgres, "default_transaction_read_only = on"),
        opened(postgres_url) as store,
        pytest.raises(EnvironmentFault, match=r"read-only, as a standby is. Point `store_url` at the primary"),
    ):
        add(store, "x")


def test_a_statement_that_takes_too_long_is_told(postgres: PostgresServer, postgres_url: str) -> None:
    with (
        role_with(postgres, "statement_timeout = '50ms'"),
        opened(postgres_url) as store,
        pytest.raises(EnvironmentFault, match="cancelled a statement"),
        store.transaction() as connection,
    ):
        connection.execute(text("SELECT pg_sleep(30)"))


def test_a_store_that_another_process_keeps_busy_is_told(store_url: str) -> None:
    patience = "PRAGMA busy_timeout=50" if store_url.startswith("sqlite") else "SET lock_timeout = '50ms'"
    with opened(store_url) as store, opened(store_url) as other:
        with other.reading() as connection:
            connection.exec_driver_sql(patience)  # on the one connection that this store has open
            connection.commit()
        with (
            store.transaction(),
            pytest.raises(EnvironmentFault, match=r"kept it busy for too long. Wait until that one ends"),
            other.transaction(),
        ):
            raise AssertionError
        add(other, "x")  # and goes on once it is free


def test_a_connection_that_is_cut_in_a_transaction_is_told(postgres: PostgresServer, postgres_url: str) -> None:
    name = make_url(postgres_url).database
    with opened(postgres_url) as store:
        with pytest.raises(EnvironmentFault, match="ended the connection"), store.transaction() as connection:  # noqa: PT012
            postgres.administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            connection.execute(text("SELECT 1"))
        add(store, "x")  # a new connection serves what comes next


def test_no_fault_quotes_a_record(store_url: str) -> None:
    with opened(store_url) as store:
        add(store, "Kari Nordmann")
        with pytest.raises(ConnectorError, match="report this") as twice:
            add(store, "Kari Nordmann")
        with pytest.raises(ConnectorError) as wrong, store.transaction() as connection:
            connection.execute(text("SELECT CAST('Kari Nordmann' AS integer), nothing FROM nowhere"))
    for told in (twice, wrong):
        assert "Kari" not in str(told.value)
        shown = "".join(traceback.format_exception(told.value))
        assert "Nordmann' already" not in shown
        assert "(name)=" not in shown
        assert not [secret for secret in SECRETS if secret in shown]


def test_a_file_that_is_no_store_is_told(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_text("something else, and long enough to be looked at " * 40)
    with pytest.raises(ConfigError, match=r"it is damaged. Put its newest backup in its place"):
        open_store(f"sqlite:///{tmp_path / 'store.db'}")
    with pytest.raises(ConfigError, match="cannot be opened"):
        open_store(f"sqlite:///{tmp_path}")
    with pytest.raises(ConfigError, match="cannot be opened"):
        open_store(f"sqlite:///{tmp_path / 'store.db' / 'below.db'}")


@pytest.mark.parametrize("url", ["", "store.db", "sqlite://", "sqlite:///:memory:", "mysql://u:hunter2@h/d", "x://"])
def test_a_url_of_neither_kind_is_refused_with_examples(url: str) -> None:
    with pytest.raises(ConfigError, match="Examples: sqlite:////") as told:
        open_store(url)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("name", ["postgresql", "postgres"])
def test_the_usual_spelling_of_postgresql_is_understood(postgres_url: str, name: str) -> None:
    with opened(postgres_url.replace("postgresql+psycopg", name)) as store:
        add(store, "x")


def test_a_missing_driver_is_told(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"Install ml-connector\[postgres\]"):
        open_store(postgres_url)
