"""Any value of any schema lands exactly, or its record is a dead letter with a reason."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal

import msgspec
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ml_connector.errors import BadInput, ConfigError
from target_snowflake.columns import Kind, TypeRules
from target_snowflake.convert import convert
from target_snowflake.decode import Decoder
from target_snowflake.group import EXACT, Pending, Reading
from target_snowflake.lines import envelope
from target_snowflake.names import LONGEST, identifier, identifiers
from target_snowflake.shape import Shape
from target_snowflake.tables import _SUFFIXES

FUZZ = settings(deadline=None)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST = 16_777_216


def reading(*kinds, keys=(), evolve=True, zone="UTC"):
    """Return how a stream with properties p0, p1 … is read."""
    properties = {f"p{place}": kind for place, kind in enumerate(kinds)}
    shape = Shape.of({"stream": "s", "schema": {"properties": properties}, "key_properties": keys}, TypeRules())
    return Reading(shape, Decoder("s", shape.columns), zone, evolve)


def stored(read, *records):
    """Return what records become as they are handed to Parquet, and what is refused."""
    raws = [msgspec.Raw(each if isinstance(each, bytes) else json.dumps(each).encode()) for each in records]
    none = [None] * len(raws)
    group = read.group(Pending(raws, list(range(len(raws))), none, none, [msgspec.Raw()] * len(raws), 1))
    return {name: [_plain(each) for each in group.table[name]] for name in group.table.column_names}, group.refused


def _plain(value):
    if pa.types.is_timestamp(value.type):
        return None if value.value is None else (value.value, value.type.unit)
    return value.as_py()


def one(kind, value, **options):
    """Return what one value becomes, and the reason when it is refused."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    found, refused = stored(reading(kind, **options), b'{"p0":%b}' % raw)
    assert len(refused) + len(found["P0"]) == 1
    if refused:
        assert refused[0].reason == "value_does_not_fit"
        assert refused[0].message
        assert refused[0].field == "p0"
        json.dumps(refused[0].record, default=str).encode()  # it can be kept
        return None, refused[0].message
    exact = found.get(f"P0{EXACT}", [None])[0]
    return (found["P0"][0] if exact is None else exact), None


NUMBER, INTEGER, TEXT, BOOLEAN = ({"type": [name, "null"]} for name in ("number", "integer", "string", "boolean"))
MOMENT, DATE, TIME = ({"type": "string", "format": name} for name in ("date-time", "date", "time"))
BINARY = {"type": "string", "contentEncoding": "base64"}
ANY = {"type": ["object", "array", "null"]}
KINDS = (NUMBER, INTEGER, TEXT, BOOLEAN, MOMENT, DATE, TIME, BINARY, ANY, {"type": ["string", "integer"]}, {})

numbers = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False),
    st.integers().map(Decimal),
    st.builds(lambda digits, exponent: Decimal(digits).scaleb(exponent), st.integers(), st.integers(-60, 60)),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(numbers)
@example(Decimal("1E-48"))  # pyarrow 26 makes it zero
@settings(FUZZ)
def test_numbers_are_exact_or_kept_exactly_beside(value):
    text = format(value, "f") if -50 < value.adjusted() < 50 else str(value)
    found, refused = one(NUMBER, text.encode() if text[0] != "." else b"0" + text.encode())
    assert refused is None
    assert Decimal(found) == value
    without, reason = one(NUMBER, text.encode(), evolve=False)
    assert without is None if reason else Decimal(without) == value


@given(st.integers() | st.integers(-(10**45), 10**45))
@settings(FUZZ)
def test_integers_of_any_size(value):
    found, refused = one(INTEGER, value)
    assert refused is None
    assert int(found) == value
    assert int(one(INTEGER, b"%d.0" % value)[0]) == value  # a whole number, written as a float
    assert one(INTEGER, b"%d.5" % value)[1]


moments = st.builds(
    lambda moment, offset: moment.replace(tzinfo=timezone(timedelta(minutes=offset))),
    st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)),  # noqa: DTZ001  an offset is given to it
    st.integers(-1439, 1439),
)


