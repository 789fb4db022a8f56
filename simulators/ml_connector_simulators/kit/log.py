"""The request log: every request that arrived, so that a test can count the writes."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(slots=True)
class LoggedRequest:
    """One request as it arrived; `status` is None while no answer was given, which stays so after some faults."""

    method: str
    path: str
    query: dict[str, str]
    size: int
    at: datetime
    is_write: bool
    status: int | None = None
    caller: str | None = None  # the company or user the request was let in as
    fault: str | None = None
    committed: bool = False  # the vendor's handler ran to its end, whatever the client heard of it


class RequestLog:
    """The requests of one simulator, oldest first."""

    def __init__(self) -> None:
        self._entries: list[LoggedRequest] = []
        self._lock = threading.Condition()

    def add(self, entry: LoggedRequest) -> None:
        """Append a request that has just arrived."""
        with self._lock:
            self._entries.append(entry)
            self._lock.notify_all()

    def wait_for_writes(self, count: int, timeout: float) -> bool:
        """Wait until this many writes have arrived; False when they have not within `timeout` seconds."""
        with self._lock:
            return self._lock.wait_for(lambda: sum(entry.is_write for entry in self._entries) >= count, timeout)

    def wait_for(self, method: str, path: str, count: int, timeout: float) -> bool:
        """Wait until this many requests of a method, with the regular expression in their path, have arrived."""
        with self._lock:
            return self._lock.wait_for(
                lambda: sum(it.method == method and bool(re.search(path, it.path)) for it in self._entries) >= count,
                timeout,
            )

    def requests(self, path: str | None = None, method: str | None = None) -> list[LoggedRequest]:
        """The requests whose path contains the regular expression (any case), and of one method."""
        with self._lock:
            entries = list(self._entries)
        return [
            entry
            for entry in entries
            if (path is None or re.search(path, entry.path, re.IGNORECASE))
            and (method is None or entry.method == method.upper())
        ]

    def writes(self, path: str | None = None) -> list[LoggedRequest]:
        """The requests that could change the vendor's data, answered or not."""
        return [entry for entry in self.requests(path) if entry.is_write]

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._entries.clear()
