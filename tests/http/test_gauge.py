"""What answers tell of the connection."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ml_connector.http.gauge import Gauge

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def test_a_gauge_that_read_nothing_knows_nothing() -> None:
    gauge = Gauge()
    assert (gauge.calls, gauge.latency, gauge.skew, gauge.rate_limit) == (0, None, None, None)
    gauge.note({"Date": "yesterday", "X-RateLimit-Limit": "many"}, 0.1, NOON)
    assert (gauge.calls, gauge.skew, gauge.rate_limit) == (1, None, None)


def test_latency_is_the_median() -> None:
    gauge = Gauge()
    for seconds in (0.1, 9.0, 0.2):
        gauge.note({}, seconds, NOON)
    assert gauge.latency == 0.2


def test_skew_is_counted_from_the_middle_of_the_call_and_of_the_second() -> None:
    gauge = Gauge()
    gauge.note({"Date": "Mon, 02 Nov 2026 12:02:00 GMT"}, 2.0, NOON)
    assert gauge.skew == pytest.approx(121.5)


@pytest.mark.parametrize(
    ("headers", "left", "resets_in"),
    [
        ({"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "30"}, 7, 30.0),  # Visma: seconds
        ({"X-RateLimit-Reset": str(int(NOON.timestamp()) + 90)}, None, 90.0),  # ServiceNow: a Unix time
        ({}, None, None),
    ],
)
def test_both_vendors_ways_to_tell_a_limit_are_read(headers, left, resets_in) -> None:
    gauge = Gauge()
    gauge.note({"X-RateLimit-Limit": "100", **headers}, 0.1, NOON)
    assert gauge.rate_limit is not None
    assert (gauge.rate_limit.limit, gauge.rate_limit.remaining, gauge.rate_limit.resets_in) == (100, left, resets_in)
