"""Source maps: which records, which key, which fields."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ml_connector.errors import ConfigError, RecordRefused
from ml_connector.finance.records import CanonicalRecord
from ml_connector.mapping import Outline, Skipped

from tests.mapping.maps import SOURCE, source_map

if TYPE_CHECKING:
    from pathlib import Path


def bill(**changes: Any) -> dict[str, Any]:
    return {
        "_company": "NO01",
        "kind": "invoice",
        "nr": 77,
        "status": "open",
        "vendor": {"code": "V1", "name": "Nordic"},
        "day": "2026-10-05",
        "currency": "NOK",
        "gross": Decimal("125.00"),
        "taxes": [{"amount": Decimal("25.00")}],
        "rows": [{"text": "Paper", "amount": Decimal("100.00"), "first_tag": "210", "second_tag": "7"}],
        **changes,
    }


def test_a_record(tmp_path: Path) -> None:
    [record] = source_map(tmp_path).apply("bills", bill())
    assert isinstance(record, CanonicalRecord)
    assert (record.business_key, record.title, record.source_state) == (
        "books:NO01:supplier_invoices:invoice/77",
        "77 Nordic",
        "open",
    )
    assert record.fields["lines"] == [
        {
            "line_number": "1",
            "description": "Paper",
            "amount": Decimal("100.00"),
            "account": None,
            "entity": None,
            "dimensions": {"cost_center": "210"},
        }
    ]
    assert record.source == bill(), "the native record travels along untouched"


def test_one_key_property_may_stand_alone(tmp_path: Path) -> None:
    [record] = source_map(tmp_path).apply("vendors", {"_company": "NO01", "code": 17, "name": "Nordic"})
    assert isinstance(record, CanonicalRecord)
    assert record.source_key == "17"


@pytest.mark.parametrize(("changes", "rule"), [({"status": "draft"}, "typing"), ({"origin": "us"}, "echo")])
def test_a_named_rule_skips_and_tells_the_amount(tmp_path: Path, changes: dict[str, Any], rule: str) -> None:
    [skipped] = source_map(tmp_path).apply("bills", bill(**changes, kind="credit_note"))
    assert isinstance(skipped, Skipped)
    assert skipped.rule == rule
    assert skipped.outline == Outline("supplier_invoices", "NO01", "credit_note/77", Decimal("-125.00"), "NOK")
    assert rule in skipped.message


def test_a_filter_keeps_what_is_true(tmp_path: Path) -> None:
    maps = source_map(tmp_path, SOURCE.replace("__skip__:", "__filter__: gross > 100\n    __skip__:"))
    [kept], [skipped] = maps.apply("bills", bill()), maps.apply("bills", bill(gross=Decimal(99)))
    assert isinstance(kept, CanonicalRecord)
    assert isinstance(skipped, Skipped)
    assert skipped.rule == "filter"


def test_rows_can_be_filtered_and_keep_their_position(tmp_path: Path) -> None:
    rows = [{"amount": Decimal(0)}, {"amount": Decimal("100.00")}]
    [record] = source_map(tmp_path).apply("bills", bill(rows=rows))
    assert isinstance(record, CanonicalRecord)
    assert [row["line_number"] for row in record.fields["lines"]] == ["2"]


def test_a_stream_no_map_names_is_skipped_as_unmapped(tmp_path: Path) -> None:
    [skipped] = source_map(tmp_path).apply("budgets", {"_company": "NO01", "id": 1})
    assert isinstance(skipped, Skipped)
    assert skipped.rule == "unmapped"
    assert skipped.outline == Outline(None, "NO01", None)


def test_one_stream_may_feed_two_record_types(tmp_path: Path) -> None:
    both = (
        SOURCE
        + """\
  vendors_as_customers:
    __source__: vendors
    __alias__: customers
    __key_properties__: code
    number: code
    name: name
    active: True
