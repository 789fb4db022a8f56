"""Partial records of one key made one row: a later one overwrites what it has, and leaves the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def fold(
    rows: Sequence[Any], places: Sequence[int], keys: Sequence[Callable[[Any], Any]], fields: Sequence[str]
) -> tuple[list[Any], list[int]]:
    """Return one row per key with its place, that of the newest; rows are changed in place."""
    newest: dict[tuple[Any, ...], tuple[Any, int]] = {}
    for row, place in zip(rows, places, strict=True):
        key = tuple(getter(row) for getter in keys)
        before = newest.pop(key, None)
        if before is not None:
            _take_in(row, before[0], fields)
        newest[key] = (row, place)
    return [row for row, _ in newest.values()], [place for _, place in newest.values()]


def _take_in(row: Any, before: Any, fields: Sequence[str]) -> None:
    for name in fields:
        if getattr(row, name) is msgspec.UNSET:
            setattr(row, name, getattr(before, name))
