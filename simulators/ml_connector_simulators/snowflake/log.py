"""The log of statements: what SQL arrived, in order, and what came of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from ml_connector_simulators.kit.wire import Exchange


@dataclass(slots=True)
class Statement:
    """One statement as it arrived; `outcome` is None until it was run, then `done` or Snowflake's error code."""

    sql: str
    at: datetime
    session: str | None
    bindings: dict[str, Any] = field(default_factory=dict)
    outcome: str | None = None
    message: str | None = None
    query_id: str | None = None
    rows: int | None = None
    fault: str | None = None
    answered: bool = False  # an answer was sent, whatever became of it on the way


class Statements:
    """The statements of one simulator, oldest first."""

    def __init__(self) -> None:
        self._entries: list[Statement] = []
        self._lock = threading.Lock()

    def arrived(
        self, exchange: Exchange, sql: str, bindings: dict[str, Any], at: datetime, session: str | None
    ) -> None:
        """Write a statement down before anything is done with it."""
        entry = Statement(sql, at, session, bindings)
        exchange.scope.setdefault("state", {})["statement"] = entry
        with self._lock:
            self._entries.append(entry)

    def broken(self, exchange: Exchange, fault: str) -> None:
        """Note the fault that hit a statement."""
        if entry := self._entry(exchange):
            entry.fault = fault

    def answered(self, exchange: Exchange) -> None:
        """Note that the client was given an answer."""
        if entry := self._entry(exchange):
            entry.answered = True

    def all(self) -> list[Statement]:
        """Every statement."""
        with self._lock:
            return list(self._entries)

    def forget(self) -> None:
        """Forget all statements."""
        with self._lock:
            self._entries.clear()

    def _entry(self, exchange: Exchange) -> Statement | None:
        entry: Statement | None = exchange.scope.get("state", {}).get("statement")
        return entry
