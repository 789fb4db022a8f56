"""How amounts, ages and names are written for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def plain(name: str) -> str:
    """Return a name of the store as words: `supplier_invoices` is `supplier invoices`."""
    return name.replace("_", " ")


def money(amount: Decimal) -> str:
    """Return an amount with thousands separated and at least two decimals; no digit is lost."""
    whole, _, decimals = f"{amount:,f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def amounts(sums: Mapping[str, Decimal]) -> str:
    """Return sums per currency on one line."""
    return ", ".join(f"{currency} {money(amount)}" for currency, amount in sorted(sums.items()))


def age(since: str, now: datetime | None = None) -> str:
    """Return how long ago a stored moment is, in its largest unit."""
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(since)).total_seconds()
    for unit, size in _UNITS:
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "just now"


def short(text: str, longest: int = 60) -> str:
    """Return the text, cut where a line would get too long."""
    return text if len(text) <= longest else f"{text[:longest].rstrip()}…"


def many(count: int, noun: str) -> str:
    """Return a count with its noun: `1 record`, `2 records`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
