"""The time, as something tests can replace."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from ml_connector.errors import OutOfPatience

GLANCE = 0.5  # seconds between two looks whether to wait on
LONGEST = timedelta(days=3650).total_seconds()  # a server may name any number; a date beyond this says nothing


class Clock:
    """The system's time. `end` lets every wait end, in whatever thread: a run that is terminated waits no longer."""

    _ended = False

    def now(self) -> datetime:
        """Return the wall clock, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait. Raises OutOfPatience as soon as the waits are ended."""
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:
            if self._ended:
                raise OutOfPatience("the run was asked to end while it waited; run again")
            time.sleep(min(left, GLANCE))

    @property
    def ended(self) -> bool:
        """Whether the waits are ended."""
        return self._ended

    def end(self) -> None:
        """End every wait, now and from now on. A signal handler may call it: it takes no lock."""
        self._ended = True

    def after(self, seconds: float) -> datetime:
        """Return the wall clock time that is `seconds` away."""
        return self.now() + timedelta(seconds=min(seconds, LONGEST))
