"""What expressions give: exact numbers, null rules, functions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_connector.errors import RecordRefused

from tests.mapping.maps import expression, value

LINES = [{"amount": Decimal("1.10"), "kind": "a"}, {"amount": Decimal("2.20"), "kind": "b"}, {"amount": None}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1 + 0.2", Decimal("0.3")),
        ("1234567890123456789012345.67 * 3", Decimal("3703703670370370367037037.01")),
        ("10 / 4", Decimal("2.5")),
        ("-(2 - 5)", Decimal(3)),
        ("1_000.50 - 0.5", Decimal("1000.00")),
        ("'a' + 'b'", "ab"),
        ("1 == 1.0", True),
        ("2 < 10", True),
        ("'2' == 2", False),
        ("3 in (1, 2, 3)", True),
        ("'x' not in ('a', 'b')", True),
        ("'ell' in 'hello'", True),
        ("'yes' if 1 > 2 else 'no'", "no"),
        ("not None", True),
        ("{'A': 'x', 'B': 'y'}['B']", "y"),
        ("{1: 'one'}[1]", "one"),
        ("[1, 2, 3][1]", Decimal(2)),
        ("segment('ADM-000', 1, '-')", "ADM"),
        ("segment('ADM-000', '2', '-')", "000"),
        ("segment('ADM 000', 3, ' ')", None),
        ("segment('ADM000', 2, '-', '3-3')", "000"),
        ("segment('01-2026', 2, '-', '2-4')", "2026"),
        ("segment('ADM0', 2, '', '3-3')", "0"),
        ("segment('ADM', 2, '', '3-3')", None),
        ("segment('ADM', 1, '')", "ADM"),
        ("segment('ADM', 0, '-')", None),
        ("segment(None, 1, '-')", None),
        ("segment('ADM', None, '-')", None),
        ("segment('ADM', '', '-')", None),
        ("sum([1, None, 2.5])", Decimal("3.5")),
        ("min(3, None, 1)", Decimal(1)),
        ("max([])", None),
        ("first(None, '', 'a')", ""),
        ("first([None, 2])", Decimal(2)),
        ("len([1, None, 3])", Decimal(2)),
        ("len('abc')", Decimal(3)),
        ("abs(-2.50)", Decimal("2.50")),
        ("round_money(2.345, 'NOK')", Decimal("2.35")),
        ("round_money(2.5, 'JPY')", Decimal(3)),
        ("number('12.50') * 2", Decimal("25.00")),
        ("text(12.50)", "12.50"),
        ("text(True)", "true"),
        ("upper('ab')", "AB"),
        ("lower('AB')", "ab"),
        ("concat('a', None, 1, '-', 2.50)", "a1-2.50"),
        ("date('2026-10-31T10:00:00') >= date('2026-10-31')", True),
    ],
)
def test_values(text: str, expected: Any) -> None:
    result = value(text)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sum([line.amount for line in lines])", Decimal("3.30")),
        ("sum(line.amount for line in lines if line.kind == 'b')", Decimal("2.20")),
        ("first([line.amount for line in lines if line.kind == 'c'])", None),
        ("len([line for line in lines])", Decimal(3)),
        ("supplier.address.city", "Oslo"),
        ("supplier['address']['city']", "Oslo"),
        ("record.supplier.name", "Nordic"),
        ("_.supplier.name", "Nordic"),
        ("lines[0].kind", "a"),
        ("lines[9].kind", None),
        ("{'NOK': 'kroner'}[currency]", None),
        ("sum([sum([line.amount, other.amount]) for line in lines if line.kind])", Decimal("3.30")),
        ("[[outer.kind for inner in lines] for outer in lines][0][0]", "a"),
    ],
)
def test_records(text: str, expected: Any) -> None:
    assert value(text, lines=LINES, supplier={"name": "Nordic", "address": {"city": "Oslo"}}) == expected


@pytest.mark.parametrize("operator", ["+", "-", "*", "/"])
def test_arithmetic_with_null_is_null(operator: str) -> None:
    assert value(f"a {operator} 1") is value(f"1 {operator} a") is value(f"a {operator} b") is None


@pytest.mark.parametrize("function", ["abs", "number", "text", "upper", "lower", "date"])
def test_functions_of_null_are_null(function: str) -> None:
    assert value(f"{function}(missing)") is None


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_null_is_in_no_order(operator: str) -> None:
    assert value(f"a {operator} 1") is value(f"1 {operator} a") is value(f"a {operator} a") is False


def test_null_equals_null_only() -> None:
    assert value("a == None") is value("a is None") is value("a == b") is True
    assert value("a != 0") is value("x is not None", x=0) is True
    assert value("a == ''") is value("a == 0") is value("a == False") is False


def test_looking_into_null_is_null() -> None:
    assert value("a.b.c") is value("a['b']") is value("a[0]") is value("{'x': 1}[a]") is None
    assert value("[x for x in a]") == []
    assert value("1 in a") is value("a in 'text'") is False


@pytest.mark.parametrize(
    ("text", "row", "words"),
    [
        ("amount + 1", {"amount": "12"}, "a text, not a number"),
        ("segment(code, 1, '', mask)", {"code": "ADM", "mask": "three"}, "names no lengths of segments"),
        ("amount * 2", {"amount": 1.5}, "float is not an exact number"),
        ("amount + 1", {"amount": True}, "bool is not an exact number"),
        ("amount / 0", {"amount": Decimal(1)}, "DivisionByZero"),
        ("supplier.name", {"supplier": "Nordic"}, "has no fields"),
        ("sum([x for x in lines])", {"lines": "abc"}, "not a list"),
        ("date(day)", {"day": "31.10.2026"}, "not a date"),
        ("a < b", {"a": "x", "b": Decimal(1)}, "not supported"),
        ("lines[key]", {"lines": {}, "key": []}, "unhashable"),
        ("number(x)", {"x": "12,50"}, "not an exact number"),
    ],
)
def test_data_that_does_not_fit_refuses_the_record(text: str, row: dict[str, Any], words: str) -> None:
    with pytest.raises(RecordRefused) as refused:
        value(text, **row)
    assert words in refused.value.message
    assert f"`{text}` (map.yml:7)" in refused.value.message


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("supplier.number", {"supplier", "supplier.number"}),
        ("sum([line.amount for line in lines])", {"lines", "lines.amount"}),
        ("record.currency if _.a else index", {"record", "record.currency", "record.a"}),
        ("'x'", set()),
    ],
)
def test_an_expression_knows_what_it_reads(text: str, paths: set[str]) -> None:
    assert expression(text).compiled.paths == paths


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20))
def test_a_number_written_in_a_map_is_that_number(number: Decimal) -> None:
    assert value(format(number, "f")) == number
    assert value("x - y", x=number, y=number) == 0
    assert value("number(text(x))", x=number) == number
    assert isinstance(value("date(d)", d="2026-01-01"), date)
