"""Reading a table page after page by keys, without believing a short or an empty page (apis/servicenow.md §2.3).

Offsets skip rows when others come, go or change. So a page begins where the one before it ended, in the order of
(sys_updated_on, sys_id). Stamps are whole seconds: rows of the second that a page ended in are asked for again and
left out, or, where they are many, the rest of that second is read by itself. The limit is applied before access rules,
so only a count, taken before them, tells a hidden row from the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ml_connector.errors import BadAnswer, Forbidden, TooMuch
from ml_connector.singer.paging import Get, Page, Paging
from ml_connector.singer.prefetch import begin

from tap_servicenow.shape import STAMP, SYS_ID
from tap_servicenow.values import Part, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_servicenow.rows import Raw

DROPPED = (
    "the instance dropped a part of the query: rows came that were not asked for, or in another order. A query ACL "
    "(query_range) on sys_updated_on or sys_id denies it to the account: lift it; without the one on sys_updated_on, "
    "full_tables may name the table."
)
_HEX = re.compile(r"[0-9a-f]{32}").fullmatch
SEVERAL = 10  # a share of a page, one in so many, that is not read twice
MOST_HALVINGS = 6  # in a row, after which a page is waited for as any other answer
STEADY = 8  # pages after which more is asked for again
LAST = 3  # pages before the expected end from which on rows are counted


class Scope(StrEnum):
    """Which rows after the cursor are asked for."""

    FROM = "from"  # the cursor's second again, and all later
    WITHIN = "within"  # the rest of the cursor's second
    BEYOND = "beyond"  # all later


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row seen: its stamp, as the instance writes it, and its id. No stamp where rows are read by id alone."""

    stamp: str
    sys_id: str


Key = tuple[str, str]
"""A row's stamp, '' where rows are read by id alone, and its id."""


@dataclass(slots=True)
class Window(Page):
    """A page as it came, with the count of what its query matches, and the instance's time (both where told)."""

    date: Any = None
    is_plain: bool = False


