"""The normaliser: what conforms stays, what can be converted is, nothing stops a run."""

from collections import defaultdict
from decimal import Decimal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_connector.singer.normalise import Normaliser
from ml_connector.singer.schema import json_schema

TYPES = {
    "text": "string",
    "when": "date-time",
    "count": "integer",
    "amount": "number",
    "open": "boolean",
    "free": "object",
    "address": {"city": "string", "zone": {"id": "integer"}},
    "lines": [{"amount": "number", "note": "string"}],
    "tags": ["string"],
}
SCHEMA = json_schema(TYPES)
EVERYTHING = defaultdict(lambda: True)


def normalise(record, *, keep_unknown=False, selected=EVERYTHING):
    told: list[tuple[str, str]] = []
    conform = Normaliser(selected, keep_unknown, lambda path, what: told.append((path, what))).compile(SCHEMA)
    return conform(record), told


CONFORMING = {
    "text": "a",
    "when": "2026-10-02T14:14:59.74",
    "count": 3,
    "amount": Decimal("1.10"),
    "open": False,
    "free": {"x": 1},
    "address": {"city": "Oslo", "zone": {"id": 1}},
    "lines": [{"amount": Decimal(2), "note": None}, {}],
    "tags": ["a", None],
}


def test_what_conforms_stays_as_it_is():
    record, told = normalise({**CONFORMING})
    assert record == CONFORMING
    assert told == []
    assert list(record) == list(CONFORMING)


def test_nulls_stay_everywhere():
    nulls = dict.fromkeys(TYPES)
    assert normalise({**nulls}) == (nulls, [])


@pytest.mark.parametrize(
    ("field", "given", "expected"),
    [
        ("text", 12, "12"),
        ("text", Decimal("1.50"), "1.50"),
        ("text", Decimal("1E+3"), "1000"),
        ("text", True, "true"),
        ("text", {"value": "x"}, "x"),
        ("text", {"value": 7}, "7"),
        ("text", {"value": None}, None),
        ("when", "", None),
        ("when", {"value": "2026-10-02T00:00:00"}, "2026-10-02T00:00:00"),
        ("when", "2026-10-02T14:14:59", "2026-10-02T14:14:59"),
        ("count", "12", 12),
        ("count", Decimal("12.0"), 12),
        ("count", "", None),
        ("amount", "12.10", Decimal("12.10")),
        ("amount", 12, 12),
        ("amount", {"value": "0.10"}, Decimal("0.10")),
        ("open", "True", True),
        ("open", "false", False),
        ("address", {"value": {"city": 5}}, {"city": "5"}),
        ("lines", {"value": [{"amount": "1"}]}, [{"amount": Decimal(1)}]),
        ("tags", [1, "b"], ["1", "b"]),
    ],
)
def test_what_can_be_converted_is(field, given, expected):
    record, told = normalise({field: given})
    assert record == {field: expected}
    assert type(record[field]) is type(expected)
    assert told == []


@pytest.mark.parametrize(
    ("field", "odd"),
    [
        ("text", ["a"]),
        ("text", {"other": 1}),
        ("when", 20261002),
        ("count", "many"),
        ("count", Decimal("1.5")),
        ("count", "NaN"),
        ("amount", "1,50"),
        ("amount", True),
        ("amount", "Infinity"),
        ("open", 1),
        ("open", "maybe"),
        ("address", "Oslo"),
        ("address", [1]),
        ("lines", {"0": {}}),
        ("lines", "none"),
    ],
)
def test_what_cannot_is_left_and_told(field, odd):
    record, told = normalise({field: odd})
    assert record == {field: odd}
    assert [path for path, _ in told] == [field]


def test_oddities_are_told_with_their_place():
    _, told = normalise({"lines": [{"amount": "x"}], "address": {"zone": {"id": "y"}}})
    assert {path for path, _ in told} == {"lines[].amount", "address.zone.id"}


@pytest.mark.parametrize("keep", [True, False])
def test_unknown_fields_are_kept_or_dropped_at_every_level_and_told(keep):
    record, told = normalise({"new": 1, "address": {"new": 2, "city": "x"}, "lines": [{"new": 3}]}, keep_unknown=keep)
    kept = {"new": 1, "address": {"new": 2, "city": "x"}, "lines": [{"new": 3}]}
    dropped = {"address": {"city": "x"}, "lines": [{}]}
    assert record == (kept if keep else dropped)
    assert {path for path, _ in told} == {"new", "address.new", "lines[].new"}


def test_deselected_fields_are_removed_and_not_told():
    unwanted = [("properties", "text"), ("properties", "address", "properties", "city")]
    selected = defaultdict(lambda: True, dict.fromkeys(unwanted, False))
    native = {"text": "x", "address": {"city": "y", "zone": None}}
    record, told = normalise(native, keep_unknown=True, selected=selected)
    assert record == {"address": {"zone": None}}
    assert told == []


SCALARS = st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text()
SCALARS |= st.sampled_from(["NaN", "Infinity", "-Infinity", "1.50", "true", "", "2026-10-02T00:00:00"])
NAMES = st.sampled_from([*TYPES, "city", "zone", "value", "new"])
JSON_VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=12)


@given(st.dictionaries(st.sampled_from([*TYPES, "new"]), JSON_VALUES))
def test_nothing_stops_it_and_what_is_not_told_conforms(record):
    record, told = normalise(record)
    if not told:
        jsonschema.validate(plain(record), SCHEMA)


@given(st.dictionaries(st.sampled_from([*TYPES, "new"]), JSON_VALUES))
def test_twice_is_once(record):
    once, _ = normalise(record)
    before = repr(once)
    assert repr(normalise(once)[0]) == before


def plain(value):
    """Return a value as jsonschema knows it: it does not take a Decimal for a number."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: plain(child) for name, child in value.items()}
    return [plain(child) for child in value] if isinstance(value, list) else value
