"""Segmented codes: one part of a code that says several things at once, such as a subaccount of department and region.

How a system cuts its codes is a setting: a separator between the parts, or the lengths of the parts where it writes
them without one (apis/acumatica.md §4: the tenant's mask is not told by the API).
"""

from __future__ import annotations

import re
from itertools import pairwise

_LENGTHS = re.compile(r"\d+( \d+)*")


def segment(code: str, number: int, mask: str) -> str | None:
    """Return the part of a code by its number from 1, without outer blanks; None when the code has no such part.

    `mask` is a separator (`-`), or the lengths of the parts (`3 4`).
    """
    parts = _cut(code, [int(length) for length in mask.split()]) if _LENGTHS.fullmatch(mask) else code.split(mask)
    return parts[number - 1].strip() or None if 0 < number <= len(parts) else None


def _cut(code: str, lengths: list[int]) -> list[str]:
    ends = [sum(lengths[:count]) for count in range(len(lengths) + 1)]
    return [code[start:end] for start, end in pairwise(ends)]
