"""How a stream's rows are spread over requests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from ml_connector.singer.prefetch import in_order

if TYPE_CHECKING:
    from ml_connector.singer.normalise import Record


class MovedError(Exception):
    """The set of rows changed while it was being paged through: some may have been passed over."""


@dataclass(slots=True)
class Page:
    """The rows of one answer, how many there are in all if the server tells, when it came, and which page it is."""

    rows: list[Record]
    total: int | None = None
    received: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))
    number: int | None = None  # from 1; None where there are no pages
    place: Mapping[str, Any] | None = None
    """Where a later read may go on, everything before it being in this page and those before: goes into STATE."""

    def mark(self) -> bytes:
        """Return what tells this page from another, taken before its rows are changed."""
        return msgspec.json.encode([len(self.rows), self.rows[:1], self.rows[-1:]])


Unread = Callable[[], Page]
"""A page that has come but whose rows are not decoded yet: so, pages ahead cost no more than their bytes."""

Get = Callable[[Mapping[str, Any]], Unread]


class Paging(ABC):
    """A way to read all pages."""

    @abstractmethod
    def pages(self, get: Get, size: int, ahead: int) -> Iterator[Page]:
        """Yield every page in order; `get` takes the query parameters of one. Raises MovedError."""


@dataclass(frozen=True, slots=True)
class Whole(Paging):
    """One answer holds everything."""

    def pages(self, get: Get, size: int, ahead: int) -> Iterator[Page]:
        """Yield the one page."""
        del size, ahead
        yield get({})()


@dataclass(frozen=True, slots=True)
class Numbered(Paging):
    """Pages by number from 1, the first one alone, the rest ahead in threads.

    A page may be cut below the size asked for without a word, so the end is an empty page or all rows of the total,
    never a short page (apis/visma.md §3.1). An endpoint that ignores the page number repeats its page: without a total
    that is the end, too. `weigh` counts what the total counts.
    """

    number: str = "pageNumber"
    size: str = "pageSize"
    weigh: Callable[[list[dict[str, Any]]], int] = len

    def pages(self, get: Get, size: int, ahead: int) -> Iterator[Page]:
        """Yield page after page."""

        def page(number: int) -> Unread:
            return get({self.number: number, self.size: size})

        first = page(1)()
        first.number = 1
        total, seen, mark, number = first.total, self.weigh(first.rows), first.mark(), 2
        step = max(1, seen)
        yield first
        while first.rows and (total is None or seen < total):
            # As many pages as are missing; another round follows where they were cut shorter than the first.
            numbers = count(number) if total is None else range(number, number - (seen - total) // step)
            for current in map(_read, in_order(page, numbers, ahead)):
                if not _goes_on(current, mark, total):
                    return
                current.number = number
                mark, number, seen = current.mark(), number + 1, seen + self.weigh(current.rows)
                yield current


def _read(page: Unread) -> Page:
    return page()


def _goes_on(current: Page, before: bytes, total: int | None) -> bool:
    """Say whether rows are still coming; without a total, an empty or repeated page is the end."""
    if current.total not in (None, total):
        raise MovedError(f"its total went from {total} to {current.total}")
    if current.rows and current.mark() != before:
        return True
    if total is not None:
        raise MovedError(f"a page is {'repeated' if current.rows else 'empty'} before all {total} rows were seen")
    return False
