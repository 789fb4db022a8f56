"""Money is exact or refused: nothing in between."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_connector.finance import kinds, money

DIGITS_28 = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**24) + 1, max_value=10**24 - 1)
CURRENCIES = st.sampled_from(["NOK", "EUR", "JPY", "KWD", "CLF", "ISK", "XXX", None])


@given(DIGITS_28, CURRENCIES)
def test_an_amount_of_28_digits_keeps_its_value(amount: Decimal, currency: str | None) -> None:
    assert kinds.to_money(amount, currency) == amount
    assert kinds.to_money(format(amount, "f"), currency) == amount


@given(DIGITS_28, DIGITS_28)
def test_sums_are_exact(first: Decimal, second: Decimal) -> None:
    assert money.total(first, second, money.EXACT.minus(second)) == first


@given(st.integers(min_value=-(10**30), max_value=10**30), CURRENCIES)
def test_whole_minor_units_are_written_with_the_currencys_decimals(units: int, currency: str | None) -> None:
    decimals = money.precision(currency)
    amount = kinds.to_money(Decimal(units).scaleb(-decimals, money.EXACT), currency)
    assert -int(amount.as_tuple().exponent) == decimals


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("2.345", "NOK", "2.35"),
        ("-2.345", "NOK", "-2.35"),
        ("2.3449999", "NOK", "2.34"),
        ("0.5", "JPY", "1"),
        ("2.5", "JPY", "3"),
        ("1.0005", "KWD", "1.001"),
        ("1.00005", "CLF", "1.0001"),
        ("1.005", None, "1.01"),
    ],
)
def test_rounding_is_half_away_from_zero_at_the_currencys_precision(amount: str, currency: str, rounded: str) -> None:
    assert str(money.round_money(Decimal(amount), currency)) == rounded


@pytest.mark.parametrize(
    ("given_", "currency", "written"),
    [("1234.7700", "NOK", "1234.77"), ("1234.0000", "JPY", "1234"), ("5", "KWD", "5.000"), ("0.0000", "EUR", "0.00")],
)
def test_vendor_decimals_become_the_currencys(given_: str, currency: str, written: str) -> None:
    assert str(kinds.to_money(Decimal(given_), currency)) == written


def test_a_digit_that_counts_is_never_dropped() -> None:
    assert str(kinds.to_money(Decimal("10.0050"), "NOK")) == "10.0050"
    assert str(kinds.to_money(Decimal("0.5"), "JPY")) == "0.5"


@pytest.mark.parametrize(
    "value", [1.1, 1.0, True, None, "1e3", "12,50", "1 000", "NaN", "", Decimal("NaN"), Decimal("Infinity"), [1]]
)
def test_what_is_not_an_exact_number_is_no_money(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        kinds.to_money(value, "NOK")


@pytest.mark.parametrize(
    "value",
    [
        Decimal("1E+1000000"),
        Decimal("1E-1000000"),
        Decimal("1E+31"),
        Decimal("1." + "1" * 30),
        10**100,
        "9" * 70,
        "9" * 40,
    ],
)
def test_a_number_that_would_fill_the_memory_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError, ArithmeticError)):
        kinds.to_money(value, "NOK")


@pytest.mark.parametrize(("value", "plain"), [("1.5000", "1.5"), ("10.00", "10"), ("0E-4", "0"), ("-2.50", "-2.5")])
def test_numbers_are_written_without_idle_zeros(value: str, plain: str) -> None:
    assert str(kinds.to_number(Decimal(value))) == plain
