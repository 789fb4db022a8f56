"""Partial records of one key made one row: a later one overwrites what it has, and leaves the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def fold(
    rows: Sequence[Any], places: Sequence[int], keys: Sequence[Callable[[Any], Any]], fields: Sequence[str]
) -> tuple[list[Any], list[int], set[int]]:
    """Return one row per key with its place, that of the newest, and the places of rows that have taken in others.

    Rows are changed in place.
    """
    newest: dict[tuple[Any, ...], tuple[Any, int]] = {}
    mixed: set[int] = set()
    for row, place in zip(rows, places, strict=True):
        key = tuple(getter(row) for getter in keys)
        before = newest.pop(key, None)
        if before is not None and _take_in(row, before[0], fields):
            mixed.add(place)
        newest[key] = (row, place)
    return [row for row, _ in newest.values()], [place for _, place in newest.values()], mixed


def _take_in(row: Any, before: Any, fields: Sequence[str]) -> bool:
    """Return whether the row lacked something that it has now."""
    lacks = [name for name in fields if getattr(row, name) is msgspec.UNSET]
    for name in lacks:
        setattr(row, name, getattr(before, name))
    return any(getattr(row, name) is not msgspec.UNSET for name in lacks)
