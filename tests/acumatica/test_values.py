"""Values out of their wrappers, and into them (apis/acumatica.md §3)."""

import json
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from ml_connector.vendors.acumatica.values import unwrap, wrap

from tests.acumatica.samples import SPECS_DIR, needed, parsed

texts = st.text(max_size=8)
plain = st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | texts
names = st.from_regex(r"[A-Z][A-Za-z0-9]{0,6}", fullmatch=True)
rows = st.dictionaries(names, plain, min_size=1, max_size=4)
records = st.dictionaries(names, plain | rows | st.lists(rows, max_size=2), max_size=5)


@given(records)
def test_what_is_wrapped_is_unwrapped_to_the_same(record):
    assert unwrap(wrap(record)) == record


def test_an_empty_object_is_null():
    assert unwrap({"id": "1", "A": {}, "B": {"value": ""}, "note": {"value": ""}}) == {
        "id": "1",
        "A": None,
        "B": "",
        "note": "",
    }


def test_a_day_is_its_first_ten_characters_in_every_zone():
    found = unwrap(
        {
            "Date": {"value": "2022-01-23T00:00:00+03:00"},
            "DueDate": {"value": "2022-01-23T00:00:00"},
            "LastModifiedDateTime": {"value": "2022-01-23T00:00:00+03:00"},
            "Description": {"value": "2022-01-23Topics"},
        }
    )
    assert found == {
        "Date": "2022-01-23",
        "DueDate": "2022-01-23",
        "LastModifiedDateTime": "2022-01-23T00:00:00+03:00",
        "Description": "2022-01-23Topics",
    }


def test_links_files_and_errors_are_left_out_and_a_line_keeps_its_number():
    line = {"id": "2", "rowNumber": 1, "Qty": {"value": Decimal("1.50")}, "_links": {}, "error": "no"}
    entity = {"id": "1", "rowNumber": 7, "files": [], "_links": {"self": "/x"}, "error": "no", "Details": [line]}
    assert unwrap(entity) == {"id": "1", "Details": [{"id": "2", "rowNumber": 1, "Qty": Decimal("1.50")}]}


def test_custom_fields_keep_their_view():
    custom = {"Document": {"UsrX": {"type": "CustomStringField", "value": "a"}}}
    assert unwrap({"custom": custom}) == {"custom": {"Document": {"UsrX": "a"}}}
    assert wrap({"custom": {"Document": {"UsrX": "a", "UsrN": Decimal("1.5"), "UsrB": True}}})["custom"] == {
        "Document": {
            "UsrX": {"type": "CustomStringField", "value": "a"},
            "UsrN": {"type": "CustomDecimalField", "value": Decimal("1.5")},
            "UsrB": {"type": "CustomBooleanField", "value": True},
        }
    }


def test_identity_and_deletion_are_bare():
    assert wrap({"id": "1", "note": "n", "Details": [{"id": "2", "delete": True}]}) == {
        "id": "1",
        "note": {"value": "n"},
        "Details": [{"id": "2", "delete": True}],
    }


@needed
def test_recorded_records_are_read_as_they_are_meant():
    (customer,) = map(unwrap, parsed("recorded_GET_Customer_top_1_200.json"))
    assert customer["CustomerID"] == "C1001"
    assert customer["AccountRef"] is None
    assert customer["WriteOffLimit"] == Decimal("0.0000")
    assert customer["LastModifiedDateTime"] == "2020-05-19T22:50:36.837+00:00"
    (order,) = map(unwrap, parsed("recorded_GET_SalesOrder_top_1_200.json"))
    assert order["Date"] == "2020-02-05"
    assert str(order["OrderTotal"]) == "7000.0000"
    assert order["LastModified"] == "2020-03-20T17:41:27.34+00:00"
    lines = unwrap(parsed("recorded_PUT_SalesOrder_expand_Details_200.json"))["Details"]
    assert all(line["id"] and line["rowNumber"] for line in lines)


@needed
def test_official_bodies_come_through_unwrapped_and_wrapped_again():
    for path in sorted((Path(SPECS_DIR) / "acumatica" / "samples" / "requests").glob("PUT_*.json")):
        body = json.loads(path.read_text(), parse_float=Decimal)
        assert untyped(wrap(unwrap(body))) == untyped(body), path.name


def untyped(node):
    """Return a body without the types of custom fields, which the values do not tell; days as days, nulls as nulls."""
    if isinstance(node, str):
        return node.partition("T00:00:00")[0]
    if node == {}:
        return {"value": None}
    if isinstance(node, dict):
        return {name: untyped(value) for name, value in node.items() if name != "type"}
    return [untyped(each) for each in node] if isinstance(node, list) else node
