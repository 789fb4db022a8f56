"""Plain values → the JSON the contract takes, and back to texts that can be compared (apis/acumatica.md §3, §5)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WHOLE = frozenset({"IntValue", "ShortValue", "LongValue", "ByteValue"})
NUMBERS = WHOLE | {"DecimalValue", "DoubleValue"}
_TRUTH = {"true": True, "false": False, "1": True, "0": False}
_PROSE = re.compile(r"note|Attention|City|.*(Description|Name)|AddressLine\d").fullmatch
_DAY = 10  # characters of a date


class EmptyValues(StrEnum):
    """What an empty value does to a field of a document that exists."""

    KEEP = "keep"
    CLEAR = "clear"


class Unfit(ValueError):
    """The value has no form that a field of this kind takes."""


def wire(value: Any, kind: str) -> Any:
    """Return a value as a field of this kind takes it. Raises Unfit."""
    if value is None:
        return None
    try:
        return _reader(kind)(value)
    except (ArithmeticError, KeyError, TypeError, ValueError):
        raise Unfit(f"{text(value)!r} is no {kind.removesuffix('Value').lower()}") from None


def text(value: Any) -> str:
    """Return a value as text; a date and a time of day as ISO writes them, no blanks at the end (segmented keys)."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value or value.copy_abs(), "f")  # never -0.00
        case date():
            return value.isoformat()
        case str() | int() | float():
            return str(value).rstrip()
        case _:
            raise Unfit(f"a {type(value).__name__} is no plain value")


def same(sent: Any, live: Any, kind: str, name: str = "") -> bool:
    """Say whether a live value is the sent one: codes ignore case and padding, numbers how they are written.

    What people write in their own words, such as a description, is another text in another case.
    """
    ours, theirs = text(sent), text(live)
    if ours == theirs or not (ours or theirs):
        return True
    if kind in NUMBERS:
        return _both(Decimal, ours, theirs)
    if kind == "DateTimeValue":
        return _same_moment(ours, theirs)
    if kind == "BooleanValue":
        return _both(lambda word: _TRUTH[word.lower()], ours, theirs)
    return not _PROSE(name) and ours.casefold() == theirs.casefold()


def literal(value: str, kind: str) -> str:
    """Return a value as `$filter` takes it; a quoted one against a number answers 500 (apis/acumatica.md §3)."""
    if kind in ("DecimalValue", "DoubleValue"):
        return f"{_number(value)}M"
    if kind in NUMBERS or kind == "BooleanValue":
        return text(wire(value, kind))
    quoted = "'" + value.replace("'", "''") + "'"
    return {"GuidValue": "guid", "DateTimeValue": "datetimeoffset"}.get(kind, "") + quoted


def plain(record: Mapping[str, Any], name: str) -> Any:
    """Return the plain value of one field of a record as the API shows it: `{}` is null."""
    told = record.get(name)
    return told.get("value") if isinstance(told, dict) else None


def _number(value: Any) -> Decimal:
    number = Decimal(text(value))
    if not number.is_finite():
        raise ValueError(value)
    return number


def _whole(value: Any) -> int:
    number = _number(value)
    if number != number.to_integral_value():
        raise ValueError(value)
    return int(number)


def _moment(value: Any) -> str:
    """Return a date as midnight without an offset: with one, the tenant's own time zone could shift the day."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(value)
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    day = text(value)
    if len(day) == _DAY:
        return f"{date.fromisoformat(day).isoformat()}T00:00:00"
    datetime.fromisoformat(day)
    return day


def _reader(kind: str) -> Callable[[Any], Any]:
    if kind in NUMBERS:
        return _whole if kind in WHOLE else _number
    return _WIRE.get(kind, text)


def _both(read: Callable[[str], Any], ours: str, theirs: str) -> bool:
    try:
        return bool(read(ours) == read(theirs))
    except (ArithmeticError, KeyError, ValueError, TypeError):
        return False


def _same_moment(ours: str, theirs: str) -> bool:
    if len(ours) == _DAY or ours.endswith("T00:00:00"):  # a date: what follows it is the server's midnight
        return ours[:_DAY] == theirs[:_DAY]
    return _both(datetime.fromisoformat, ours, theirs)


_WIRE: Mapping[str, Callable[[Any], Any]] = {
    "BooleanValue": lambda value: _TRUTH[text(value).lower()],
    "DateTimeValue": _moment,
}
