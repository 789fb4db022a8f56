"""Our clock beside the instance's: how long ago something was, and whether a row is newer than an attempt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_connector.delivery.sink import Effect
    from ml_connector.http import Clock
    from ml_connector.vendors.servicenow.reader import Reader

GRAIN = timedelta(seconds=2)  # time stamps and the Date header tell whole seconds only
MOMENT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Moments:
    """Compares moments of both clocks."""

    reader: Reader
    clock: Clock

    def since(self, moment: datetime | None) -> timedelta:
        """Return how long ago a moment was; none that was told is not over."""
        return timedelta(0) if moment is None else self.clock.now() - moment

    def newer(self, effect: Effect, stamp: str) -> bool:
        """Say whether a time stamp of the instance is later than the effect's newest attempt."""
        since: datetime = self.reader.server_time(effect.sent_at or self.clock.now()) - GRAIN
        return stamp >= since.strftime(MOMENT)
