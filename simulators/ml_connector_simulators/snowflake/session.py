"""A session of the fake Snowflake: who is logged in, what is in use, and what its statements come to."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fakesnow import statement_type
from fakesnow.dialect import parse
from fakesnow.rowtype import ColumnInfo, describe_as_rowtype
from sqlglot import exp

from ml_connector_simulators.snowflake import lengths, statements
from ml_connector_simulators.snowflake.cursor import Cursor
from ml_connector_simulators.snowflake.errors import StatementError, known
from ml_connector_simulators.snowflake.failures import refused
from ml_connector_simulators.snowflake.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from fakesnow.conn import FakeSnowflakeConnection

    from ml_connector_simulators.snowflake.engine import Engine

LOCK_SECONDS = 20.0  # how long a statement waits for a row another transaction has changed; in Snowflake 12 hours
IDLE_SECONDS = 2.0  # a transaction idle so long is rolled back when it holds up another; in Snowflake 5 minutes
_DDL = (exp.Create, exp.Drop, exp.Alter, exp.Comment, exp.Grant, exp.Revoke)
_DML = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Copy, exp.TruncateTable)
_KEPT = 200  # answers that can be asked for again

Answer = tuple[dict[str, Any], int | None]


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


def _parsed(sql: str) -> exp.Expr:
    with refused(None):
        found = [each for each in parse(sql) if each is not None and not isinstance(each, exp.Semicolon)]
    if not found:
        raise StatementError("000900", "42601", "SQL compilation error:\nEmpty SQL statement.")
    if len(found) > 1:
        words = f"Actual statement count {len(found)} did not match the desired statement count 1."
        raise StatementError("000008", "0A000", words)
    return found[0]


class Session:
    """One connection's state; its statements run one after another."""

    def __init__(self, engine: Engine, login: Login) -> None:
        self.id = str(uuid.uuid4().int >> 80)
        self.engine = engine
        self.login = login
        self.role = login.role or "PUBLIC"
        self.warehouse = login.warehouse or engine.warehouses.default
        self.autocommit = bool(login.parameters.get("AUTOCOMMIT", True))
        self.last_query_id: str | None = None
        self.parameters = dict(login.parameters)
        self.outcomes: dict[str, Outcome] = {}
        self._answered: dict[str, Answer] = {}
        self._lock = threading.RLock()
        self.connection: FakeSnowflakeConnection = engine.open(login.database, login.schema)
        self.transaction = Transaction(self.connection._duck_conn, self._again)  # noqa: SLF001
        engine.sessions.add(self)

    def describe(self, sql: str) -> Outcome:
        """The columns of a query's answer; a statement that is no query is not run and has none."""
        expression = _parsed(sql)
        if isinstance(expression, exp.Query):
            columns = exp.select("*").from_(expression.subquery("described")).limit(0)
            return self.run(columns.sql(dialect="snowflake"))
        return Outcome(str(uuid.uuid4()), statement_type.statement_type_id(expression), None, [], None)

    def run(self, sql: str, params: Any = None) -> Outcome:
        """Run one statement; `StatementError` when Snowflake would refuse it."""
        with self._lock:
            expression = _parsed(sql)
            type_id = statement_type.statement_type_id(expression)
            self.engine.warehouses.need(self.warehouse, expression)
            self.transaction.touch()
            cursor = Cursor(self)
            self._run(cursor, expression, params)
            return self._outcome(cursor, type_id)

    def once(self, request_id: str | None, work: Callable[..., Answer], *arguments: Any) -> Answer:
        """Do what a request asks for once: one that is repeated, by its id, gets the answer of the first time."""
        with self._lock:
            if request_id is None or request_id not in self._answered:
                answer = work(*arguments)
                self._answered[request_id or ""] = answer
                if len(self._answered) > _KEPT:
                    del self._answered[next(iter(self._answered))]
                return answer
            return self._answered[request_id]

    def close(self) -> None:
        """End the session; an open transaction is rolled back."""
        with self._lock:
            self.engine.sessions.discard(self)
            self.transaction.end(commit=False)
            self.connection.close()

    def give_way(self) -> None:
        """Roll back a transaction that nobody has gone on with, because it holds up another session."""
        if self.transaction.idle_for() > IDLE_SECONDS and self._lock.acquire(blocking=False):
            try:
                self.transaction.end(commit=False)
            finally:
                self._lock.release()

    def function(self, name: str) -> tuple[str | None] | None:
        """The value of a function that tells about the session, in a tuple; None for every other function."""
        values = {
            "CURRENT_WAREHOUSE": self.warehouse,
            "CURRENT_ROLE": self.role,
            "CURRENT_USER": self.login.user.upper(),
            "CURRENT_ACCOUNT": self.login.account.upper(),
            "CURRENT_ACCOUNT_NAME": self.login.account.upper(),
            "CURRENT_SESSION": self.id,
            "CURRENT_REGION": "SIM_LOOPBACK",
            "CURRENT_IP_ADDRESS": "127.0.0.1",
            "LAST_QUERY_ID": self.last_query_id,
            "CURRENT_DATABASE": self.connection.database,
            "CURRENT_SCHEMA": self.connection.schema,
        }
        return (values[name],) if name in values else None

    def _run(self, cursor: Cursor, expression: exp.Expr, params: Any) -> None:
        if isinstance(expression, _DDL):
            self.transaction.end(commit=True)  # DDL commits what was open, and then itself
            with self.engine.catalog_lock:
                statements.run(self, cursor, expression, params)
        elif isinstance(expression, _DML):
            if not self.autocommit:
                self.transaction.begin()
            self._change(cursor, expression, params)
        else:
            with self.transaction.mended():
                statements.run(self, cursor, expression, params)

    def _change(self, cursor: Cursor, expression: exp.Expr, params: Any) -> None:
        """Run DML: all of it or nothing, and after whoever has changed the same rows."""
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                with self.transaction.statement(expression.copy(), params):
                    statements.run(self, cursor, expression.copy(), params)
                    lengths.check(self, cursor, expression)
            except StatementError as error:
                if error.code != known("locked").code or time.monotonic() > deadline:
                    raise
            else:
                return
            time.sleep(0.02)
            for other in list(self.engine.sessions):
                if other is not self:
                    other.give_way()

    def _again(self, expression: exp.Expr, params: Any) -> None:
        statements.run(self, Cursor(self), expression.copy(), params)

    def _outcome(self, cursor: Cursor, type_id: int) -> Outcome:
        with refused(None):
            rowtype = describe_as_rowtype(cursor._describe_last_sql())  # noqa: SLF001
        query_id = cursor._sfqid or str(uuid.uuid4())  # noqa: SLF001
        self.last_query_id = query_id
        transformed = cursor._last_transformed  # noqa: SLF001
        upload = transformed if transformed is not None and transformed.args.get("put_stage_data") else None
        outcome = Outcome(query_id, type_id, cursor._arrow_table, rowtype, cursor.rowcount, upload)  # noqa: SLF001
        self.outcomes[query_id] = outcome
        if len(self.outcomes) > _KEPT:
            oldest = next(iter(self.outcomes))
            del self.outcomes[oldest]
            self.engine.results_cache.pop(oldest, None)
        return outcome
