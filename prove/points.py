"""Where to kill: named seams times a seeded pass of each, most of them while rows are under way."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from prove.seams import FIRST_ROW, LAST_SETTLE

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

DANGEROUS = 0.85  # share of the points between the first outbox row and the last settle


@dataclass(frozen=True, slots=True)
class Point:
    """The N-th pass of a seam; `dangerous` when it lies between the first outbox row and the last settle."""

    seam: str
    number: int
    dangerous: bool

    def __str__(self) -> str:
        return f"{self.seam}:{self.number}"


def points(order: Sequence[str], count: int, chance: random.Random) -> list[Point]:
    """Choose points among the passes that an undisturbed run makes, each seam as often as the others."""
    inside, outside = _passes(order)
    wanted = ceil(count * DANGEROUS)
    chosen = _spread(inside, wanted, chance, dangerous=True)
    return chosen + _spread(outside, count - wanted, chance, dangerous=False)


def _passes(order: Sequence[str]) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """Return the passes of each seam inside and outside the dangerous time."""
    first = order.index(FIRST_ROW)
    last = len(order) - 1 - list(reversed(order)).index(LAST_SETTLE)
    counts: Counter[str] = Counter()
    inside: dict[str, list[int]] = defaultdict(list)
    outside: dict[str, list[int]] = defaultdict(list)
    for position, seam in enumerate(order):
        counts[seam] += 1
        (inside if first <= position <= last else outside)[seam].append(counts[seam])
    return inside, outside


def _spread(passes: dict[str, list[int]], count: int, chance: random.Random, *, dangerous: bool) -> list[Point]:
    seams = chance.sample(sorted(passes), len(passes))
    turns = [seams[turn % len(seams)] for turn in range(count)]
    return [Point(seam, chance.choice(passes[seam]), dangerous) for seam in turns]
