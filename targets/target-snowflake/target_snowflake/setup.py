"""What a run needs in the schema before its first batch, and what earlier runs that died have left there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigError

from target_snowflake.names import LONGEST, literal, mark, quoted

if TYPE_CHECKING:
    from target_snowflake.connection import Session

LOADS = "_ML_LOADS"
_COLUMNS = {
    "BATCH_ID": "VARCHAR",
    "RUN_ID": "VARCHAR",
    "PIPELINE": "VARCHAR",
    "STREAM": "VARCHAR",
    "TABLE_NAME": "VARCHAR",
    "ROWS_STAGED": "NUMBER(38,0)",
    "ROWS_NEW": "NUMBER(38,0)",
    "ROWS_CHANGED": "NUMBER(38,0)",
    "ROWS_UNCHANGED": "NUMBER(38,0)",
    "ROWS_SUPERSEDED": "NUMBER(38,0)",
    "ROWS_DELETED": "NUMBER(38,0)",
    "FIRST_KEY": "VARCHAR",
    "LAST_KEY": "VARCHAR",
    "STATE": "VARCHAR",
    "LOADED_AT": "TIMESTAMP_TZ",
}


@dataclass(frozen=True, slots=True)
class Names:
    """What a run calls its own things: nobody else's begin like them, so what is left over can be cleared away."""

    stage: str
    pipeline: str
    run_id: str

    @property
    def staging_prefix(self) -> str:
        """How every staging table of the pipeline begins."""
        return f"_ML_S_{mark(self.pipeline)}_"

    def staging(self, batch_id: str) -> str:
        """Return the staging table of a batch."""
        return f"{self.staging_prefix}{batch_id.upper().replace('-', '_')}"

    def replacing(self, table: str) -> str:
        """Return the table that takes a table's place when all of its stream is in it; the next run clears it, too."""
        name = f"{self.staging_prefix}NEW_{table}"
        return name if len(name) <= LONGEST else f"{self.staging_prefix}NEW_{mark(table)}"

    @property
    def folder(self) -> str:
        """The pipeline's folder in the stage; it ends with a slash, since places match by prefix."""
        return f"@{quoted(self.stage)}/{mark(self.pipeline).lower()}/"

    def place(self, batch_id: str) -> str:
        """Return a batch's folder in the stage."""
        return f"{self.folder}{batch_id}/"


def prepare(session: Session, names: Names, *, plan: bool = False) -> None:
    """Make schema, stage and table of loads where they are absent, and clear away what dead runs have left.

    With `plan`, only the stage is made.

    Raises:
        ConfigError: A plan was asked for, and the schema is not there.
    """
    _schema(session, plan=plan)
    if not _is_there(session, f"SHOW STAGES LIKE {literal(names.stage)}", names.stage):
        session.execute(f"CREATE STAGE IF NOT EXISTS {quoted(names.stage)}")
    if plan:
        clear(session, names)
        return
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in _COLUMNS.items())
    session.execute(f"CREATE TABLE IF NOT EXISTS {quoted(LOADS)} ({columns})")
    clear(session, names)


def _is_there(session: Session, show: str, name: str) -> bool:
    """Return whether SHOW lists a name: a role that may not make a thing needs no right to, when it is there."""
    return name in (row[1] for row in session.execute(show).rows)


def _schema(session: Session, *, plan: bool) -> None:
    """Make the schema when it is not there."""
    database, schema = session.where()
    if not _is_there(session, f"SHOW SCHEMAS LIKE {literal(schema)} IN DATABASE {quoted(database)}", schema):
        if plan:
            raise ConfigError(
                f"the schema {schema} is not there, and a plan makes none. Run once, or: CREATE SCHEMA {schema}"
            )
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(database)}.{quoted(schema)}")
        session.execute(f"USE SCHEMA {quoted(database)}.{quoted(schema)}")


def clear(session: Session, names: Names) -> None:
    """Drop the pipeline's staging tables and files; the caller holds the pipeline's lock."""
    prefix = names.staging_prefix
    for row in session.execute(f"SHOW TABLES LIKE {literal(prefix + '%')}").rows:
        if str(row[1]).startswith(prefix):  # LIKE takes an underscore for any character
            session.execute(f"DROP TABLE IF EXISTS {quoted(str(row[1]))}")
    session.execute(f"REMOVE {names.folder}")


def is_loaded(session: Session, batch_id: str) -> bool:
    """Return whether a batch's transaction was committed."""
    found = session.execute(f"SELECT COUNT(*) FROM {quoted(LOADS)} WHERE BATCH_ID = {literal(batch_id)}")
    return bool(found.rows[0][0])


def rows_deleted(session: Session, batch_id: str) -> int | None:
    """Return how many rows a committed transaction has deleted, None when it was not committed."""
    found = session.execute(f"SELECT ROWS_DELETED FROM {quoted(LOADS)} WHERE BATCH_ID = {literal(batch_id)}").rows
    return int(found[0][0]) if found else None
