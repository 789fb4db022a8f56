"""Bringing a store's tables to this program's revision: all of it in one transaction, or nothing."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from ml_connector.errors import ConfigError
from ml_connector.store.database import POSTGRESQL, SQLITE, Mode, begun

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

REVISION = "0003"
"""The newest migration; a store at this revision is opened without loading Alembic."""


def upgrade(engine: Engine) -> None:
    """Bring the store to `REVISION`; of several processes that find it old, one does and the others wait.

    Raises:
        ConfigError: The store is newer than this program.
    """
    with begun(engine, Mode.READ) as connection:
        if _revision(connection) == REVISION:
            return
    try:
        with begun(engine, Mode.MIGRATE) as connection:
            if _revision(connection) != REVISION:  # another process may have been faster
                _check_encoding(connection)
                migrate(connection)
                _check_references(connection)
    finally:
        engine.dispose()  # an upgrade's connection has settings of its own


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is not None and found > REVISION:
        raise ConfigError(
            f"the store is at revision {found}, newer than this program ({REVISION}). Upgrade ml-connector."
        )
    return found


def migrate(connection: Connection, revision: str = REVISION) -> None:
    """Run the migrations up to `revision` in the connection's transaction."""
    from alembic import command  # noqa: PLC0415  # slow to import, and needed once per release
    from alembic.config import Config  # noqa: PLC0415

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _check_encoding(connection: Connection) -> None:
    if connection.dialect.name == POSTGRESQL:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
        if encoding != "UTF8":
            raise ConfigError(
                f"the database's encoding is {encoding}, which cannot keep every name. "
                "Create it anew with ENCODING 'UTF8' TEMPLATE template0."
            )


def _check_references(connection: Connection) -> None:
    """Raise ConfigError when a row refers to one that is not there; SQLite does not look while it upgrades."""
    if connection.dialect.name == SQLITE and (found := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
        raise ConfigError(
            f"the store could not be upgraded: a row of {found[0]} refers to a row of {found[2]} that is not there. "
            "The store is as it was. Put its newest backup in its place, then run again."
        )