"""
    )
    records = source_map(tmp_path, both).apply("vendors", {"_company": "NO01", "code": "1", "name": "A"})
    assert [each.record_type for each in records] == ["suppliers", "customers"]


def test_variables_can_be_given(tmp_path: Path) -> None:
    text = SOURCE.replace("{1: first_tag, 2: second_tag}[segment]", "second_tag if segment == 'b' else first_tag")
    [record] = source_map(tmp_path, text, segment="b").apply("bills", bill())
    assert isinstance(record, CanonicalRecord)
    assert record.fields["lines"][0]["dimensions"] == {"cost_center": "7"}
    with pytest.raises(ConfigError, match="no such variable"):
        source_map(tmp_path, text, segmnet="b")


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"nr": None}, "missing_key", "kind and nr"),
        ({"_company": None}, "missing_key", "company"),
        ({"vendor": None}, "missing_value", "supplier"),
        ({"rows": [{"text": "no amount"}]}, "missing_value", "amount"),
        ({"rows": "none"}, "not_mappable", "The list"),
        ({"rows": ["none"]}, "not_mappable", "The list"),
        ({"day": "5.10.2026"}, "not_mappable", "document_date"),
        ({"gross": "a lot"}, "not_mappable", "net"),
        ({"gross": 125.0}, "not_mappable", "net"),
        ({"taxes": 5}, "not_mappable", None),
    ],
)
def test_a_record_that_cannot_be_read_is_refused(
    tmp_path: Path, changes: dict[str, Any], reason: str, field: str | None
) -> None:
    maps = source_map(tmp_path)
    with pytest.raises(RecordRefused) as refused:
        maps.apply("bills", bill(**changes))
    assert (refused.value.reason, refused.value.field) == (reason, field)
    [told] = maps.outline("bills", bill(**changes))
    assert told.record_type == "supplier_invoices"


def test_the_outline_tells_what_it_can(tmp_path: Path) -> None:
    maps = source_map(tmp_path)
    assert maps.outline("bills", bill(vendor=None)) == [
        Outline("supplier_invoices", "NO01", "invoice/77", Decimal("125.00"), "NOK")
    ]
    assert maps.outline("bills", bill(gross="a lot")) == [
        Outline("supplier_invoices", "NO01", "invoice/77", None, "NOK")
    ]
    assert maps.outline("bills", {}) == [Outline("supplier_invoices", None, None)]
    assert maps.outline("budgets", bill()) == []


def test_a_crosswalk_takes_numbers_and_days_as_they_come(tmp_path: Path) -> None:
    rows = "NO01,17,Seventeen,,2026-10-04,\nNO01,17,Later,2026-10-05,,\n"
    (tmp_path / "c.csv").write_text("company,value,target,valid_from,valid_to,note\n" + rows)
    text = SOURCE.replace("number: nr", "number: first(crosswalk('c.csv', nr, day), 'none')")
    maps = source_map(tmp_path, text)

    def number(**changes: Any) -> Any:
        [record] = maps.apply("bills", bill(**changes))
        assert isinstance(record, CanonicalRecord)
        return record.fields["number"]

    assert number(nr=17) == number(nr="17", day="2026-10-05T10:00:00") == "Later"
    assert number(nr=17, day="2026-10-04") == "Seventeen"
    assert number(nr=18) == number(nr=17, _company="SE01") == "none"


def test_the_version_follows_the_text(tmp_path: Path) -> None:
    first = source_map(tmp_path).version
    assert source_map(tmp_path).version == first
    assert source_map(tmp_path, SOURCE + "# changed\n").version != first


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["code", "amount", "text"]), inner),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from([*bill(), "origin"]), JSON))
def test_no_record_makes_a_map_fall_over(tmp_path: Path, changes: dict[str, Any]) -> None:
    maps = source_map(tmp_path)
    record = bill(**changes)
    try:
        maps.apply("bills", record)
    except RecordRefused as refused:
        assert refused.message  # noqa: PT017
    maps.outline("bills", record)


AMOUNTS = st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**20), max_value=10**20))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(AMOUNTS)
def test_the_sum_of_the_lines_survives_the_map(tmp_path: Path, amounts: list[Decimal]) -> None:
    record = bill(rows=[{"amount": amount} for amount in amounts])
    [mapped] = source_map(tmp_path).apply("bills", record)
    assert isinstance(mapped, CanonicalRecord)
    assert sum((line["amount"] for line in mapped.fields["lines"]), Decimal(0)) == sum(amounts, Decimal(0))
