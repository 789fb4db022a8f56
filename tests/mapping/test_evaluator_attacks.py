"""No expression reaches Python, fills the memory or runs for ever."""

from __future__ import annotations

import builtins
import string
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_connector.errors import RecordRefused
from ml_connector.mapping.compiler import MAX_LENGTH, Names, NotAllowed, compile_expression
from ml_connector.mapping.functions import FUNCTIONS

from tests.mapping.maps import expression, value

ESCAPES = [
    "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()",
    "''.__class__",
    "a.__class__.__mro__",
    "a['__class__'].__init__.__globals__",
    "record.__getattribute__('x')",
    "__builtins__",
    "__x__",
    "getattr(a, 'b')",
    "eval('1')",
    "exec('1')",
    "open('/etc/passwd')",
    "globals()",
    "vars()",
    "dir()",
    "print(1)",
    "type(a)",
    "str(a)",
    "a.keys()",
    "'a'.upper()",
    "'{0.__class__}'.format(a)",
    "'%s' % a",
    "f'{a}'",
    "f'{a.__class__}'",
    "lambda: 1",
    "(lambda x: x)(1)",
    "[x := 1]",
    "(yield 1)",
    "await a",
    "*a",
    "sum(*a)",
    "concat(**a)",
    "sum(list=a)",
    "{**a}",
    "{a: 1}",
    "[x for x in a for y in a]",
    "[x async for x in a]",
    "[x for x, y in a]",
    "[x for x.y in a]",
    "[__x for __x in a]",
    "[[[z for z in a] for y in a] for x in a]",
    "{x for x in a}",
    "{x: x for x in a}",
    "2 ** 1000000000",
    "9 << 9",
    "1 // 2",
    "1 % 2",
    "~1",
    "+1",
    "1 | 2",
    "a @ a",
    "a[1:2]",
    "a is b",
    "1 < 2 < 3",
    "1j",
    "0x10",
    "0b1",
    "b'a'",
    "...",
    "a = 1",
    "import os",
    "a; b",
    "del a",
    "",
    "   ",
    "(",
    "a b",
    "'a",
    "\x00",
    "1e999999999",
    "9" * 100,
    "1." + "0" * 100 + "1",
    "dimension('x', a, b, c)",
    "crosswalk('x.csv', a, b)",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_only_the_vocabulary_is_allowed(text: str) -> None:
    with pytest.raises(NotAllowed):
        compile_expression(text, Names())


@pytest.mark.parametrize("name", [name for name in dir(builtins) if name not in FUNCTIONS and name.isidentifier()])
def test_no_builtin_can_be_called(name: str) -> None:
    with pytest.raises(NotAllowed):
        compile_expression(f"{name}(a)", Names())


@pytest.mark.parametrize(
    "text", ["print", "open", "Exception", "help", "do_get", "call_sum", "constant_1", "row", "var"]
)
def test_a_name_is_only_ever_a_field(text: str) -> None:
    assert value(text) is None
    assert value(text, **{text: "mine"}) == "mine"


def test_a_loop_name_cannot_stand_in_for_our_own() -> None:
    for name in ("do_items", "do_get", "call_sum", "each_x", "row", "var", "dimension"):
        assert value(f"sum([{name}.n for {name} in a])", a=[{"n": 1}, {"n": 2}]) == Decimal(3)


def test_attributes_of_python_objects_are_out_of_reach() -> None:
    for name in ("real", "imag", "numerator", "year", "upper", "format", "keys", "append"):
        for thing in (Decimal(1), 1, "text", [1], True, None, {"own": 1}):
            try:
                assert value(f"a.{name}", a=thing) is None
            except RecordRefused as refused:
                assert "has no fields" in refused.message  # noqa: PT017


@pytest.mark.parametrize(
    "text",
    [
        "[" * 300 + "]" * 300,
        "not " * 400 + "a",
        "-" * 900 + "1",
        "a" + ".a" * 900,
        "(" * 900 + ")" * 900,
        " and ".join(["(a"] * 60) + ")" * 60,
    ],
)
def test_depth_is_bounded(text: str) -> None:
    with pytest.raises(NotAllowed):
        compile_expression(text, Names())


def test_length_is_bounded() -> None:
    with pytest.raises(NotAllowed, match=str(MAX_LENGTH)):
        compile_expression("a + " * MAX_LENGTH + "a", Names())


@pytest.mark.parametrize(
    "text",
    [
        "'x' * 1000000000",
        "[1] * 1000000000",
        "a * a * a * a * a * a * a * a",
        "text(b)",
        "concat(b)",
        "number('" + "9" * 50 + "') * 1",
        "c + c + c",
    ],
)
def test_values_are_bounded(text: str) -> None:
    row = {"a": Decimal(10) ** 20, "b": Decimal("1E+999999"), "c": "x" * 15_000}
    with pytest.raises(RecordRefused):
        value(text, **row)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcx"), inner, max_size=3),
    max_leaves=8,
)
ATOMS = st.sampled_from(
    ["a", "b", "a.b", "a.x.c", "record.a", "1", "0", "2.50", "'x'", "None", "True", "a[0]", "b['a']", "index"]
)
GRAMMAR = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(
            inner, st.sampled_from(["+", "-", "*", "/", "==", "!=", "<", ">=", "in", "not in", "and", "or"]), inner
        ).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(inner, inner).map(lambda parts: f"round_money({parts[0]}, {parts[1]})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} if {parts[1]} else {parts[2]})"),
        inner.map(lambda part: f"[c for c in {part} if c]"),
        inner.map(lambda part: f"{{'x': {part}}}[a]"),
        inner.map(lambda part: f"(not -{part})"),
    ),
    max_leaves=8,
)


@settings(max_examples=600, deadline=None)
@given(GRAMMAR, st.dictionaries(st.sampled_from("ab"), JSON))
def test_any_expression_over_any_record_gives_a_value_or_refuses_the_record(text: str, row: dict[str, Any]) -> None:
    try:
        compiled = expression(text)
    except NotAllowed:
        return
    try:
        compiled.evaluate(row, row, {})
    except RecordRefused as refused:
        assert refused.reason == "not_mappable"  # noqa: PT017


@settings(max_examples=600, deadline=None)
@given(st.text(alphabet=string.printable + "é\u2028\x00", max_size=60))
def test_any_text_is_an_expression_or_not_allowed(text: str) -> None:
    try:
        compiled = expression(text)
    except NotAllowed:
        return
    try:
        compiled.evaluate({}, {}, {})
    except RecordRefused:
        return
