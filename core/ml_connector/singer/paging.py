"""How a stream's rows are spread over requests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from ml_connector.singer.prefetch import in_order

if TYPE_CHECKING:
    from ml_connector.singer.normalise import Record


class MovedError(Exception):
    """The set of rows changed while it was being paged through: some may have been passed over."""


@dataclass(slots=True)
class Page:
    """The rows of one answer, how many there are in all if the server tells, and when it came."""

    rows: list[Record]
    total: int | None = None
    received: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))

    def repeats(self, other: Page) -> bool:
        """Say whether this is the same page again."""
        ends, others = self.rows[:1] + self.rows[-1:], other.rows[:1] + other.rows[-1:]
        return len(self.rows) == len(other.rows) and ends == others


Get = Callable[[Mapping[str, Any]], Page]


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
        yield get({})


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

        def page(number: int) -> Page:
            return get({self.number: number, self.size: size})

        before = page(1)
        yield before
        total, step = before.total, max(1, self.weigh(before.rows))
        seen, number = self.weigh(before.rows), 2
        while before.rows and (total is None or seen < total):
            # As many pages as are missing; another round follows where they were cut shorter than the first.
            numbers = count(number) if total is None else range(number, number - (seen - total) // step)
            for current in in_order(page, numbers, ahead):
                if not _goes_on(current, before, total):
                    return
                yield current
                before, number, seen = current, number + 1, seen + self.weigh(current.rows)


def _goes_on(current: Page, before: Page, total: int | None) -> bool:
    """Say whether rows are still coming; without a total, an empty or repeated page is the end."""
    if current.total not in (None, total):
        raise MovedError(f"its total went from {total} to {current.total}")
    if current.rows and not current.repeats(before):
        return True
    if total is not None:
        raise MovedError(f"a page is {'repeated' if current.rows else 'empty'} before all {total} rows were seen")
    return False
