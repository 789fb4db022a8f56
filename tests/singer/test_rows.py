"""Decoding straight into conforming rows gives what decoding and normalising gives, or is not done."""

from collections import defaultdict
from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ml_connector.singer.normalise import Normaliser
from ml_connector.singer.rows import Conforming, RowDecoder
from ml_connector.singer.schema import json_schema

from tests.singer.test_normalise import CONFORMING, EVERYTHING, JSON_VALUES, SCHEMA, TYPES

encode = msgspec.json.Encoder(decimal_format="number").encode


def decoder(selected=EVERYTHING, beside=None):
    decode = RowDecoder(SCHEMA, selected, beside)
    decode(b"[]")  # the first answer is always plain
    return decode


def slowly(rows, selected=EVERYTHING):
    conform = Normaliser(selected, keep_unknown=False, tell=lambda *_: None).compile(SCHEMA)
    return [conform(row) for row in rows]


@given(st.lists(st.dictionaries(st.sampled_from([*TYPES, "new"]), JSON_VALUES, max_size=4), max_size=4))
@example([{"free": Decimal("0.0000107030")}])
def test_both_ways_give_the_same(rows):
    body = encode(rows)
    decoded = decoder()(body)
    expected = slowly(msgspec.json.Decoder(float_hook=Decimal).decode(body))
    if not isinstance(decoded, Conforming):
        decoded = slowly(decoded)
    assert encode(decoded) == encode(expected)


def test_what_conforms_comes_ready():
    rows = decoder()(encode([CONFORMING, dict.fromkeys(TYPES), {}]))
    assert isinstance(rows, Conforming)
    assert rows == [CONFORMING, dict.fromkeys(TYPES), {}]


@pytest.mark.parametrize("number", ["0.10", "12345678901234567890.123456789", "1E+3", "-0.0"])
def test_money_is_exact(number):
    rows = decoder()(f'[{{"amount": {number}}}]'.encode())
    assert isinstance(rows, Conforming)
    assert str(rows[0]["amount"]) == str(Decimal(number))


@pytest.mark.parametrize(
    "odd",
    [
        {"text": 1},
        {"when": ""},
        {"count": "1"},
        {"amount": "NaN"},
        {"open": 1},
        {"lines": {}},
        {"text": {"value": "x"}},
    ],
)
def test_one_odd_value_leaves_the_page_to_the_normaliser(odd):
    rows = decoder()(encode([CONFORMING, odd]))
    assert not isinstance(rows, Conforming)
    assert rows[1] == odd


def test_the_first_answer_is_plain_so_that_unknown_fields_are_noticed():
    decode, body = RowDecoder(SCHEMA, EVERYTHING), encode([{"new": 1}])
    assert decode(body) == [{"new": 1}]
    assert decode(body) == [{}]


def test_deselected_fields_are_left_out_and_those_beside_are_not():
    unwanted = [("properties", "text"), ("properties", "address", "properties", "city")]
    decode = decoder(defaultdict(lambda: True, dict.fromkeys(unwanted, False)), {"paging": dict[str, int]})
    rows = decode(b'[{"text": "x", "address": {"city": "y", "zone": null}, "paging": {"total": 3}}]')
    assert rows == [{"address": {"zone": None}, "paging": {"total": 3}}]


@pytest.mark.parametrize("body", [b"<html>", b'[{"text": "a"', b"", b'[{"text": "a"}] x'])
def test_what_is_no_json_is_an_error_and_no_rows(body):
    with pytest.raises(msgspec.DecodeError):
        decoder()(body)


def test_an_error_body_comes_as_it_is():
    assert decoder()(b'{"message": "no"}') == {"message": "no"}


def test_a_schema_without_types_takes_anything():
    schema = json_schema({"a": "string"}) | {"properties": {"a": {}, "b": {"type": ["array", "null"]}}}
    decode = RowDecoder(schema, EVERYTHING)
    decode(b"[]")
    assert decode(b'[{"a": {"x": 1}, "b": [1, "2"]}]') == [{"a": {"x": 1}, "b": [1, "2"]}]
