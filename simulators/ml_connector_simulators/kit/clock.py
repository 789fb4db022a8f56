"""The simulated clock: it runs like a real one from a fixed start, and can be set forward."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

MONTH_END_CLOSE = datetime(2026, 11, 2, 7, 0, tzinfo=UTC)  # the Monday after the seeded October


class Clock:
    """The time a simulator believes it is: token expiry, rate-limit windows and time stamps follow it."""

    def __init__(self, start: datetime = MONTH_END_CLOSE) -> None:
        self._start = start.astimezone(UTC)
        self._began = time.monotonic()
        self._ahead = timedelta()
        self._sleepers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def now(self) -> datetime:
        """The simulated instant, in UTC."""
        return self._start + timedelta(seconds=time.monotonic() - self._began) + self._ahead

    def advance(self, seconds: float) -> None:
        """Set the clock forward and wake whatever waits for a time that has now passed; from any thread."""
        self._ahead += timedelta(seconds=seconds)
        for loop, wake in list(self._sleepers):
            loop.call_soon_threadsafe(wake.set)

    async def sleep(self, seconds: float) -> None:
        """Wait until so many simulated seconds have passed, by waiting or by `advance`."""
        due = self.now() + timedelta(seconds=seconds)
        while (left := (due - self.now()).total_seconds()) > 0:
            sleeper = (asyncio.get_running_loop(), asyncio.Event())
            self._sleepers.add(sleeper)
            try:
                with suppress(TimeoutError):
                    await asyncio.wait_for(sleeper[1].wait(), left)
            finally:
                self._sleepers.discard(sleeper)
