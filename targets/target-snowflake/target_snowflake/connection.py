"""One session with Snowflake: statements, files to a stage, transactions, and who is at the other end.

Works with connectors 4.8.1 and 5.x, whose arguments differ (`ConnectionOptions.arguments`). The connector repeats a
statement whose answer was lost under the same request id, which the server does not carry out twice; what it gives up
on comes here as ConnectionLost: the caller reopens and does the batch again.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self
from urllib.request import getproxies, proxy_bypass

import stamina
from ml_connector.delivery.sink import Identity
from ml_connector.errors import BadAnswer, ConnectorError, EnvironmentFault, OutOfPatience, Retryable, Unreachable
from ml_connector.http import Clock, Retry

from target_snowflake.errors import CommitInDoubt, ConnectionLost, Missing, translate
from target_snowflake.options import ConnectionOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    from snowflake.connector import SnowflakeConnection

__all__ = ["ConnectionOptions", "Result", "Session"]

_KNOCK_SECONDS = 10.0
_FULL = (errno.ENOSPC, errno.EDQUOT)
_STORED = ("UPLOADED", "SKIPPED")
_STATUS, _MESSAGE = 6, 7  # columns of PUT's answer

# Parts of the connector that log, with a traceback, what they raise as well; `_core` is 5.x.
_RAISE_IT_TOO = ("network", "vendored", "storage_client", "file_transfer_agent", "_core")

# Both versions look for cloud metadata services (169.254.169.254) at sign-in unless told not to.
_NO_METADATA_LOOKUPS = "SNOWFLAKE_DISABLE_PLATFORM_DETECTION"


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement answered."""

    rows: list[tuple[Any, ...]]
    rowcount: int | None
    query_id: str
    columns: tuple[str, ...] = ()

    def named(self) -> list[dict[str, Any]]:
        """Return the rows as values by column name, in lower case."""
        return [dict(zip(map(str.lower, self.columns), row, strict=True)) for row in self.rows]


