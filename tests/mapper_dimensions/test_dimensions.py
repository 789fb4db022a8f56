"""Dimensions without a target: crosswalks with effective dates, and the masters that went by before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.mapper_dimensions.books import Output, bill, record, run, schema

if TYPE_CHECKING:
    from pathlib import Path

BILLS = schema("bills", "kind", "nr")
CENTRES = schema("centres", "code")


def cost_center(**parts: Any) -> dict[str, Any]:
    return {"cost_center": {"missing": "park", "inactive": "refuse", **parts}}


def codes(out: Output) -> list[Any]:
    return [line["dimensions"].get("cost_center") for row in out.records["supplier_invoices"] for line in row["lines"]]


def fate(out: Output) -> tuple[str, str]:
    [row] = out.records["_rejected"]
    return row["state"], row["reason"]


def test_a_crosswalk_is_looked_up_at_the_posting_date(tmp_path: Path) -> None:
    rule = cost_center(crosswalk="cost_centers.csv")
    bills = [bill("1", ("1.00", "SALES"), day="2026-06-30"), bill("2", ("1.00", "SALES"), ("2.00", None))]
    assert codes(run(tmp_path, [BILLS, *bills], dimensions=rule)) == ["CC-1", "CC-2", None]


@pytest.mark.parametrize(
    ("missing", "told"),
    [("park", ("parked", "cost_center_missing")), ("refuse", ("refused", "cost_center_missing"))],
)
def test_a_value_that_is_not_in_the_crosswalk(tmp_path: Path, missing: str, told: tuple[str, str]) -> None:
    rule = cost_center(crosswalk="cost_centers.csv", missing=missing)
    out = run(tmp_path, [BILLS, bill("1", ("1.00", "SALES"), ("1.00", "OLD"))], dimensions=rule)
    assert fate(out) == told
    [row] = out.records["_rejected"]
    assert (row["field"], row["value"]) == ("cost_center", "OLD")
    assert "not in the crosswalk cost_centers.csv on 2026-10-05" in row["message"]
    assert "supplier_invoices" not in out.records, "nothing of it is sent"


@pytest.mark.parametrize(
    ("missing", "code", "told"),
    [("omit", None, "cost_center:OLD->"), ({"default": "000"}, "000", "cost_center:OLD->000")],
)
def test_a_default_is_flagged(tmp_path: Path, missing: Any, code: str | None, told: str) -> None:
    rule = cost_center(crosswalk="cost_centers.csv", missing=missing)
    out = run(tmp_path, [BILLS, bill("1", ("1.00", "OLD"))], dimensions=rule)
    assert codes(out) == [code]
    assert out.records["supplier_invoices"][0]["defaulted"] == told


def test_a_master_seen_before_says_whether_a_value_may_be_used(tmp_path: Path) -> None:
    masters = [
        CENTRES,
        record("centres", code="A", active=True),
        record("centres", code="B", active=False),
        record("centres", code="C", active=True, until="2026-09-30"),
        record("centres", code="D", active=True, since="2026-10-06"),
    ]
    for code, passes in (("A", True), ("B", False), ("C", False), ("D", False)):
        out = run(tmp_path, [*masters, BILLS, bill("1", ("1.00", code))], dimensions=cost_center())
        if passes:
            assert codes(out) == ["A"]
        else:
            assert fate(out) == ("refused", "cost_center_inactive")


def test_another_company_s_master_proves_nothing(tmp_path: Path) -> None:
    masters = [CENTRES, record("centres", code="A", active=False, _company="SE01")]
    assert codes(run(tmp_path, [*masters, BILLS, bill("1", ("1.00", "A"))], dimensions=cost_center())) == ["A"]


@pytest.mark.parametrize("complete", [True, False])
def test_a_value_that_no_master_names_is_missing_only_where_masters_come_whole(tmp_path: Path, complete: bool) -> None:
    messages = [CENTRES, record("centres", code="A", active=True), BILLS, bill("1", ("1.00", "Z"))]
    out = run(tmp_path, messages, dimensions=cost_center(complete=complete))
    if complete:
        assert fate(out) == ("parked", "cost_center_missing")
    else:
        assert codes(out) == ["Z"]


def test_a_newer_version_of_a_master_counts(tmp_path: Path) -> None:
    messages = [
        CENTRES,
        record("centres", code="A", active=True),
        BILLS,
        bill("1", ("1.00", "A")),
        record("centres", code="A", active=False),
        bill("2", ("1.00", "A")),
    ]
    out = run(tmp_path, messages, dimensions=cost_center())
    assert [row["source_key"] for row in out.records["supplier_invoices"]] == ["invoice/1"]
    assert fate(out) == ("refused", "cost_center_inactive")


def test_dimensions_of_other_fields_and_of_one_s_own(tmp_path: Path) -> None:
    rules = {
        "supplier": {"complete": True, "missing": "park", "inactive": "park"},
        "department": {
            "source": "cost_centers.code",
            "complete": True,
            "missing": {"default": "X"},
            "inactive": "park",
        },
    }
    native = bill("1", ("1.00", None))
    native["record"]["rows"][0]["dept"] = "D9"
    first = run(tmp_path, [BILLS, native], dimensions=rules)
    assert fate(first) == ("parked", "supplier_missing")
    known = [schema("vendors", "code"), record("vendors", code="V1", name="Paper")]
    second = run(tmp_path, [*known, BILLS, native], dimensions=rules)
    [row] = second.records["supplier_invoices"]
    assert row["lines"][0]["dimensions"] == {"cost_center": None, "department": "X"}
