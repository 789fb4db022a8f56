"""`Retry-After` is read exactly (L5)."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_connector.http import retry_after

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@given(st.integers(0, 10**9))
def test_seconds_are_taken_as_they_are(seconds: int):
    assert retry_after({"Retry-After": str(seconds)}, NOW) == seconds


@given(st.integers(-(10**6), 10**6))
def test_a_date_is_the_time_until_then_and_never_negative(ahead: int):
    date = format_datetime(NOW + timedelta(seconds=ahead), usegmt=True)
    assert retry_after({"Retry-After": date}, NOW) == max(0, ahead)


@given(st.integers(0, 10**6), st.integers(-(10**5), 10**5))
def test_a_date_is_measured_on_the_servers_clock_not_ours(ahead: int, wrong: int):
    server = NOW + timedelta(seconds=wrong)
    headers = {
        "Retry-After": format_datetime(server + timedelta(seconds=ahead), usegmt=True),
        "Date": format_datetime(server, usegmt=True),
    }
    assert retry_after(headers, NOW) == ahead


@given(st.text())
def test_no_text_at_all_breaks_it_or_gives_a_negative_wait(text: str):
    wait = retry_after({"Retry-After": text}, NOW)
    assert wait is None or wait >= 0


@pytest.mark.parametrize("text", ["", "soon", "-1", "-30", "1e3", "inf", "nan", "0x10", "²", "12 seconds", "None"])
def test_what_names_no_time_is_no_time(text: str):
    assert retry_after({"Retry-After": text}, NOW) is None
