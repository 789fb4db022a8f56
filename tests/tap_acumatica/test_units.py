"""Paging, queries, versions and segments, each by itself."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_connector.errors import ConfigError
from ml_connector.singer.paging import MovedError, Page
from ml_connector.singer.rows import Conforming
from singer_sdk.singerlib.catalog import SelectionMask
from tap_acumatica.decoding import WrappedRows
from tap_acumatica.paging import AFTER, SKIP, TOP, ByKey, BySkip, UnorderedError
from tap_acumatica.query import after, modified_from, query_of, utc, with_custom
from tap_acumatica.segments import Segments
from tap_acumatica.shape import record_of, types_in


class Rows:
    """A list that a server pages; `edit` changes it after so many requests."""

    def __init__(self, keys, edit=None, at=1):
        self.keys, self.edit, self.at = list(keys), edit, at
        self.asked = []

    def __call__(self, params):
        self.asked.append(dict(params))
        if len(self.asked) == self.at + 1 and self.edit:
            self.edit(self.keys)
        keys = [key for key in self.keys if AFTER not in params or key > params[AFTER]]
        start = params.get(SKIP, 0)
        rows = [{"K": key} for key in keys[start : start + params[TOP]]]
        return lambda: Page(rows)


def read(paging, rows, size, ahead=1):
    return [row["K"] for page in paging.pages(rows, size, ahead) for row in page.rows]


keys = st.lists(st.from_regex("[A-Z0-9]{1,3}", fullmatch=True), unique=True, max_size=25).map(sorted)


@given(keys, st.integers(1, 8), st.integers(1, 3))
def test_every_row_comes_once_either_way(found, size, ahead):
    assert read(ByKey("K"), Rows(found), size) == found
    assert read(BySkip(("K",)), Rows(found), size, ahead) == found


def test_skipped_pages_begin_with_the_last_row_of_the_one_before():
    rows = Rows("ABCDE")
    assert read(BySkip(("K",)), rows, 2) == list("ABCDE")
    assert rows.asked == [{TOP: 2, SKIP: 0}, {TOP: 3, SKIP: 1}, {TOP: 3, SKIP: 3}]


@pytest.mark.parametrize(
    "edit",
    [
        lambda keys: keys.remove("A"),
        lambda keys: keys.insert(0, "0"),
        lambda keys: keys.clear(),
        lambda keys: keys.reverse(),
    ],
    ids=["gone", "new", "all gone", "another order"],
)
def test_rows_that_moved_between_pages_are_noticed(edit):
    with pytest.raises(MovedError):
        read(BySkip(("K",)), Rows("ABCDE", edit), 2)


def test_a_row_that_comes_twice_is_noticed():
    with pytest.raises(MovedError, match="twice"):
        read(BySkip(("K",)), Rows("ABCB"), 10)


def test_by_key_nothing_is_lost_when_rows_go():
    assert read(ByKey("K"), Rows("ABCDE", lambda keys: keys.remove("A")), 2) == list("ABCDE")


@pytest.mark.parametrize("found", ["BA", "ACBD"])
def test_rows_that_are_not_in_order_are_noticed(found):
    with pytest.raises(UnorderedError):
        read(ByKey("K"), Rows(found), 3)


TYPES = {
    "id": "string",
    "Number": "string",
    "Note": "string",
    "Contact": {"Email": "string", "Address": {"City": "string"}},
    "Details": [{"id": "string", "rowNumber": "integer", "Qty": "number"}],
}


def query(*unselected, custom=()):
    mask = SelectionMask({(): True, **dict.fromkeys(unselected, False)})
    return query_of(TYPES, mask, custom)


def test_everything_selected_asks_for_whole_entities_and_all_parts():
    assert query().params() == {"$expand": "Contact,Contact/Address,Details"}


def test_only_what_is_selected_is_asked_for():
    note, details = ("properties", "Note"), ("properties", "Details")
    email = ("properties", "Contact", "properties", "Email")
    assert query(details).params() == {"$expand": "Contact,Contact/Address"}
    assert query(note, email).params() == {
        "$expand": "Contact,Contact/Address,Details",
        "$select": "Number,Contact/Address/City,Details/Qty",
    }


def test_custom_fields_of_a_part_are_asked_for_with_it_only():
    paths = ("Document.UsrA", "Details/Lines.UsrB")
    assert query(custom=paths).params()["$custom"] == "Document.UsrA,Details/Lines.UsrB"
    assert query(("properties", "Details"), custom=paths).params()["$custom"] == "Document.UsrA"
    types = with_custom(TYPES, paths)
    assert (types["custom"], types["Details"][0]["custom"]) == ("object", "object")
    with pytest.raises(ConfigError, match="no Nothing"):
        with_custom(TYPES, ("Nothing/Lines.UsrB",))


def test_filters_are_in_utc_and_quoted():
    moment = "2024-08-18T20:59:59.999-03:00"
    assert modified_from("M", moment) == "M ge datetimeoffset'2024-08-18T23:59:59.999+00:00'"
    assert modified_from("M", "2024-08-18T00:00:00.000") == "M ge datetimeoffset'2024-08-18T00:00:00.000+00:00'"
    assert utc("2023-12-14T17:20:45.16+00:00") == "2023-12-14T17:20:45.160+00:00"
    assert after("K", "O'Hara") == "K gt 'O''Hara'"


def test_fields_follow_the_version():
    def fields(stream, version):
        return types_in(stream, version)

    assert "LastModifiedDateTime" not in fields("purchase_receipts", "22.200.001")
    assert "LastModifiedDateTime" in fields("purchase_receipts", "23.200.001")
    assert "LastModifiedDateTime" not in fields("stock_items", "23.200.001")
    assert {"LastModified", "LastModifiedDateTime"} <= fields("stock_items", "24.200.001").keys()
    assert "SubItems" in fields("stock_items", "22.200.001")
    assert "SubItems" not in fields("stock_items", "23.200.001")
    assert "LCNbr" not in fields("bills", "23.200.001")["Details"][0]
    assert fields("bills", "25.200.001") == fields("bills", "24.200.001") == fields("bills", None)
    assert fields("bills", "20.200.001") == fields("bills", "22.200.001")
    assert fields("bills", "1.0") == fields("bills", None)


def test_what_comes_unasked_is_left_out_of_a_record():
    entity = {
        "id": "1",
        "rowNumber": 1,
        "note": {"value": ""},
        "custom": {},
        "Number": {"value": "7"},
        "Contact": {"id": "new in every session", "note": None, "Email": {}},
        "Details": [{"id": "2", "rowNumber": 1, "note": {}, "Qty": {"value": 1}, "custom": {}}],
        "New": {"value": 1},
    }
    assert record_of(entity, TYPES) == {
        "id": "1",
        "Number": "7",
        "Contact": {"Email": None},
        "Details": [{"id": "2", "rowNumber": 1, "Qty": 1}],
        "New": 1,
    }


def entity(number, **changes):
    return {
        "id": "1",
        "rowNumber": 9,
        "note": {"value": ""},
        "custom": {},
        "_links": {"self": "/entity"},
        "Number": {"value": number},
        "Note": {},
        "Contact": {"id": "x", "Email": {"value": "a"}, "Address": {"City": {}}},
        "Details": [{"id": "2", "rowNumber": 1, "note": None, "Qty": {"value": 1}, "custom": {}}],
        **changes,
    }


@pytest.mark.parametrize("changes", [{}, {"Contact": {}, "Details": []}, {"Contact": None, "Details": None}])
def test_the_quick_way_gives_what_the_careful_way_gives(changes):
    body = msgspec.json.encode([entity("a", **changes), entity(None)])
    decode = WrappedRows(TYPES, SelectionMask({(): True}))
    first, second = decode(body), decode(body)
    assert not isinstance(first, Conforming)
    assert isinstance(second, Conforming)
    assert list(second) == [record_of(each, TYPES) for each in first]


def test_days_are_days_in_the_quick_way_and_odd_values_go_the_careful_way():
    types = {"Date": "date", "Amount": "number", "Stamp": "date-time"}
    decode = WrappedRows(types, SelectionMask({(): True, ("properties", "Stamp"): False}))
    row = {"Date": {"value": "2022-01-23T00:00:00+03:00"}, "Amount": {"value": 1.50}, "Stamp": {"value": "x"}}
    decode(b"[]")
    assert list(decode(msgspec.json.encode([row]))) == [{"Date": "2022-01-23", "Amount": Decimal("1.5")}]
    for odd in ({"Amount": {"value": "NaN"}}, {"Amount": {"value": True}}, {"Date": {"value": ""}}, {"Date": []}):
        assert not isinstance(decode(msgspec.json.encode([row | odd])), Conforming)


def segments(**changes):
    return Segments.of({"subaccount_separator": "-", **changes})


def test_segments():
    assert segments().take("ADM-000 ") == ("ADM-000", True)
    assert segments(cost_center_segment=1).take("ADM-000") == ("ADM", True)
    assert segments(cost_center_segment=1).take("ADM-EU1") == ("ADM", False)
    assert segments(cost_center_segment=2, subaccount_mask="3-3").take("ADMEU1") == ("EU1", False)
    assert segments(cost_center_segment=2, subaccount_mask="3,3").take("ADM-EU1") == ("EU1", False)


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"cost_center_segment": 2}, "ADMEU1", "subaccount_mask"),
        ({"cost_center_segment": 3, "subaccount_mask": "3-3"}, "ADMEU1", "2 segments"),
        ({"cost_center_segment": 1, "subaccount_mask": "?"}, "ADMEU1", "lengths"),
    ],
)
def test_segments_that_are_not_there_are_a_question_of_settings(changes, code, words):
    with pytest.raises(ConfigError, match=words):
        segments(**changes).take(code)
