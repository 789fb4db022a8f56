"""Every form of `Retry-After`, and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

PATIENCE = 300.0
TEN_HOURS = 36_000


@dataclass(frozen=True, slots=True)
class Form:
    """A header, and the seconds it asks to wait; None when it names no time."""

    name: str
    header: str | None
    asked: float | None

    @property
    def too_long(self) -> bool:
        """Whether the run's patience ends before the server allows the next request."""
        return self.asked is not None and self.asked > PATIENCE


def forms(server: datetime, chance: random.Random, more: int) -> Iterator[Form]:
    """Yield the forms, dates on the server's clock, and `more` drawn by chance."""
    yield Form("seconds", "7", 7)
    yield Form("seconds with a fraction", "1.5", 1.5)
    yield Form("date", _date(server, 9), 9)
    yield Form("date gone by", _date(server, -3600), 0)
    yield Form("0", "0", 0)
    yield Form("negative", "-30", None)
    for garbage in ("soon", "12 seconds", "1e3", "nan", "0x10", "-", ""):
        yield Form("garbage", garbage, None)
    yield Form("10 h", str(TEN_HOURS), TEN_HOURS)
    yield Form("date 10 h ahead", _date(server, TEN_HOURS), TEN_HOURS)
    yield Form("missing", None, None)
    for _ in range(more):
        seconds = chance.randint(1, 45)  # five times running is still within patience
        yield Form("seconds", str(seconds), seconds)
        yield Form("date", _date(server, seconds), seconds)


def _date(server: datetime, seconds: int) -> str:
    return format_datetime(server + timedelta(seconds=seconds), usegmt=True)
