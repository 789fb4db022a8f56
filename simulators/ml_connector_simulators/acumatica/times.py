"""Days and moments: as they are kept, and as the server writes them (apis/acumatica.md §3 Dates)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

_DAY = 10  # the length of 2026-11-02
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


def stamp(moment: datetime) -> str:
    """A moment as it is kept: UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def moment_of(kept: str, zone: str) -> datetime:
    """The instant of a kept moment, or of a day's midnight at the server."""
    if len(kept) == _DAY:
        return datetime.combine(date.fromisoformat(kept), time(), ZoneInfo(zone))
    return datetime.fromisoformat(kept)


def written(kept: str, zone: str) -> str:
    """What the server writes: with its own offset, and without zeros at the end of a fraction."""
    moment = moment_of(kept, zone).astimezone(ZoneInfo(zone))
    text = moment.isoformat(timespec="milliseconds")
    body, offset = text[:-6], text[-6:]
    return body.rstrip("0").rstrip(".") + offset


def read_day(text: str, zone: str) -> str:
    """The day of a date that was sent: ISO with or without offset, or month/day/year."""
    if found := _AMERICAN.match(text):
        month, day, year = map(int, found.groups())
        return date(year, month, day).isoformat()
    moment = datetime.fromisoformat(text)
    return (moment.astimezone(ZoneInfo(zone)) if moment.tzinfo else moment).date().isoformat()


def read_moment(text: str, zone: str) -> str:
    """The moment that was sent; without an offset it is the server's."""
    moment = datetime.fromisoformat(text)
    return stamp(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone)))
