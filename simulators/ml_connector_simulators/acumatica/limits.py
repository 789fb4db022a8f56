"""The licence's limits on requests: wait in a queue, wait longer, be declined (apis/acumatica.md §2 Limits)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.responses import Response

from ml_connector_simulators.acumatica.errors import Refused
from ml_connector_simulators.kit import FixedWindow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ml_connector_simulators.acumatica.settings import Settings
    from ml_connector_simulators.kit import Clock

_MINUTE = 60


class Licence:
    """So many requests at once and a minute; what is more waits without a sign, or is declined."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings
        self._window = FixedWindow(clock, 0, _MINUTE)
        self._running = 0
        self._queue: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Let a request in when its turn comes."""
        await self._of_the_minute()
        await self._at_once()
        try:
            yield
        finally:
            self._running -= 1
            if self._queue:
                self._queue.pop(0).set_result(None)

    async def _of_the_minute(self) -> None:
        limit = self._settings.requests_per_minute
        if limit is None:
            return
        self._window.limit = limit
        allowance = self._window.take("site")
        if not allowance.granted:
            raise self._declined()
        if self._settings.delays and allowance.remaining < limit / 2:
            await self._clock.sleep(allowance.reset / (allowance.remaining + 1))

    async def _at_once(self) -> None:
        limit = self._settings.requests_at_once
        if limit is not None and self._running >= limit:
            if len(self._queue) >= self._settings.queue:
                raise self._declined()
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._queue.append(turn)
            await turn
        self._running += 1

    def _declined(self) -> Refused:
        headers = {} if self._settings.retry_after is None else {"Retry-After": str(self._settings.retry_after)}
        return Refused(Response("Too many requests.", 429, headers, media_type="text/plain"))
