"""What is behind the fake Snowflake: fakesnow's DuckDB, on disk, with stages and metadata that survive a restart."""

from __future__ import annotations

import re
import threading
import weakref
from typing import TYPE_CHECKING, Any

import duckdb
from fakesnow import info_schema, macros
from fakesnow.instance import GLOBAL_DATABASE_NAME, FakeSnow
from fakesnow.transforms import show, stage

from ml_connector_simulators.snowflake import types
from ml_connector_simulators.snowflake.warehouses import Warehouses

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fakesnow.conn import FakeSnowflakeConnection

    from ml_connector_simulators.snowflake.session import Session

USER_STAGES = "_SIM_USER"  # the database and schema under which `@~` of every user is kept


class Engine(FakeSnow):
    """One account's databases: a file each in a folder, or all in memory."""

    def __init__(self, data: Path | None, files: Path) -> None:
        """Open what the folder holds; staged files are kept under `files`."""
        types.install()
        stage.LOCAL_BUCKET_PATH = str(files)
        files.mkdir(parents=True, exist_ok=True)
        self.create_database_on_connect, self.create_schema_on_connect = True, False
        self.db_path: Path | None = data
        self.nop_regexes = None
        self.warehouses = Warehouses()
        self.sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self.results_cache: dict[str, tuple[Any, ...]] = {}
        self.catalog_lock = threading.RLock()  # DuckDB refuses concurrent changes of a catalog, Snowflake queues them
        # The arrow lambdas that SQLGlot writes are refused without this setting.
        self.duck_conn = duckdb.connect(":memory:", config={"lambda_syntax": "ENABLE_SINGLE_ARROW"})
        self._open(data)
        rows = self.duck_conn.execute(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'"
        )
        self.keywords = {str(word).upper() for (word,) in rows.fetchall()}

    def _open(self, data: Path | None) -> None:
        shared = ":memory:" if data is None else str(data / f"{GLOBAL_DATABASE_NAME}.db")
        self.duck_conn.execute(f"ATTACH IF NOT EXISTS '{shared}' AS {GLOBAL_DATABASE_NAME}")
        self.duck_conn.execute(info_schema.fs_global_creation_sql())
        self.duck_conn.execute(show.fs_global_creation_sql())
        self.duck_conn.execute("SET GLOBAL TimeZone = 'UTC'")
        for file in self._files(data):
            self.duck_conn.execute(f"ATTACH IF NOT EXISTS DATABASE '{file}' AS \"{file.stem}\"")
            self.duck_conn.execute(info_schema.per_db_creation_sql(file.stem))
            self.duck_conn.execute(macros.creation_sql(file.stem))

    def _files(self, data: Path | None) -> Iterator[Path]:
        if data is not None:
            yield from (file for file in sorted(data.glob("*.db")) if file.stem != GLOBAL_DATABASE_NAME)

    def open(self, database: str | None, schema: str | None) -> FakeSnowflakeConnection:
        """A connection; a database that is not there is made with its schema PUBLIC, a schema is not made."""
        with self.catalog_lock:
            connection = self.connect(database, schema)
            if database:
                self.duck_conn.execute(f'CREATE SCHEMA IF NOT EXISTS "{database}"."PUBLIC"')
            if not connection.schema_set:
                connection._schema = None  # noqa: SLF001  nothing is in use
        return connection

    def create_schema(self, database: str, schema: str) -> None:
        """What a database administrator does before anybody loads: a database and a schema."""
        with self.catalog_lock:
            self.open(database.upper(), None).close()
            self.duck_conn.execute(f'CREATE SCHEMA IF NOT EXISTS "{database.upper()}"."{schema.upper()}"')

    def drop_database(self, name: str, session: Session) -> None:
        """Let go of a database and remove its file; whoever has it in use has none."""
        with self.catalog_lock:
            for each in {session, *self.sessions}:
                if each.connection.database == name:
                    each.connection._duck_conn.execute("USE memory")  # noqa: SLF001  fakesnow has no word for it
                    each.connection.database = each.connection._schema = None  # noqa: SLF001
                    each.connection.database_set = each.connection.schema_set = False
            self.duck_conn.execute(f'DETACH DATABASE "{name}"')
            if self.db_path is not None:
                (self.db_path / f"{name}.db").unlink(missing_ok=True)

    def user_stage(self, user: str) -> str:
        """The name under which a user's own stage `@~` is kept; it is made when first asked for."""
        name = re.sub(r"\W", "_", user.upper()) or "ANYBODY"
        table = f"{GLOBAL_DATABASE_NAME}._fs_information_schema._fs_stages"
        with self.catalog_lock, self.duck_conn.cursor() as connection:
            connection.execute(
                f"INSERT OR IGNORE INTO {table} (name, database_name, schema_name, url, type)"  # noqa: S608
                f" VALUES ('{name}', '{USER_STAGES}', '{USER_STAGES}', '', 'INTERNAL')"
            )
        return f"{USER_STAGES}.{USER_STAGES}.{name}"

    def close(self) -> None:
        """Write everything to the files and let go of them."""
        self.duck_conn.close()
