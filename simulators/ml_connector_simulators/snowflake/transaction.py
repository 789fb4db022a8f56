"""A transaction as Snowflake has it: a statement that fails undoes itself alone, where DuckDB gives all of it up."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from ml_connector_simulators.snowflake.failures import refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlglot import exp


class Transaction:
    """The transaction of one session, open or not; what it has done can be done again."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, again: Callable[[exp.Expr, Any], None]) -> None:
        self._connection, self._again = connection, again
        self._done: list[tuple[exp.Expr, Any]] | None = None  # None: none is open
        self._purged: list[Path] = []  # files that COPY has loaded and shall remove
        self._touched = time.monotonic()

    @property
    def is_open(self) -> bool:
        """Whether statements wait for COMMIT."""
        return self._done is not None

    def touch(self) -> None:
        """Somebody goes on with it."""
        self._touched = time.monotonic()

    def idle_for(self) -> float:
        """For how many seconds an open one has been left alone."""
        return time.monotonic() - self._touched if self.is_open else 0.0

    def begin(self) -> None:
        """Open it; one that is open already stays as it is."""
        if self._done is None:
            self._connection.begin()
            self._done = []

    def end(self, *, commit: bool) -> None:
        """Commit or roll back; without a transaction nothing happens, as in Snowflake."""
        if self._done is None:
            return
        self._done = None
        with refused(None):
            self._connection.commit() if commit else self._connection.rollback()
        self._remove()

    def purge(self, files: list[Path]) -> None:
        """Remove loaded files once the transaction has ended: until then their COPY may have to be done again."""
        self._purged += files

    @contextmanager
    def statement(self, expression: exp.Expr, params: Any) -> Iterator[None]:
        """Run one statement that changes rows, all of it or nothing."""
        if self._done is None:
            self.begin()
            try:
                yield
            except Exception:
                self._purged.clear()
                self.end(commit=False)
                raise
            self.end(commit=True)
            return
        kept = len(self._purged)
        try:
            yield
        except Exception:
            del self._purged[kept:]
            self._redo()
            raise
        self._done.append((expression, params))

    @contextmanager
    def mended(self) -> Iterator[None]:
        """Run a statement that changes nothing; if it fails, what came before it stays done."""
        try:
            yield
        except Exception:
            if self.is_open and self._given_up():
                self._redo()
            raise

    def _redo(self) -> None:
        """Roll back, and do again what had succeeded."""
        done, self._done = self._done or [], None
        self._connection.rollback()
        self.begin()
        purged, self._purged = self._purged, []
        for expression, params in done:
            self._again(expression, params)
        self._done, self._purged = done, purged

    def _given_up(self) -> bool:
        try:
            self._connection.execute("SELECT 1").fetchall()
        except duckdb.Error:
            return True
        return False

    def _remove(self) -> None:
        for file in self._purged:
            file.unlink(missing_ok=True)
        self._purged.clear()
