"""Segmented codes: one part of a code that says several things at once, such as a subaccount of department and region.

How a system cuts its codes is a setting, for its API may not tell (apis/acumatica.md §4): by what stands between the
parts, or by their lengths where codes are written without it.
"""

from __future__ import annotations

import re
from itertools import accumulate, pairwise

_MASK = re.compile(r"\d{1,3}(-\d{1,3})*")


def segment(code: str, number: int, separator: str, mask: str | None = None) -> str | None:
    """Return the part of a code by its number from 1, without outer blanks; None when the code has no such part.

    `mask` are the lengths of the parts, `3-3`: with it the separator, where it is written, does not count.
    Raises ValueError for a mask that is none.
    """
    parts = _by_lengths(code.replace(separator, "") if separator else code, mask) if mask else _split(code, separator)
    return parts[number - 1].strip() or None if 0 < number <= len(parts) else None


def _split(code: str, separator: str) -> list[str]:
    return code.split(separator) if separator else [code]


def _by_lengths(code: str, mask: str) -> list[str]:
    if not _MASK.fullmatch(mask):
        raise ValueError(f"{mask[:40]!r} names no lengths of segments, such as 3-3")
    return [code[start:end] for start, end in pairwise(accumulate(map(int, mask.split("-")), initial=0))]
