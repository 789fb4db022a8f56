"""Segmented codes: one part of a code that says several things at once, such as a subaccount of department and region.

How a system cuts its codes is a setting, for its API may not tell (apis/acumatica.md §4): by what stands between the
parts, or by their lengths where codes are written without it.
"""

from __future__ import annotations

import re
from itertools import accumulate, pairwise

_MASK = re.compile(r"\d{1,3}(-\d{1,3})*")


def segments(code: str, separator: str, mask: str | None = None) -> list[str]:
    """Return the parts of a code.

    `mask` are the lengths of the parts, `3-3`: with it the separator, where it is written, does not count.
    Raises ValueError for a mask that is none.
    """
    if not mask:
        return code.split(separator) if separator else [code]
    if not _MASK.fullmatch(mask):
        raise ValueError(f"{mask[:40]!r} names no lengths of segments, such as 3-3")
    plain = code.replace(separator, "") if separator else code
    return [plain[start:end] for start, end in pairwise(accumulate(map(int, mask.split("-")), initial=0))]


def segment(code: str, number: int, separator: str, mask: str | None = None) -> str | None:
    """Return one part of a code by its number from 1, without outer blanks; None when the code has no such part."""
    parts = segments(code, separator, mask)
    return parts[number - 1].strip() or None if 0 < number <= len(parts) else None