class Session:
    """A connection that opens with its first statement; one thread uses it."""

    def __init__(
        self,
        options: ConnectionOptions,
        query_tag_facts: Mapping[str, str],
        retry: Retry | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.options = options
        self._facts = query_tag_facts
        self._retry = retry or Retry()
        self.clock = clock or Clock()
        self._connection: SnowflakeConnection | None = None
        self._log = logging.getLogger(__name__)

    @classmethod
    def open(
        cls,
        options: ConnectionOptions,
        query_tag_facts: Mapping[str, str] | None = None,
        *,
        retry: Retry | None = None,
        clock: Clock | None = None,
    ) -> Self:
        """Return a session; nothing is sent before its first statement."""
        return cls(options, query_tag_facts or {}, retry, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # statements

    def execute(self, sql: str, params: Sequence[Any] | None = None, *, timeout: int | None = None) -> Result:
        """Carry out one statement, `?` in it bound to `params`; `timeout` is in place of `network_timeout`.

        Raises:
            ConnectionLost: The session or the network is gone; reopen, and do the batch again.
            BatchRefused: A value does not fit its column.
            ConnectorError: Anything else of the error table.
        """
        connection = self._opened()
        try:
            with closing(connection.cursor()) as cursor:
                cursor.execute(sql, params or None, timeout=timeout or self.options.network_timeout)
                rows: list[Any] = cursor.fetchall() if cursor.description else []
                count = cursor.rowcount
                return Result(
                    rows=[tuple(row) for row in rows],
                    rowcount=None if count is None or count < 0 else count,
                    query_id=cursor.sfqid or "",
                    columns=tuple(column.name for column in cursor.description or ()),
                )
        except _connector().Error as error:
            raise translate(error, self.options.place, sql=sql) from None
        except OSError as error:
            raise _local_fault(error) from None

    def put(self, path: Path, stage_location: str, *, overwrite: bool = False) -> Result:
        """Upload one file as it is to a stage's folder, such as `@"_ML_STAGE"/run/batch/`."""
        if not path.is_file():
            raise EnvironmentFault(
                f"the file {path} to be uploaded is gone: leave `spill_dir` alone while a load runs."
            )
        source = path.resolve().as_posix().replace("\\", "\\\\").replace("'", "\\'")
        result = self.execute(
            f"PUT 'file://{source}' {stage_location} AUTO_COMPRESS=FALSE OVERWRITE={'TRUE' if overwrite else 'FALSE'}"
        )
        for row in result.rows:
            if len(row) > _MESSAGE and str(row[_STATUS]).upper() not in _STORED:
                raise ConnectionLost(f"{path.name} did not get to {stage_location}: {row[_STATUS]} {row[_MESSAGE]}.")
        return result

    @contextmanager
    def transaction(self) -> Iterator[Self]:
        """Commit what the block did, or nothing of it.

        Raises:
            CommitInDoubt: The answer to COMMIT was lost.
        """
        self.execute("BEGIN")
        try:
            yield self
        except ConnectionLost:
            self.close()  # ends the transaction, too
            raise
        except BaseException:
            self._roll_back()
            raise
        self._commit()

    def _commit(self) -> None:
        try:
            self.execute("COMMIT")
        except ConnectionLost as lost:
            self.close()
            raise CommitInDoubt(f"the answer to COMMIT was lost: {lost}") from lost
        except ConnectorError:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        """End the transaction; what does not roll back must not stay open and go along with the next commit."""
        try:
            self.execute("ROLLBACK")
        except ConnectorError:
            self.close()

    # the connection

    def reopen(self) -> None:
        """Drop the connection and open a new one: an open transaction of the old one is rolled back."""
        self.close()
        self._opened()

    def close(self) -> None:
        """Sign out; a session that is gone is left alone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(_connector().Error, OSError):
                connection.close()

    def _opened(self) -> SnowflakeConnection:
        if self._connection is None:
            self._connection = self._connect_patiently()
        return self._connection

    def _connect_patiently(self) -> SnowflakeConnection:
        deadline = self.clock.monotonic() + self.options.network_timeout
        tries = {Unreachable: 0}

        def again(error: Exception) -> bool:
            if isinstance(error, Unreachable):
                tries[Unreachable] += 1
                worth = tries[Unreachable] < self._retry.connects
            else:
                worth = isinstance(error, Retryable)
            if worth := worth and self.clock.monotonic() < deadline and not self.clock.ended:
                self._log.warning("%s Trying again", error)
            return worth

        try:
            for attempt in stamina.retry_context(
                on=again,
                attempts=None,
                timeout=None,
                wait_initial=self._retry.wait_initial,
                wait_max=self._retry.wait_max,
                wait_jitter=self._retry.jitter,
            ):
                with attempt:
                    return self._connect()
        except Retryable as fault:
            raise OutOfPatience(
                f"{fault} Gave up signing in after {self.options.network_timeout} s. Run again later."
            ) from fault
        raise AssertionError  # stamina returns or raises

    def _connect(self) -> SnowflakeConnection:
        connector = _connector()
        major = int(connector.__version__.partition(".")[0])
        arguments = self.options.arguments(self._facts, major)
        _knock(self.options)
        try:
            connection: SnowflakeConnection = connector.connect(**arguments)
        except connector.Error as error:
            raise translate(error, self.options.place, connecting=True) from None
        except OSError as error:
            raise _local_fault(error) from None
        return connection

    # who is there

    def identity(self) -> Identity:
        """Read live which account, database and schema this is."""
        account = self._account()
        database, schema = self.where()
        host = f" ({self.options.host})" if self.options.host else ""
        return Identity(id=f"snowflake:{account}/{database}/{schema}", label=f"{account}{host}: {database}.{schema}")

    def _account(self) -> str:
        """Return organization-account in lower case, else region and locator; a fake has only what is set."""
        for parts in (
            ("CURRENT_ORGANIZATION_NAME()", "CURRENT_ACCOUNT_NAME()"),
            ("CURRENT_REGION()", "CURRENT_ACCOUNT()"),
        ):
            if all(known := self.ask(*parts)):
                return "-".join(map(str, known)).lower()
        address = self.options.address
        fallback = ":".join(map(str, address)) if self.options.host and address else ""
        return (self.options.account or fallback or self.options.connection_name).lower()

    def where(self) -> tuple[str, str]:
        """Return the names of the database and schema, those of connections.toml or the user's own, too."""
        if self.options.database and self.options.schema:
            return self.options.database, self.options.schema
        database, schema = self.ask("CURRENT_DATABASE()", "CURRENT_SCHEMA()")
        return self.options.database or str(database or ""), self.options.schema or str(schema or "")

    def ask(self, *expressions: str) -> tuple[Any, ...]:
        """Return the values of expressions; None for all when the server does not know one of them."""
        try:
            return self.execute(f"SELECT {', '.join(expressions)}").rows[0]
        except (BadAnswer, Missing, IndexError):
            return (None,) * len(expressions)


def _connector() -> ModuleType:
    """Return the connector, imported when it is needed: that takes a second, and 5.x chats as it is imported."""
    os.environ.setdefault(_NO_METADATA_LOOKUPS, "true")
    logging.getLogger("snowflake.connector").setLevel(logging.WARNING)
    for name in _RAISE_IT_TOO:
        logging.getLogger(f"snowflake.connector.{name}").setLevel(logging.CRITICAL)
    return import_module("snowflake.connector")


def _knock(options: ConnectionOptions) -> None:
    """Learn within seconds whether the server can be reached: the connector waits a minute and tells no cause."""
    if options.address is None or _by_proxy(options):
        return
    host, port = options.address
    hint = "Check account and host, the network, and the proxy."
    try:
        socket.create_connection((host, port), timeout=_KNOCK_SECONDS).close()
    except socket.gaierror:
        raise Unreachable(f"there is no host {host}. {hint}") from None
    except OSError as error:
        why = "no answer" if isinstance(error, TimeoutError) else error.strerror or "no connection"
        raise Unreachable(f"{host}:{port} cannot be reached: {why}. {hint}") from None


def _by_proxy(options: ConnectionOptions) -> bool:
    host = options.address[0] if options.address else ""
    proxies = getproxies()
    return bool(proxies.get(options.protocol) or proxies.get("all")) and not proxy_bypass(host)


def _local_fault(error: OSError) -> ConnectorError:
    """Return the error of our tree for a fault of this machine or its network."""
    if error.errno in _FULL:
        return EnvironmentFault("this machine has no room left. Make room, then run again.")
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return EnvironmentFault(f"{error.filename or 'a file'} cannot be read: {error.strerror}.")
    return ConnectionLost(f"the connection to Snowflake broke ({type(error).__name__}).")
