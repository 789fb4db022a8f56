"""A session of the fake Snowflake: who is logged in, what is in use, and the transaction that is open."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb
from fakesnow import statement_type
from fakesnow.dialect import parse_one
from fakesnow.rowtype import ColumnInfo, describe_as_rowtype
from sqlglot import exp

from ml_connector_simulators.snowflake import statements
from ml_connector_simulators.snowflake.cursor import Cursor
from ml_connector_simulators.snowflake.failures import refused

if TYPE_CHECKING:
    import pyarrow as pa
    from fakesnow.conn import FakeSnowflakeConnection

    from ml_connector_simulators.snowflake.engine import Engine

_DDL = (exp.Create, exp.Drop, exp.Alter, exp.Comment, exp.Grant, exp.Revoke)
_DML = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Copy, exp.TruncateTable)


@dataclass(slots=True)
class Outcome:
    """What a statement came to."""

    query_id: str
    type_id: int
    table: pa.Table | None
    rowtype: list[ColumnInfo]
    rows: int | None
    upload: exp.Expr | None = None  # a PUT: where the client shall bring its files


@dataclass(slots=True)
class Login:
    """Who logged in, and how: what a test may look at, without the secret."""

    user: str
    account: str
    authenticator: str
    role: str | None
    warehouse: str | None
    database: str | None
    schema: str | None
    parameters: dict[str, Any] = field(default_factory=dict)
    client: dict[str, Any] = field(default_factory=dict)


class Session:
    """One connection's state; its statements run one after another."""

    def __init__(self, engine: Engine, login: Login) -> None:
        self.id = str(uuid.uuid4().int >> 80)
        self.engine = engine
        self.login = login
        self.role = login.role or "PUBLIC"
        self.warehouse = login.warehouse
        self.autocommit = bool(login.parameters.get("AUTOCOMMIT", True))
        self.last_query_id: str | None = None
        self.parameters = dict(login.parameters)
        self.outcomes: dict[str, Outcome] = {}
        self._done: list[tuple[exp.Expr, Any]] | None = None  # what the open transaction has done; None: none is open
        self._lock = threading.Lock()
        with engine.catalog_lock:
            self.connection: FakeSnowflakeConnection = engine.connect(login.database, login.schema)

    def run(self, sql: str, params: Any = None) -> Outcome:
        """Run one statement; `StatementError` when Snowflake would refuse it."""
        with self._lock:
            with refused(None):
                expression = parse_one(sql)
            type_id = statement_type.statement_type_id(expression)
            cursor = Cursor(self)
            self._run(cursor, expression, params)
            return self._outcome(cursor, type_id)

    def close(self) -> None:
        """End the session; an open transaction is rolled back."""
        with self._lock:
            self.connection.close()

    @property
    def in_transaction(self) -> bool:
        """Whether statements wait for COMMIT."""
        return self._done is not None

    def function(self, name: str) -> tuple[str | None] | None:
        """The value of a function that tells about the session, in a tuple; None for every other function."""
        values = {
            "CURRENT_WAREHOUSE": self.warehouse,
            "CURRENT_ROLE": self.role,
            "CURRENT_USER": self.login.user.upper(),
            "CURRENT_ACCOUNT": self.login.account.upper(),
            "CURRENT_ACCOUNT_NAME": self.login.account.upper(),
            "CURRENT_SESSION": self.id,
            "CURRENT_REGION": "PUBLIC.SIM_LOOPBACK",
            "LAST_QUERY_ID": self.last_query_id,
            "CURRENT_DATABASE": self.connection.database,
            "CURRENT_SCHEMA": self.connection.schema,
        }
        return (values[name],) if name in values else None

    def begin(self) -> None:
        """Open a transaction; one that is open already stays as it is."""
        if self._done is None:
            self.connection._duck_conn.begin()  # noqa: SLF001
            self._done = []

    def end(self, *, commit: bool) -> None:
        """Commit or roll back; without a transaction nothing happens, as in Snowflake."""
        if self._done is not None:
            self._done = None
            with refused(None):
                self.connection._duck_conn.commit() if commit else self.connection._duck_conn.rollback()  # noqa: SLF001

    def _run(self, cursor: Cursor, expression: exp.Expr, params: Any) -> None:
        if isinstance(expression, _DDL):
            self.end(commit=True)  # DDL commits what was open, and then itself
            with self.engine.catalog_lock:
                statements.run(self, cursor, expression, params)
            return
        if isinstance(expression, _DML) and not self.autocommit:
            self.begin()
        again = expression.copy()
        try:
            statements.run(self, cursor, expression, params)
        except Exception:
            self._mend()
            raise
        if self._done is not None and isinstance(again, _DML):
            self._done.append((again, params))

    def _mend(self) -> None:
        """A statement that failed undoes itself alone; DuckDB gives up the whole transaction, so do the rest again."""
        if self._done is None or not self._given_up():
            return
        done, self._done = self._done, None
        self.connection._duck_conn.rollback()  # noqa: SLF001
        self.begin()
        for expression, params in done:
            statements.run(self, Cursor(self), expression.copy(), params)
        self._done = done

    def _given_up(self) -> bool:
        try:
            self.connection._duck_conn.execute("SELECT 1").fetchall()  # noqa: SLF001
        except duckdb.Error:
            return True
        return False

    def _outcome(self, cursor: Cursor, type_id: int) -> Outcome:
        with refused(None):
            rowtype = describe_as_rowtype(cursor._describe_last_sql())  # noqa: SLF001
        query_id = cursor._sfqid or str(uuid.uuid4())  # noqa: SLF001
        self.last_query_id = query_id
        transformed = cursor._last_transformed  # noqa: SLF001
        upload = transformed if transformed is not None and transformed.args.get("put_stage_data") else None
        outcome = Outcome(query_id, type_id, cursor._arrow_table, rowtype, cursor.rowcount, upload)  # noqa: SLF001
        self.outcomes[query_id] = outcome
        return outcome
