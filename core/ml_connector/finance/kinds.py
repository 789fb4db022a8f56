"""The kinds of canonical fields, and how a mapped value becomes one, exactly or not at all."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ml_connector.finance import money

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    #: A value and the record's currency; raises TypeError or ValueError in plain words.
    Convert = Callable[[Any, str | None], Any]


def to_text(value: Any, _currency: str | None = None) -> str | None:
    """Return a text without outer blanks; numbers become their plain digits; an empty text is no value."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        raise TypeError("true or false is not a text")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(money.number(value), "f")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} is not a text")


def to_money(value: Any, currency: str | None) -> Decimal:
    """Return an exact amount, written with the currency's decimals."""
    return money.normalise(money.number(value), currency)


def to_number(value: Any, _currency: str | None = None) -> Decimal:
    """Return an exact number that is not money, without idle zeros: a quantity, a rate, a unit price."""
    return money.plain(money.number(value))


def to_date(value: Any, _currency: str | None = None) -> date | None:
    """Return the calendar date as written; a time of day after it is dropped, without any time-zone arithmetic."""
    if isinstance(value, str):
        return _read_date(value.strip())
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    raise TypeError(f"a {type(value).__name__} is not a date")


def _read_date(text: str) -> date | None:
    if not text:
        return None
    if text[10:11] not in {"", "T", " "} or text[4:5] != "-":
        raise ValueError(f"{text[:40]!r} is not a date like 2026-10-31")
    return date.fromisoformat(text[:10])


def to_boolean(value: Any, _currency: str | None = None) -> bool | None:
    """Return true or false, also from the texts `true` and `false`."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in {"true", "false", ""}:
        return {"true": True, "false": False}.get(value.strip().lower())
    raise TypeError("neither true nor false")


CONVERT: Mapping[str, Convert] = MappingProxyType(
    {"text": to_text, "money": to_money, "number": to_number, "date": to_date, "boolean": to_boolean}
)
