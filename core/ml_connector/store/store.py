"""Opening the store: SQLite by default, one file, private to its owner; other databases by URL."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DatabaseError

from ml_connector.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

REVISION = "0002"
"""The newest migration; a store at this revision is opened without loading Alembic."""

_BEGIN = "sqlite_begin"
"""The execution option that says how SQLite begins; a reader must not take the writer's lock."""


class Store:
    """The durable store. One process writes through one connection at a time; nothing is held open across HTTP."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def url(self) -> str:
        """The database's URL, password masked."""
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Yield a connection whose work is durable when the block ends, or undone when it raises.

        Raises:
            ConfigError: The database refuses to work (disk full, read-only, locked for too long, damaged).
        """
        with self._begin("IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one state of the store and does not keep a writer waiting."""
        with self._begin("DEFERRED") as connection:
            yield connection

    @contextmanager
    def _begin(self, kind: str) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(**{_BEGIN: kind}) as connection, connection.begin():
                yield connection
        except DatabaseError as error:
            raise ConfigError(
                f"the store {self.url} cannot be written: {error.orig}. Free it, then run again."
            ) from None

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()


def open_store(url: str) -> Store:
    """Open the store at `url`, creating or upgrading its tables.

    Raises:
        ConfigError: The URL or the file cannot be used, or the store is newer than this program.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            _prepare_file(parsed.database)
        engine = create_engine(parsed, hide_parameters=True)  # an error must not quote a record (L10)
        if engine.dialect.name == "sqlite":
            _set_durable(engine)
        _migrate(engine)
    except (DatabaseError, OSError, ValueError) as error:
        shown = _without_password(url)
        raise ConfigError(f"the store {shown} cannot be opened: {error}. Check `store_url`.") from None
    return Store(engine)


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ValueError:
        return "(not a database URL)"


def _prepare_file(database: str | None) -> None:
    if not database or database == ":memory:":
        return
    path = Path(database)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600, exist_ok=True)


def _set_durable(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _pragmas(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # we say BEGIN ourselves, below
        cursor = connection.cursor()  # type: ignore[attr-defined]
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get(_BEGIN, 'IMMEDIATE')}")


def _migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        known = inspect(connection).has_table("alembic_version")
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if known else None
    if revision == REVISION:
        return
    if revision is not None and revision > REVISION:
        raise ConfigError(
            f"the store is at revision {revision}, newer than this program ({REVISION}). Upgrade ml-connector."
        )
    from alembic import command  # noqa: PLC0415  # slow to import, and needed once per release
    from alembic.config import Config  # noqa: PLC0415

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