@given(st.lists(st.tuples(moments, st.sampled_from(["", "7", "007", "789", "7891", "000"])), min_size=1, max_size=4))
@settings(FUZZ)
def test_moments_are_exact_to_the_nanosecond_whatever_stands_beside_them(given_moments):
    texts = [
        f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}{rest}{moment.isoformat()[-6:]}"
        for moment, rest in given_moments
    ]
    found, refused = stored(reading(MOMENT), *({"p0": text} for text in texts))
    assert len(refused) == sum(len(rest) > 3 for _, rest in given_moments)
    wanted = [
        ((moment - EPOCH) // timedelta(microseconds=1)) * 1000 + int(rest.ljust(3, "0"))
        for moment, rest in given_moments
        if len(rest) <= 3
    ]
    assert [_nanoseconds(value) for value in found["P0"]] == wanted


def _nanoseconds(value):
    if isinstance(value, tuple):
        number, unit = value
        return number * {"ns": 1, "us": 1000}[unit]
    fraction = value[20:-6].ljust(9, "0")  # a text that Snowflake reads itself
    moment = datetime.fromisoformat(f"{value[:19]}+00:00")
    return (moment - EPOCH) // timedelta(seconds=1) * 10**9 + int(fraction)


@given(values, st.sampled_from(KINDS))
@settings(FUZZ, max_examples=400)
def test_any_value_in_any_column_lands_as_it_is_or_is_refused(value, kind):
    found, refused = one(kind, value)
    if refused or value is None:
        assert found is None
    elif kind in (ANY, {}, KINDS[-2]):
        assert json.loads(found) == value
    elif kind is TEXT:
        assert found == value
    elif isinstance(value, str) and kind is NUMBER:
        assert Decimal(found).is_nan() or Decimal(found) == Decimal(value)
    elif isinstance(value, float) and kind is NUMBER:
        assert str(Decimal(found)) == str(Decimal(repr(value))) or Decimal(found) == Decimal(repr(value))
    elif kind in (NUMBER, INTEGER, BOOLEAN):
        assert Decimal(found) == Decimal(repr(value) if isinstance(value, float) else value)
        assert isinstance(value, bool) == (kind is BOOLEAN)
    else:
        assert isinstance(value, str)  # a date, a time, or base64


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        (MOMENT, "0001-01-01T00:00:00Z", (-62135596800000000, "us")),
        (MOMENT, "9999-12-31T23:59:59.999999Z", (253402300799999999, "us")),
        (MOMENT, "9999-12-31T23:59:59.9999999Z", "9999-12-31 23:59:59.9999999+00:00"),
        (MOMENT, "2020-01-01", (1577836800000000, "us")),
        (MOMENT, "2020-01-01t00:00:00z", (1577836800000000, "us")),
        (MOMENT, "2020-01-01T00:00:00+0530", (1577817000000000, "us")),
        (MOMENT, "0001-01-01T00:00:00+05:30", None),
        (MOMENT, "9999-12-31T23:59:59-05:00", None),
        (MOMENT, "2016-12-31T23:59:60Z", None),
        (MOMENT, "2020-01-01T24:00:00Z", None),
        (MOMENT, "2020-02-30T00:00:00Z", None),
        (MOMENT, "", None),
        (MOMENT, 1577836800, None),
        (DATE, "2020-01-01T00:00:00Z", datetime(2020, 1, 1).date()),  # noqa: DTZ001
        (DATE, "2020-01-01T00:00:00.0000001Z", None),
        (DATE, "2020-01-01T10:00:00Z", None),
        (DATE, "2020-01-01T00:00:00+05:30", None),
        (TIME, "10:20:30.5", time(10, 20, 30, 500_000)),
        (TIME, "10:20:30.1234567", "10:20:30.1234567"),
        (TIME, "10:20:30.1234567891", None),
        (TIME, "10:20:30Z", None),
        (BINARY, base64.b64encode(b"\xff\x00").decode(), b"\xff\x00"),
        (BINARY, "no base64", None),
        (BINARY, base64.b64encode(b"x" * 8_388_609).decode(), None),
        ({"type": "string", "format": "binary"}, "6461746132", "6461746132"),  # hex, as pipelinewise's taps write it
        (NUMBER, b"NaN", "NaN"),
        (NUMBER, b"-Infinity", "-Infinity"),
        (NUMBER, b"1E99999999999999999999999", None),
        (INTEGER, b"NaN", None),
        (INTEGER, b"9" * 5000, None),
        (INTEGER, b"1E+999999999", None),
        (BOOLEAN, 1, None),
        (TEXT, "a\0b", "a\0b"),
        (TEXT, b'"\\ud800"', None),
        (TEXT, b'"\xff"', None),
        (TEXT, "\U0001f600 é", "\U0001f600 é"),
        (TEXT, "é" * (MOST // 2), "é" * (MOST // 2)),
        (TEXT, "x" * (MOST + 1), None),
        (ANY, b'{"a":"\\ud83d\\ude00"}', '{"a":"\\ud83d\\ude00"}'),
        (ANY, b'{"a":"\\\\ud800"}', '{"a":"\\\\ud800"}'),
        (ANY, b'{"a":"\\ud800"}', None),
        (ANY, b'{"a":"\xff"}', None),
        (ANY, b'{"a":NaN}', None),
        (ANY, ["x" * MOST], None),
        (ANY, b'{"a":null,"b":{},"c":[null]}', '{"a":null,"b":{},"c":[null]}'),
        (ANY, b"1.10000000000000000000000000000000000001", "1.10000000000000000000000000000000000001"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_single_values(kind, value, wanted):
    found, refused = one(kind, value)
    assert (found, refused is None) == (wanted, wanted is not None)


def test_a_time_zone_is_for_moments_without_an_offset_only():
    found, _ = stored(
        reading(MOMENT, zone="Europe/Oslo"), {"p0": "2020-07-01T12:00:00"}, {"p0": "2020-07-01T12:00:00Z"}
    )
    assert found["P0"] == [(1593597600000000, "us"), (1593604800000000, "us")]


def test_records_beside_a_bad_one_are_loaded():
    read = reading(INTEGER, TEXT, ANY, keys=["p0"])
    good = [{"p0": n, "p1": "x", "p2": [n]} for n in range(3)]
    found, refused = stored(read, good[0], b'{"p0":9,"p1":NaN}', good[1], [1], b'{"p0":null}', {"p0": "x"}, good[2])
    assert found["P0"] == [0, 1, 2]
    assert [(each.place, each.reason) for each in refused] == [
        (1, "value_does_not_fit"),
        (3, "not_an_object"),
        (4, "key_is_null"),
        (5, "value_does_not_fit"),
    ]


# schemas

odd_types = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["string", "number", "object"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "anyOf", "oneOf", "allOf", "format", "multipleOf", "$ref", "properties", "items"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(odd_types, values)
@settings(FUZZ, max_examples=300)
def test_any_schema_has_a_column_or_a_clear_error(kind, value):
    try:
        found, _ = one(kind, value)
    except ConfigError as error:
        assert "p0" in str(error)  # noqa: PT017  it is one of two ends
    else:
        del found


@given(st.lists(st.text(max_size=300), min_size=1, max_size=6, unique=True))
@settings(FUZZ)
def test_every_property_has_a_column_of_its_own(names):
    found = identifiers(names)
    assert len(set(found.values())) == len(names)
    assert all(len(name) <= LONGEST for name in found.values())
    assert all(name.encode("ascii").isupper() or not any(map(str.isalpha, name)) for name in found.values())


def test_names_of_our_own_columns_are_not_given_to_properties():
    seconds = [f"X__{_SUFFIXES.get(kind, str(kind))}" for kind in Kind]
    for name in ("_ml_batch_id", "_ML_ROW_HASH", "_ml_order", "x__exact", "x__number_2", *seconds):
        assert identifier(name) != name.upper()
        assert identifier(name).startswith(name.upper())
    assert identifier("_sdc_extracted_at") == "_SDC_EXTRACTED_AT"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b'{"type":"RECORD","stream":"s","record":{"x":NaN,"y":1.10}}', b'{"x":NaN,"y":1.10}'),
        (b' { "record" : {"x":"\\ud800"} , "type" : "RECORD", "other": [NaN] }\r', b'{"x":"\\ud800"}'),
        (b'{"type":"RECORD","stream":"\xff","record":{"x":"\xff"}}', b'{"x":"\xff"}'),
        (b'{"type":"RECORD","record":{"x":NaN}} more', None),
        (b'{"type":"RECORD","record":{"x":NaN}', None),
        (b'{"type":"RECORD","record":{"x":01}}', None),
        (b'{"type":1}', None),
        (b'[{"type":"RECORD"}]', None),
        (b'{"record":{}}', None),
        (b'{"a":' + b"[" * 100_000, None),
    ],
)
def test_a_record_stays_as_it_came_or_the_line_is_told(line, kept):
    if kept is not None:
        assert bytes(envelope(line, 7).record) == kept
        return
    with pytest.raises(BadInput, match="line 7 is not a Singer message"):
        envelope(line, 7)


def test_texts_of_arrow_are_what_the_pieces_are():
    texts = ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00", None]
    kind = reading(MOMENT).shape.columns[0].type
    assert convert(kind, texts, "UTC").array.cast(pa.int64()).to_pylist() == [1577836800000000] * 2 + [None]
