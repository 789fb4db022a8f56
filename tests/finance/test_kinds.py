"""The other kinds of fields."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from ml_connector.finance import kinds


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-10-31", date(2026, 10, 31)),
        ("2026-10-31T00:00:00", date(2026, 10, 31)),
        ("2026-10-31T23:59:59.997", date(2026, 10, 31)),
        ("2026-10-31T23:30:00+02:00", date(2026, 10, 31)),  # the day as written, not as it is elsewhere
        ("2026-10-31 22:00:00", date(2026, 10, 31)),
        (" 2026-10-31 ", date(2026, 10, 31)),
        (date(2026, 10, 31), date(2026, 10, 31)),
        (datetime(2026, 10, 31, 23, 30, tzinfo=UTC), date(2026, 10, 31)),
        ("", None),
    ],
)
def test_a_date_is_the_day_as_written(value: object, day: date | None) -> None:
    assert kinds.to_date(value) == day


@pytest.mark.parametrize("value", ["31.10.2026", "2026-13-01", "2026-02-30", "20261031", "2026-10-311", 20261031, True])
def test_what_is_no_date_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        kinds.to_date(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  6300 ", "6300"),
        ("", None),
        ("   ", None),
        (17, "17"),
        (Decimal("1.50"), "1.50"),
        (date(2026, 1, 2), "2026-01-02"),
    ],
)
def test_texts_lose_only_outer_blanks(value: object, text: str | None) -> None:
    assert kinds.to_text(value) == text


@pytest.mark.parametrize("value", [True, 1.5, ["a"], {"value": "a"}, b"a"])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        kinds.to_text(value)


def test_booleans_may_come_as_words() -> None:
    assert [kinds.to_boolean(value) for value in (True, False, "true", "False", "")] == [True, False, True, False, None]
    for value in (1, 0, "yes", "1", Decimal(1)):
        with pytest.raises(TypeError):
            kinds.to_boolean(value)
