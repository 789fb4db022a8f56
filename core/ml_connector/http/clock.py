"""The time, as something tests can replace."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

LONGEST = timedelta(days=3650).total_seconds()  # a server may name any number; a date beyond this says nothing


class Clock:
    """The system's time."""

    def now(self) -> datetime:
        """Return the wall clock, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def after(self, seconds: float) -> datetime:
        """Return the wall clock time that is `seconds` away."""
        return self.now() + timedelta(seconds=min(seconds, LONGEST))
