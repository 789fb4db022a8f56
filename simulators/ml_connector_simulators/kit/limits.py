"""A rate limit of so many calls per fixed window."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_connector_simulators.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one call finds: whether it is let in, what is left, and the seconds until the window ends."""

    granted: bool
    remaining: int
    reset: int


@dataclass
class FixedWindow:
    """`limit` calls per caller in each window of `seconds` on the simulated clock."""

    clock: Clock
    limit: int
    seconds: int
    _used: dict[tuple[str, int], int] = field(default_factory=dict)

    def take(self, caller: str) -> Allowance:
        """Count one call of a caller."""
        now = self.clock.now().timestamp()
        window = int(now // self.seconds)
        used = self._used.get((caller, window), 0)
        reset = math.ceil((window + 1) * self.seconds - now)
        if used >= self.limit:
            return Allowance(granted=False, remaining=0, reset=reset)
        self._used[caller, window] = used + 1
        return Allowance(granted=True, remaining=self.limit - used - 1, reset=reset)
