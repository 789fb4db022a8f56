"""How a list is read that tells neither how many rows it has nor where the next ones are (apis/acumatica.md §3).

By the key where one field is the key: `VendorID gt 'V0100'`. Rows that come or go then do no harm, but it takes rows in
the order of their keys, which Acumatica keeps without promising it: it is checked as the pages arrive. Else by `$skip`,
each page beginning with the last row of the one before, so that rows which moved are noticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from ml_connector.singer.paging import Get, MovedError, Page, Paging, Unread
from ml_connector.singer.prefetch import in_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TOP, SKIP = "$top", "$skip"
AFTER = "after"
"""The paging parameter that holds the key after which rows are wanted."""


class UnorderedError(MovedError):
    """Rows do not come in the order of their keys."""


@dataclass(frozen=True, slots=True)
class ByKey(Paging):
    """Page after page by the key, which is one text field."""

    key: str

    def pages(self, get: Get, size: int, ahead: int) -> Iterator[Page]:
        """Yield every page. Raises UnorderedError."""
        del ahead  # each request needs the last row of the one before
        last: str | None = None
        for number in count(1):
            page = get({TOP: size, **({} if last is None else {AFTER: last})})()
            page.number = number
            for row in page.rows:
                here = str(row[self.key])
                if last is not None and here.casefold() <= last.casefold():
                    raise UnorderedError(f"{self.key} {here!r} came after {last!r}")
                last = here
            full = len(page.rows) >= size
            yield page
            if not full:
                return


@dataclass(frozen=True, slots=True)
class BySkip(Paging):
    """Page after page by number, each but the first with the last row of the one before as its own first."""

    keys: Sequence[str]

    def pages(self, get: Get, size: int, ahead: int) -> Iterator[Page]:
        """Yield every page. Raises MovedError when the rows are not where they were."""

        def fetch(number: int) -> Unread:
            return get({TOP: size + (number > 0), SKIP: number * size - (number > 0)})

        seen: set[int] = set()  # hashes: of a large stream, keys would be the most that is held
        last: tuple[str, ...] = ()
        for number, unread in enumerate(in_order(fetch, count(), ahead - 1), 1):
            page = unread()
            page.number = number
            if number > 1:
                self._take_off(page, last)
            for row in page.rows:
                last = self._key(row)
                if (mark := hash(last)) in seen:
                    raise MovedError(f"{'/'.join(last)} came twice")
                seen.add(mark)
            full = len(page.rows) >= size
            if page.rows or number == 1:
                yield page
            if not full:
                return

    def _take_off(self, page: Page, last: tuple[str, ...]) -> None:
        """Take the first row off a page, which must be the last one of the page before."""
        if not page.rows or self._key(page.rows[0]) != last:
            raise MovedError(f"{'/'.join(last)} is not where it was")
        del page.rows[0]

    def _key(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(row.get(name)) for name in self.keys)
