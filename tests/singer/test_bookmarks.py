"""The watermark rule (L6)."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_connector.singer.bookmarks import Watermark, first_since

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def watermark(*values):
    mark = Watermark("m")
    mark.see([{"m": value} for value in values])
    return mark


def test_it_is_the_largest_value_less_the_overlap():
    mark = watermark("2026-10-02T14:14:59.74", "2026-10-02T14:14:59", None, "2026-10-01T23:00:00")
    assert mark.since(HOUR, SECOND) == "2026-10-02T13:14:59.740"


def test_a_long_read_reaches_back_as_long_as_it_took():
    assert watermark("2026-10-02T14:00:00").since(HOUR, 3 * HOUR) == "2026-10-02T11:00:00.000"


@pytest.mark.parametrize("value", ["2026-10-02T14:00:00", "2026-10-02T14:00:00Z", "2026-10-02T14:00:00+02:00"])
def test_the_zone_stays_what_it_was(value):
    since = watermark(value).since(HOUR, SECOND)
    assert datetime.fromisoformat(since).utcoffset() == datetime.fromisoformat(value).utcoffset()


@pytest.mark.parametrize("values", [(), (None,), ("",), ("soon",)])
def test_nothing_readable_moves_nothing(values):
    assert watermark(*values).since(HOUR, SECOND) is None


@given(st.lists(st.integers(0, 10**12), min_size=1), st.data())
def test_texts_of_any_precision_are_ordered_as_times(milliseconds, data):
    moments = [datetime.fromisoformat("2000-01-02") + timedelta(milliseconds=n) for n in milliseconds]
    precisions = [data.draw(st.sampled_from(["seconds", "milliseconds", "microseconds"])) for _ in moments]
    texts = [moment.isoformat(timespec=precision) for moment, precision in zip(moments, precisions, strict=True)]
    largest = max(datetime.fromisoformat(text) for text in texts)
    since = datetime.fromisoformat(watermark(*texts).since(timedelta(), timedelta()))
    assert largest - since < timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("start", "since"),
    [
        ("2026-01-02", "2026-01-01T00:00:00.000"),
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00.000"),
        ("2026-01-02T02:00:00+02:00", "2026-01-01T00:00:00.000"),
        ("2026-01-02T00:00:00", "2026-01-01T00:00:00.000"),
    ],
)
def test_a_start_date_is_widened_by_a_day(start, since):
    assert first_since(start) == since
