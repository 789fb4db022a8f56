"""A clock on which time passes only by sleeping, for the product's clients and for the pauses of their retries."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest import mock

from ml_connector.http import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


class FakeClock(Clock):
    """Several threads may sleep at once: each wakes when its own time has come."""

    def __init__(self) -> None:
        self._passed = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the wall clock."""
        return NOON + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Return the seconds slept so far."""
        return self._passed

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._passed += max(0.0, seconds)


@contextmanager
def on_fake_time() -> Iterator[FakeClock]:
    """Let the pauses between two attempts pass on the fake clock as well."""
    clock = FakeClock()
    with mock.patch("tenacity.nap.time", SimpleNamespace(sleep=clock.sleep)):
        yield clock
