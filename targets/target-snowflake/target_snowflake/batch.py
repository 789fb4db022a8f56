"""One batch on its way: its files, what is in them, and which records it settles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from target_snowflake.columns import Column
    from target_snowflake.group import Sums
    from target_snowflake.shape import Shape


@dataclass(slots=True)
class Batch:
    """Rows of one stream that are loaded together."""

    id: str
    shape: Shape
    exact: tuple[Column, ...]  # text columns beside numbers that were rounded
    partial: bool
    files: list[Path]
    rows: int
    bytes: int
    sums: Sums  # of the rows in the files
    folded: Sums  # records that others of the batch have taken in
    first: int  # the number of its first record among all that came
    first_key: str | None
    last_key: str | None
    received_at: str
    state: str | None = None  # the newest STATE that came before its end
    arrived: Collection[str] = field(default_factory=frozenset)  # business keys of dead letters it brings
