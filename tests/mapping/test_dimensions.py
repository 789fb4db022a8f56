"""Dimensions and crosswalks: looked up at the posting date, policies always said."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_connector.errors import ConfigError
from ml_connector.mapping import Crosswalk, Dimension, MalformedMap, Policy
from ml_connector.mapping.crosswalk import Entry
from ml_connector.mapping.loader import Place

from tests.mapping.maps import TARGET, target_map

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "company,value,target,valid_from,valid_to,note\n"


def crosswalk(folder: Path, rows: str) -> Crosswalk:
    (folder / "c.csv").write_text(HEADER + rows)
    return Crosswalk.load("c.csv", [folder])


def dimension(folder: Path, extra: str = "") -> Dimension:
    text = TARGET.replace("    missing: park\n", f"    missing: park\n{extra}")
    return target_map(folder, text).dimensions["cost_center"]


def test_a_crosswalk_is_looked_up_on_a_day(tmp_path: Path) -> None:
    table = crosswalk(tmp_path, "*,210,OLD,,2026-06-30,\n*,210,NEW,2026-07-01,,\nSE01,210,SE,2026-07-01,2026-12-31,\n")
    assert table.lookup("NO01", "210", date(2026, 6, 30)) == "OLD"
    assert table.lookup("NO01", "210", date(2026, 7, 1)) == "NEW"
    assert table.lookup("SE01", "210", date(2026, 6, 30)) == "OLD", "its own row does not cover the day"
    assert table.lookup("SE01", "210", date(2026, 7, 1)) == "SE"
    assert table.lookup("SE01", "210", date(2027, 1, 1)) == "NEW"
    assert table.lookup("NO01", "210", None) == table.lookup(None, "210", None) == "NEW"
    assert table.lookup("NO01", "999", date(2026, 7, 1)) is table.lookup("NO01", None, None) is None


@pytest.mark.parametrize(
    ("rows", "line", "words"),
    [
        ("*,210,A,,,\n*,210,B,2026-07-01,,\n", 3, "overlaps in time with line 2"),
        ("*,210,A,,2026-07-01,\n*,210,B,2026-07-01,,\n", 3, "overlaps in time with line 2"),
        ("*,210,A,,,\n\n*,210,A,,,again\n", 4, "overlaps in time with line 2"),
        ("*,210,A,2026-07-02,2026-07-01,\n", 2, "valid_from is after valid_to"),
        ("*,210,A,1.7.2026,,\n", 2, "dates like 2026-10-31"),
        ("*,210,,,,\n", 2, "company, value and target are needed"),
        ("*,210,A\n", 2, "six columns"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, rows: str, line: int, words: str) -> None:
    with pytest.raises(MalformedMap, match=words) as malformed:
        crosswalk(tmp_path, rows)
    assert malformed.value.findings[0].place == Place("c.csv", line)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    for text in ("", "value,target\n", "\ufeffcompany;value;target;valid_from;valid_to;note\n"):
        (tmp_path / "c.csv").write_text(text)
        with pytest.raises(MalformedMap, match="these are not the columns"):
            Crosswalk.load("c.csv", [tmp_path])
    (tmp_path / "c.csv").write_bytes(b"company\xff")
    with pytest.raises(ConfigError, match="UTF-8"):
        Crosswalk.load("c.csv", [tmp_path])
    with pytest.raises(ConfigError, match=r"There is no file d\.csv"):
        Crosswalk.load("d.csv", [tmp_path])


DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))


@given(st.lists(DAYS, min_size=1, max_size=6, unique=True), DAYS)
def test_adjoining_periods_leave_no_gap_and_no_choice(starts: list[date], day: date) -> None:
    starts.sort()
    ends = [date.fromordinal(start.toordinal() - 1) for start in starts[1:]] + [date.max]
    entries = [Entry(str(n), *span, Place("c", n)) for n, span in enumerate(zip(starts, ends, strict=True))]
    table = Crosswalk("c", {("*", "v"): entries}, "1")
    expected = [str(n) for n, start in enumerate(starts) if start <= day]
    assert table.lookup("NO01", "v", day) == (expected[-1] if expected else None)


def test_a_dimension_tells_how_to_look_its_master_up(tmp_path: Path) -> None:
    found = dimension(tmp_path)
    assert (found.record_type, found.value_field, found.table) == ("cost_centers", "code", "centre")
    assert (found.key_columns, found.columns) == (("source", "code"), ())
    assert found.key("books", "NO01", "210") == ("books:NO01", "210")
    assert found.translate("NO01", "210", None) == "210"
    assert (found.missing, found.inactive) == (Policy("park"), Policy("park"))
    assert found.is_active({}, date(2026, 10, 5))


def test_a_live_row_is_judged_at_the_posting_date(tmp_path: Path) -> None:
    found = dimension(tmp_path, "    active: state != 'closed'\n    valid_from: start\n    valid_to: end\n")
    assert found.columns == ("end", "start", "state")
    row = {"state": "open", "start": "2026-01-01 00:00:00", "end": "2026-12-31"}
    assert found.is_active(row, date(2026, 1, 1))
    assert found.is_active(row, date(2026, 12, 31))
    assert found.is_active(row, None)
    assert not found.is_active(row, date(2025, 12, 31))
    assert not found.is_active(row, date(2027, 1, 1))
    assert not found.is_active(row | {"state": "closed"}, date(2026, 6, 1))
    assert found.is_active({"state": "open", "start": "", "end": None}, date(2030, 1, 1))
    with pytest.raises(ConfigError, match="'soon', not a date"):
        found.is_active(row | {"end": "soon"}, date(2026, 6, 1))


def test_a_crosswalk_stands_before_the_master(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(HEADER + "*,210,CC-1,,,\n")
    found = dimension(tmp_path, "    crosswalk: c.csv\n")
    assert found.translate("NO01", "210", date(2026, 10, 5)) == "CC-1"
    assert found.translate("NO01", "220", date(2026, 10, 5)) is None


def test_a_default_is_a_code(tmp_path: Path) -> None:
    text = TARGET.replace("missing: park", 'missing: {default: "0000"}')
    assert target_map(tmp_path, text).dimensions["cost_center"].missing == Policy("default", "0000")


def test_code_says_what_the_target_calls_a_value(tmp_path: Path) -> None:
    crosswalk(tmp_path, "*,210,A,,,\n")
    written = dimension(tmp_path, "    code: concat(company, ':', value, '-000')\n    crosswalk: c.csv\n")
    assert written.translate("NO01", "210", None) == "NO01:A-000"
    assert written.translate("NO01", "220", None) is None
    assert dimension(tmp_path, "    code: concat(value, '-000')\n").translate("NO01", "210", None) == "210-000"
    with pytest.raises(MalformedMap, match="a dimension's code cannot read this"):
        dimension(tmp_path, "    code: erp_source\n")
