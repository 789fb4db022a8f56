"""The request budget: how many requests at once, how many per hour, and not before when."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ml_connector.errors import OutOfPatience
from ml_connector.http.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOUR = 3600.0
EPOCH = 1_000_000_000  # a larger X-RateLimit-Reset is a Unix time (ServiceNow), a smaller one seconds (Visma)


class Budget:
    """The share of an API that one client may use; all its threads draw on it.

    It learns from `X-RateLimit-Remaining` and `X-RateLimit-Reset`: with none left it waits for the reset.
    """

    def __init__(
        self, max_per_hour: int | None = None, max_concurrency: int = 4, *, clock: Clock | None = None
    ) -> None:
        self.max_per_hour = max_per_hour
        self.max_concurrency = max_concurrency
        self.clock = clock or Clock()
        self._slots = threading.BoundedSemaphore(max_concurrency)
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()
        self._not_before = 0.0

    @contextmanager
    def slot(self, deadline: float) -> Iterator[None]:
        """Hold one of the concurrent places, entered as soon as a request may go out.

        Raises OutOfPatience at once when that moment is later than `deadline` (on the monotonic clock).
        """
        with self._slots:
            while (wait := self._take()) > 0:
                self._pause(wait, deadline)
            yield

    def rest(self, deadline: float) -> None:
        """Wait, without taking a place, until the server allows a request again; raises as `slot` does."""
        while (wait := self._not_before - self.clock.monotonic()) > 0:
            self._pause(wait, deadline)

    def _pause(self, wait: float, deadline: float) -> None:
        if self.clock.monotonic() + wait > deadline:
            raise OutOfPatience(
                f"the server allows the next request in {wait:.0f} s only, longer than this run may wait; "
                "run again later",
                retry_at=self.clock.after(wait),
            )
        self.clock.sleep(wait)

    def hold(self, seconds: float) -> None:
        """Let no request out for so many seconds."""
        with self._lock:
            self._not_before = max(self._not_before, self.clock.monotonic() + seconds)

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take note of what the server says is left."""
        remaining, reset = header_number(headers, "X-RateLimit-Remaining"), header_number(headers, "X-RateLimit-Reset")
        if remaining is None or reset is None or remaining > 0:
            return
        self.hold(max(0.0, reset - self.clock.now().timestamp()) if reset > EPOCH else reset)

    def _take(self) -> float:
        """Count a request that may go now and return 0, else the seconds until one may."""
        with self._lock:
            now = self.clock.monotonic()
            while self._sent and self._sent[0] <= now - HOUR:
                self._sent.popleft()
            full = self.max_per_hour is not None and len(self._sent) >= self.max_per_hour
            wait = max(self._not_before - now, self._sent[0] + HOUR - now if full else 0.0)
            if wait <= 0 and self.max_per_hour is not None:
                self._sent.append(now)
            return wait


def header_number(headers: Mapping[str, str], name: str) -> int | None:
    """Return a header's whole number, None when it has none."""
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() else None
