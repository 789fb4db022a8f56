"""The way to the database, SQLite or PostgreSQL: how it is reached, and how a transaction begins there."""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from ml_connector.errors import ConfigError
from ml_connector.store.faults import fault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POSTGRESQL, SQLITE = "postgresql", "sqlite"

_PATIENCE = 30
"""Seconds a process waits for another one's transaction."""

_PATIENCE_TO_MIGRATE = 1800
"""Seconds it waits for another one's upgrade of the store."""

_OPTION = "ml_connector_mode"

STORE_LOCK = "pg_advisory_xact_lock(hashtextextended('ml-connector store ' || coalesce(current_schema(), ''), 0))"
"""Whoever writes holds it until the transaction ends: writers come one after another, as on SQLite."""


class Mode(StrEnum):
    """What a connection is for, and how a fault that it meets is told."""

    READ = "read"
    WRITE = "written"
    MIGRATE = "upgraded"
    NONE = "locked"


def parse(url: str) -> URL:
    """Return the store's URL in parts.

    Raises:
        ConfigError: It is no URL of a SQLite file or a PostgreSQL database.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        raise ConfigError(f"`store_url` is not a database URL. {_EXAMPLES}") from None
    if parsed.drivername in (POSTGRESQL, "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "postgresql+psycopg" and (backend != SQLITE or parsed.database in (None, "", ":memory:")):
        raise ConfigError(f"`store_url` must name a SQLite file or a PostgreSQL database. {_EXAMPLES}")
    return parsed


_EXAMPLES = "Examples: sqlite:////srv/ml-connector/store.db, postgresql+psycopg://user@host/database."


def open_engine(url: str) -> Engine:
    """Return SQLAlchemy's engine for a store.

    Raises:
        ConfigError: The URL cannot be used, or PostgreSQL's driver is not installed.
    """
    parsed = parse(url)
    if parsed.get_backend_name() == SQLITE:
        _prepare_file(parsed)
        engine = create_engine(parsed, hide_parameters=True)  # an error must not quote a record (L10)
        _listen(engine, _SQLITE_SESSION, _begin_sqlite)
        return engine
    try:
        engine = create_engine(parsed, hide_parameters=True, pool_pre_ping=True, connect_args=_CONNECTING)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise ConfigError(
            "a store on PostgreSQL needs its driver. Install ml-connector[postgres] where this connector lives."
        ) from None
    _listen(engine, _POSTGRESQL_SESSION, _begin_postgresql)
    return engine


@contextmanager
def begun(engine: Engine, mode: Mode) -> Iterator[Connection]:
    """Yield a connection in a transaction that is durable when the block ends, or undone when it raises.

    Raises:
        ConfigError: The database does not let this user work, or is damaged.
        EnvironmentFault: It is down, full, busy or cut off.
    """
    try:
        with engine.connect().execution_options(**{_OPTION: mode}) as connection, connection.begin():
            yield connection
    except DBAPIError as error:
        raise fault_of(error, engine.url, mode) from None


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    """Yield a connection outside any transaction; each statement stands for itself. Raises as `begun` does."""
    options = {"isolation_level": "AUTOCOMMIT", _OPTION: Mode.NONE}
    try:
        with engine.connect().execution_options(**options) as connection:
            yield connection
    except DBAPIError as error:
        raise fault_of(error, engine.url, Mode.NONE) from None


def _listen(engine: Engine, session: tuple[str, ...], begin: Callable[[Connection, Mode], None]) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        if engine.dialect.name == SQLITE:
            connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        for statement in session:
            cursor.execute(statement)
        cursor.close()
        if engine.dialect.name == POSTGRESQL:
            connection.commit()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        begin(connection, connection.get_execution_options().get(_OPTION, Mode.WRITE))


# SQLite


_SQLITE_SESSION = (
    f"PRAGMA busy_timeout={_PATIENCE}000",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
)


def _prepare_file(url: URL) -> None:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the store {path} cannot be opened: {error.strerror}. Check `store_url`.") from None


def _begin_sqlite(connection: Connection, mode: Mode) -> None:
    if mode is Mode.MIGRATE:  # tables are made anew under their old names, which a foreign key must not notice
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_PATIENCE_TO_MIGRATE}000")
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql("BEGIN DEFERRED" if mode is Mode.READ else "BEGIN IMMEDIATE")


# PostgreSQL


_CONNECTING = {
    "connect_timeout": 10,
    "application_name": "ml-connector",
    "keepalives_idle": 30,  # a machine that has gone is noticed within a minute or two, at both ends
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
_POSTGRESQL_SESSION = (
    f"""
    SET lock_timeout = '{_PATIENCE}s';
    SET idle_session_timeout = 0;
    -- A process that was halted in mid-transaction must not keep the others from writing.
    SET idle_in_transaction_session_timeout = '60s';
    SET tcp_keepalives_idle = 30;
    SET tcp_keepalives_interval = 10;
    SET tcp_keepalives_count = 3;
    -- What is committed must be durable before a request leaves (L2).
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
    """,
)


def _begin_postgresql(connection: Connection, mode: Mode) -> None:
    if mode is Mode.READ:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    elif mode is Mode.WRITE:
        connection.exec_driver_sql(f"SELECT {STORE_LOCK}")
    elif mode is Mode.MIGRATE:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE_TO_MIGRATE}s'")
        connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = '{_PATIENCE_TO_MIGRATE}s'")
        connection.exec_driver_sql(f"SELECT {STORE_LOCK}")
