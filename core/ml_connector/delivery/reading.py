"""Delivered rows read again: what the target shows now, beside what it confirmed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ml_connector.errors import Forbidden
from ml_connector.secrets.personal import NESTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ml_connector.delivery.sink import Effect, Row, Sink

TWICE = "several rows have its key"
"""Why a row that was found more than once differs."""


class Found(StrEnum):
    """What reading a delivered row again can show."""

    EQUAL = "equal"
    DIFFERS = "differs"
    MISSING = "missing"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Reading:
    """A delivered row as the target shows it now, column by column under the names it was sent with."""

    effect: Effect
    found: Found
    table: str  # where it was looked up: the table in which the row ends
    differences: dict[str, tuple[str, str]] = field(default_factory=dict)  # column → as sent, as it is
    compared: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)  # column that was sent and not compared → why
    amounts: dict[str, tuple[str, str]] = field(default_factory=dict)  # column → live amount, its currency or ''
    message: str = ""  # why it could not be read, or is not one row

    @classmethod
    def unreadable(cls, effect: Effect, table: str, error: Exception) -> Reading:
        """Return the reading of a row that the account may not look at."""
        return cls(effect, Found.UNREADABLE, table, message=str(error))


def by_key(sink: Sink, effects: Sequence[Effect]) -> Iterator[Reading]:
    """Look every row up by its key in the table it was sent to, and compare it column by column."""
    groups: dict[tuple[str, tuple[str, ...]], list[Effect]] = defaultdict(list)
    for effect in effects:
        groups[effect.table, tuple(effect.key)].append(effect)
    for (table, columns), members in groups.items():
        wanted = sorted({name for effect in members for name, value in effect.payload.items() if _is_plain(value)})
        try:
            live = sink.lookup(table, columns, [tuple(effect.key.values()) for effect in members], wanted)
        except Forbidden as error:
            yield from (Reading.unreadable(effect, table, error) for effect in members)
            continue
        for effect in members:
            yield _compared(effect, live.get(tuple(effect.key.values()), []))


def _compared(effect: Effect, rows: Sequence[Row]) -> Reading:
    if len(rows) != 1:
        found = Found.DIFFERS if rows else Found.MISSING
        return Reading(effect, found, effect.table, message=TWICE if rows else "")
    sent = {name: _text(value) for name, value in effect.payload.items() if _is_plain(value)}
    live = {name: _text(rows[0][name]) for name in sent if name in rows[0]}
    differences = {name: (sent[name], text) for name, text in live.items() if not _same(sent[name], text)}
    amounts = {name: (text, "") for name, text in live.items() if is_number(text)}
    left_out = dict.fromkeys(sent.keys() - live.keys(), "the target does not show it")
    found = Found.DIFFERS if differences else Found.EQUAL
    return Reading(effect, found, effect.table, differences, tuple(live), left_out, amounts)


def _is_plain(value: Any) -> bool:
    """Say whether a value is of one column; what is nested only its sink can compare."""
    return not isinstance(value, NESTED)


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return "" if value is None else str(value)


def _same(sent: str, live: str) -> bool:
    return sent.strip() == live.strip() or (is_number(sent) and is_number(live) and Decimal(sent) == Decimal(live))


def is_number(text: str) -> bool:
    """Say whether a text is a plain number."""
    try:
        return Decimal(text.strip()).is_finite()
    except ArithmeticError:
        return False
