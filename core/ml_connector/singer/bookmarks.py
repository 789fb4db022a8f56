"""The watermark rule: where the next incremental read begins, without ever asking a clock (L6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Watermark:
    """Keeps the largest modified value received; ISO texts of one server sort like the moments they name."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._largest = ""

    def see(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Look at rows as they are received."""
        self._largest = max((self._largest, *(str(row.get(self._field) or "") for row in rows)))

    def since(self, overlap: timedelta, reading: timedelta) -> str | None:
        """Return where to begin next time: the largest value less the overlap, or less the time the read took.

        None when nothing with a readable value was received. A value without a zone stays without one.
        """
        try:
            return earlier(self._largest, max(overlap, reading))
        except ValueError:
            return None


def earlier(moment: str, by: timedelta) -> str:
    """Return an ISO moment `by` earlier, in the zone it has, or without one."""
    return (datetime.fromisoformat(moment) - by).isoformat(timespec="milliseconds")


def first_since(start_date: str) -> str:
    """Return a configured start date as a naive text, a day early: the server's zone is not known."""
    start = datetime.fromisoformat(start_date)
    naive = start.astimezone(UTC).replace(tzinfo=None) if start.tzinfo else start
    return (naive - timedelta(days=1)).isoformat(timespec="milliseconds")
