"""Money is Decimal from wire to wire (L7): exact reading, exact arithmetic, rounding only where it is asked for."""

from __future__ import annotations

import re
from decimal import (
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_FAULTS = [InvalidOperation, Overflow, DivisionByZero]
#: Sums and products of amounts must come out exactly; 60 digits hold any product of two 28-digit numbers.
EXACT = Context(prec=60, Emax=60, Emin=-60, traps=[*_FAULTS, Inexact])
#: A quotient is rarely exact: 28 digits, as in the decimal module's own default.
QUOTIENT = Context(prec=28, Emax=60, Emin=-60, rounding=ROUND_HALF_EVEN, traps=_FAULTS)
#: Rounding to a currency's precision: half away from zero, as on an invoice.
ROUNDING = Context(prec=60, Emax=60, Emin=-60, rounding=ROUND_HALF_UP, traps=_FAULTS)

#: Larger and smaller numbers are no amounts; the sum of a billion of these is still exact.
MAX_DIGITS = 30
MAX_DECIMALS = 20
DEFAULT_PRECISION = 2
_OTHER_PRECISIONS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
#: ISO 4217 minor units that are not two.
PRECISION = MappingProxyType({code: digits for digits, codes in _OTHER_PRECISIONS.items() for code in codes.split()})
_ONE = Decimal(1)
_CENT = _ONE.scaleb(-DEFAULT_PRECISION)
_UNITS: Mapping[str | None, Decimal] = MappingProxyType({code: _ONE.scaleb(-n) for code, n in PRECISION.items()})
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,20})?|\.\d{1,20})")


def precision(currency: str | None) -> int:
    """Return how many decimals amounts of `currency` have (ISO 4217); two for a currency the standard does not list."""
    return PRECISION.get(currency or "", DEFAULT_PRECISION)


def number(value: Any) -> Decimal:
    """Return `value` as an exact Decimal: a Decimal, an int, or plain digits in a text.

    A float is refused with TypeError: its decimals were lost before it came here (L7).
    """
    if isinstance(value, Decimal):
        result = value
    elif isinstance(value, int) and not isinstance(value, bool):
        result = EXACT.create_decimal(value)
    elif isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        result = Decimal(value.strip())
    else:
        raise TypeError(f"a {type(value).__name__} is not an exact number")
    if not result.is_finite() or abs(result.adjusted()) > MAX_DIGITS:
        raise ValueError("not a number of ordinary size")
    return result


def round_money(amount: Decimal, currency: str | None) -> Decimal:
    """Round to the currency's precision, half away from zero."""
    return amount.quantize(_UNITS.get(currency, _CENT), None, ROUNDING)  # by position: twice as fast as by name


def normalise(amount: Decimal, currency: str | None) -> Decimal:
    """Write an amount with its currency's decimals (`1234.7700` NOK is 1234.77), but never drop a digit that counts."""
    rounded = amount.quantize(_UNITS.get(currency, _CENT), None, ROUNDING)
    if rounded == amount:
        return rounded
    if int(amount.as_tuple().exponent) < -MAX_DECIMALS:
        raise ValueError(f"more than {MAX_DECIMALS} decimals")
    return amount


def plain(value: Decimal) -> Decimal:
    """Write a number without idle zeros (`1.5000` is 1.5, `10.00` is 10): the same value is always the same text."""
    return value.normalize(EXACT) if value != value.to_integral_value() else value.quantize(_ONE, None, EXACT)


def total(*amounts: Decimal | None) -> Decimal:
    """Add amounts exactly; a missing one counts as nothing."""
    result = Decimal(0)
    for amount in amounts:
        if amount is not None:
            result = EXACT.add(result, amount)
    return result
