"""Numbers the way the database keeps them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_MONEY = Decimal("0.0001")
_QUANTITY = Decimal("0.000001")
_CENT = Decimal("0.01")


def money(value: Decimal | int | str) -> Decimal:
    """An amount with four decimal places, as the API sends it (`2000.0000`)."""
    return Decimal(value).quantize(_MONEY)


def quantity(value: Decimal | int | str) -> Decimal:
    """A quantity with six decimal places."""
    return Decimal(value).quantize(_QUANTITY)


def cents(value: Decimal) -> Decimal:
    """Rounded to the currency, half up, and kept with four places."""
    return money(value.quantize(_CENT, ROUND_HALF_UP))
