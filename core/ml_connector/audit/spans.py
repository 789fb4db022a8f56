"""Numbers of events as spans: `1-4,7` are five of them. A tombstone names so what it covers."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SPAN = re.compile(r"(\d+)(?:-(\d+))?")
_LAST = 1 << 62


class Spans:
    """A set of numbers, kept as sorted spans."""

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._spans = sorted(spans)

    @classmethod
    def read(cls, *texts: str) -> Spans:
        """Return the numbers that any of these texts names."""
        found = (_SPAN.fullmatch(part) for text in texts for part in text.split(","))
        return cls((int(span[1]), int(span[2] or span[1])) for span in found if span)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Spans:
        """Return sorted numbers as spans."""
        spans: list[tuple[int, int]] = []
        for number in numbers:
            if spans and spans[-1][1] == number - 1:
                spans[-1] = (spans[-1][0], number)
            else:
                spans.append((number, number))
        return cls(spans)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._spans, (number, _LAST))
        return at > 0 and number <= self._spans[at - 1][1]

    def __str__(self) -> str:
        return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in self._spans)
