"""What answers tell of the connection itself: how long they take, how far the clocks are apart, how much is left."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from statistics import median
from typing import TYPE_CHECKING

from ml_connector.http.budget import EPOCH, header_number

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEPT = 500
_HALF_A_SECOND = 0.5  # a Date header is cut to whole seconds


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What the server said last of its rate limit; None where it said nothing."""

    limit: int
    remaining: int | None
    resets_in: float | None  # seconds


class Gauge:
    """Reads each answer of one client; any number of threads may feed it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: deque[float] = deque(maxlen=_KEPT)
        self._ahead: deque[float] = deque(maxlen=_KEPT)
        self._limit: RateLimit | None = None

    def note(self, headers: Mapping[str, str], seconds: float, now: datetime) -> None:
        """Take note of one answer, which took so long and is here now."""
        with self._lock:
            self._seconds.append(seconds)
            if (told := _date(headers)) is not None:
                self._ahead.append((told - now).total_seconds() + _HALF_A_SECOND + seconds / 2)
            limit = header_number(headers, "X-RateLimit-Limit")
            if limit is not None:
                left, reset = header_number(headers, "X-RateLimit-Remaining"), _reset(headers, now)
                self._limit = RateLimit(limit, left, reset)

    @property
    def calls(self) -> int:
        """How many answers were measured."""
        return len(self._seconds)

    @property
    def latency(self) -> float | None:
        """The median time from request to answer, in seconds."""
        with self._lock:
            return median(self._seconds) if self._seconds else None

    @property
    def skew(self) -> float | None:
        """How far the server's clock is ahead of ours, in seconds; None when it tells no time."""
        with self._lock:
            return median(self._ahead) if self._ahead else None

    @property
    def rate_limit(self) -> RateLimit | None:
        """The server's rate limit; None when it told none."""
        return self._limit


def _date(headers: Mapping[str, str]) -> datetime | None:
    try:
        told = parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError):
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def _reset(headers: Mapping[str, str], now: datetime) -> float | None:
    reset = header_number(headers, "X-RateLimit-Reset")
    if reset is None:
        return None
    return max(0.0, reset - now.timestamp()) if reset > EPOCH else float(reset)
