"""One clock for a process of ours and a simulator: who waits on it lets time pass in both, and nothing waits."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from ml_connector.http import Clock

if TYPE_CHECKING:
    from datetime import datetime

    from ml_connector_simulators.kit import Simulator


class CommonClock(Clock):
    """Our clock; sleeping on it lets the simulator's time pass too, and nothing waits."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._slept = 0.0

    def now(self) -> datetime:
        """Return the wall clock, in UTC."""
        return super().now() + timedelta(seconds=self._slept)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return super().monotonic() + self._slept

    def sleep(self, seconds: float) -> None:
        """Let time pass in both."""
        self._slept += seconds
        self._simulator.clock.advance(seconds)
        with suppress(TimeoutError):  # a late commit that is not due yet
            self._simulator.settle(timeout=0.2)