@dataclass(slots=True)
class Pace:
    """How many rows are asked for at once: half as many after a page that was too much, more again after some."""

    most: int
    size: int = 0
    steady: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        self.size = self.most

    def slow_down(self) -> None:
        """Ask for half."""
        self.size, self.steady, self.failed = max(1, self.size // 2), 0, self.failed + 1

    @property
    def may_slow_down(self) -> bool:
        """Whether less is worth a try; an instance that is simply away would use up the run's time so."""
        return self.size > 1 and self.failed < MOST_HALVINGS

    def went_well(self) -> None:
        """Ask for twice as many after a while."""
        self.failed = 0
        self.steady += 1
        if self.steady >= STEADY and self.size < self.most:
            self.size, self.steady = min(self.most, self.size * 2), 0


@dataclass(slots=True)
class Walk:
    """How far a read has come, and what it asks next."""

    stamped: bool
    cursor: Cursor | None = None
    scope: Scope = Scope.FROM
    offset: int = 0
    counted: bool = True
    left: int = 0
    seen: set[str] = field(default_factory=set)
    """The ids already read of the second that the cursor stands in."""
    read: int = 0
    expected: int | None = None
    hidden: bool = False
    dubious: str = ""
    """The column whose comparison nothing matched: some instances answer so to a denied one."""
    done: bool = False

    def __post_init__(self) -> None:
        if not self.stamped:
            self.scope = Scope.BEYOND
        elif self.cursor is not None:
            self.scope = Scope.WITHIN

    def take(self, window: Window, keys: Sequence[Key], limit: int) -> list[Raw]:
        """Take a page; return its rows that are new."""
        fresh = self._fresh(window.rows, keys)
        self.read += len(fresh)
        total = window.total if self.counted else None
        if self.expected is None:
            self.expected = total
        self._judge(window, fresh, limit, total)
        return fresh

    def _fresh(self, rows: list[Raw], keys: Sequence[Key]) -> list[Raw]:
        at = self.cursor.stamp if self.cursor else None
        known = self.seen if self.stamped else set()
        places = [n for n, (stamp, sys_id) in enumerate(keys) if stamp != at or sys_id not in known]
        if not places:
            return []
        stamp, sys_id = keys[places[-1]]
        there = {other for second, other in keys if second == stamp}  # by id alone, those of the page: enough to notice
        self.seen = self.seen | there if self.stamped and stamp == at else there
        self.cursor = Cursor(stamp, sys_id)
        return rows if len(places) == len(rows) else [rows[place] for place in places]

    def _judge(self, window: Window, fresh: list[Raw], limit: int, total: int | None) -> None:
        """Decide what is asked next."""
        came = len(window.rows)
        if total is None:
            self._go_on_uncounted(fresh, came, limit)
            return
        self.left = max(0, total - self.offset - limit)
        self.hidden |= came < min(max(0, total - self.offset), limit)
        if total == 0:
            self.dubious = SYS_ID if self.scope is Scope.WITHIN or not self.stamped else STAMP
        if not self.left and came <= total - self.offset:  # more than were counted: the table is changing
            self._end_of_query()
        elif fresh:
            self._step(limit)
        elif came == limit and self.scope is Scope.FROM:
            self.scope, self.offset = Scope.WITHIN, 0  # the page held known rows only: the second is larger than it
        else:
            self.offset += limit  # all hidden: step over them inside the same query

    def _go_on_uncounted(self, fresh: list[Raw], came: int, limit: int) -> None:
        self.left = max(0, self.left - len(fresh))
        if fresh:
            self._step(limit)
            self.counted |= came < limit
        elif came == limit and self.scope is Scope.FROM:
            self.scope, self.offset, self.counted = Scope.WITHIN, 0, True
        elif self.counted:  # the instance gives no counts: an empty page is all the end there is
            self._end_of_query()
        else:
            self.counted = True

    def _step(self, limit: int) -> None:
        self.offset = 0
        self.counted = self.left <= LAST * limit
        if self.stamped:
            several = self.scope is Scope.WITHIN or len(self.seen) * SEVERAL > limit
            self.scope = Scope.WITHIN if several else Scope.FROM
            self.counted |= several

    def _end_of_query(self) -> None:
        if self.scope is Scope.WITHIN:
            self.scope, self.offset, self.counted = Scope.BEYOND, 0, True
        else:
            self.done = True


@dataclass(frozen=True, slots=True)
class Keyset(Paging):
    """Reads by keys; each page is fetched while the one before it is emitted.

    `get` takes `scope`, `cursor`, `limit`, `offset`, `counted`, `divisible`. `stamped` says whether the order is by
    change. `finish` is called at the end.
    """

    stamped: bool
    floor: str
    """The stamp that no row may be older than, as the instance writes it; '' for none."""
    start: Cursor | None
    prove: Callable[[str], None]
    """Raises when a column may not be compared: before anything is stepped over."""
    finish: Callable[[Walk], None]
    tell: Callable[[str], None]

    def pages(self, get: Get, size: int, ahead: int) -> Iterator[Page]:
        """Yield every page that has new rows, with the place it ends at. Raises Forbidden, BadAnswer."""
        del ahead  # the next page can be asked for only when one is there
        walk, pace = Walk(self.stamped, self.start), Pace(size)
        number = 1
        coming = begin(lambda ask: self._read(get, ask, pace), walk)
        while True:
            window, limit = coming.result()
            keys = self._keys(window.rows)
            self._check(keys, walk)
            fresh = walk.take(window, keys, limit)
            if walk.dubious:
                self.prove(walk.dubious)
                walk.dubious = ""
            if not walk.done:
                coming = begin(lambda ask: self._read(get, ask, pace), walk)
            if fresh:
                window.rows, window.number = fresh, number
                window.place = {"stamp": walk.cursor.stamp, "sys_id": walk.cursor.sys_id} if walk.cursor else None
                number += 1
                yield window
            if walk.done:
                self.finish(walk)
                return

    def _read(self, get: Get, walk: Walk, pace: Pace) -> tuple[Window, int]:
        while True:
            limit = pace.size
            asked = {"scope": walk.scope, "cursor": walk.cursor, "offset": walk.offset, "counted": walk.counted}
            try:
                page = get({**asked, "limit": limit, "divisible": pace.may_slow_down})()
            except TooMuch as fault:
                pace.slow_down()
                self.tell(f"{fault}; asking for {pace.size} rows at once")
                continue
            pace.went_well()
            assert isinstance(page, Window)  # noqa: S101  what our own `get` returns
            return page, limit

    def _check(self, keys: list[Key], walk: Walk) -> None:
        """Raise unless the rows are those asked for: a denied or unknown term is dropped with status 200 (fact 6)."""
        if not keys:
            return
        ordered = all(map(_HEX, (sys_id for _, sys_id in keys)))
        told = keys if ordered else [(stamp, "") for stamp, _ in keys]  # how a database sorts other ids is its business
        first = walk.cursor or Cursor(self.floor, "")
        after = told[0][1] > first.sys_id or not ordered or not _HEX(first.sys_id)
        fits = {
            Scope.FROM: told[0][0] >= first.stamp,
            Scope.WITHIN: told[0][0] == told[-1][0] == first.stamp and after,
            Scope.BEYOND: told[0][0] > first.stamp if self.stamped else after,
        }
        if not fits[walk.scope] or told != sorted(told):
            raise Forbidden(DROPPED)
        repeats = walk.scope is Scope.WITHIN or not self.stamped  # else a row may come again: it was changed again
        if repeats and not walk.seen.isdisjoint(sys_id for _, sys_id in keys):
            raise BadAnswer("the read does not come forward: the instance repeats rows that were read")

    def _keys(self, rows: Sequence[Raw]) -> list[Key]:
        """Return the key of each row. Raises Forbidden when one is hidden."""
        for name in (SYS_ID, STAMP) if self.stamped else (SYS_ID,):
            if any(name not in row for row in rows):
                raise Forbidden(f"{name} is not readable: give the account a role that may read it")
        ids = [text_of(row[SYS_ID], Part.VALUE) for row in rows]
        stamps = [text_of(row[STAMP], Part.VALUE) for row in rows] if self.stamped else [""] * len(ids)
        return list(zip(stamps, ids, strict=True))
