"""A clock that the engine believes and tests move."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

from ml_connector.store.text import utc_now


class Watch:
    """Time that passes only when told to."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def tick(self, **passed: float) -> None:
        self._now += timedelta(**passed)


@contextmanager
def living_by(clock: Callable[[], datetime]) -> Iterator[None]:
    """Let every module of core that asks for the time ask this clock."""
    with ExitStack() as patches:
        for name, module in list(sys.modules.items()):
            if name.startswith("ml_connector.") and getattr(module, "utc_now", None) is utc_now:
                patches.enter_context(patch.object(module, "utc_now", clock))
        yield
