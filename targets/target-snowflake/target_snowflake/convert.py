"""Columns of values to Arrow: whole columns at a time; value by value only where a column has one that does not fit.

Nothing is rounded, cut or dropped in silence: a value that its column cannot hold exactly is told as a misfit.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from target_snowflake.columns import LONGEST_TEXT, PRECISION, Kind

if TYPE_CHECKING:
    from target_snowflake.columns import Type

Values = Sequence[Any]
_WIDE = Context(prec=2 * PRECISION + 40, rounding=ROUND_HALF_EVEN)
_MISFIT = (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError, ValueError)
_NULL = b"null"
_LONGEST_BINARY = 8_388_608
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_FRACTION = re.compile(r"[.,](\d+)")
_MICROS, _NANOS = 6, 9
_MICRO_TIME = len("23:59:59.123456")

HALF_A_CHARACTER = "it has half a character (a lone surrogate), which no text in Snowflake can hold"
NO_UTF8 = "it has bytes that are not UTF-8"


@dataclass(slots=True)
class Converted:
    """One column as Arrow, and what of it did not fit: row → (the exact value as text, why)."""

    array: pa.Array
    misfits: dict[int, tuple[str, str]] = field(default_factory=dict)


def convert(kind: Type, values: Values, zone: str = "UTC") -> Converted:
    """Return values as an Arrow column of a type; None stays null.

    `zone` is what timestamps without an offset are meant in. A misfit is null in the array, except a number with more
    decimals than its column has, which is rounded there.
    """
    if kind.kind == Kind.NUMBER:
        return _numbers(values, kind.precision, kind.scale)
    if kind.kind == Kind.TIMESTAMP:
        return _timestamps(values, zone)
    return _CONVERSIONS[kind.kind](values)


def _integers(values: Values) -> Converted:
    try:
        return Converted(pa.array(values, pa.int64()))
    except _MISFIT:
        return _numbers([None if value is None else Decimal(value) for value in values], PRECISION, 0)


def _numbers(values: Values, precision: int, scale: int) -> Converted:
    kind = pa.decimal128(precision, scale)
    try:
        array = pa.array(values, kind)
    except _MISFIT:
        pass
    else:
        if "E-" not in ",".join(map(str, values)):
            return Converted(array)
    # pyarrow 26 makes 1E-48 zero without a word: numbers that small are converted one by one.
    return _each(values, kind, lambda value: _number(value, precision, scale))


def _number(value: Decimal, precision: int, scale: int) -> Decimal:
    """Return a number at its column's scale; what cannot be held exactly raises, with what is stored instead."""
    if not value.is_finite():
        raise _MisfitError("it is not a finite number")
    with localcontext(_WIDE):
        if value and value.adjusted() >= precision - scale:
            raise _MisfitError(f"it has more than {precision - scale} digits before the point")
        stored = value.quantize(Decimal(1).scaleb(-scale))
        if stored != value:
            fits = not stored or stored.adjusted() < precision - scale  # rounding may bring one digit more
            raise _MisfitError(f"it has more than {scale} decimals", stored if fits else None)
    return stored


def _floats(values: Values) -> Converted:
    return Converted(pa.array(values, pa.float64()))


def _booleans(values: Values) -> Converted:
    return Converted(pa.array(values, pa.bool_()))


def _texts(values: Values) -> Converted:
    try:
        array = pa.array(values, pa.string())
    except _MISFIT:
        return _each(values, pa.string(), _utf8)
    longest = pc.max(pc.binary_length(array)).as_py() or 0
    return Converted(array) if longest <= LONGEST_TEXT else _each(values, pa.string(), _utf8)


def _utf8(value: str) -> str:
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise _MisfitError(HALF_A_CHARACTER) from None
    if size > LONGEST_TEXT:
        raise _MisfitError("it is longer than the 16 MB that a VARCHAR takes")
    return value


def _variants(values: Values) -> Converted:
    texts = [None if value is None else bytes(value) for value in values]
    if _NULL in texts:
        texts = [None if text == _NULL else text for text in texts]
    try:
        array = pa.array(texts, pa.string())
    except _MISFIT:
        return _each(texts, pa.string(), _json)
    longest = pc.max(pc.binary_length(array)).as_py() or 0
    halves = (pc.any(pc.match_substring(array, start)).as_py() for start in ("\\ud", "\\uD"))
    return _each(texts, pa.string(), _json) if longest > LONGEST_TEXT or any(halves) else Converted(array)


def _json(text: bytes) -> str:
    if len(text) > LONGEST_TEXT:
        raise _MisfitError("it is longer than the 16 MB that a VARIANT takes")
    try:
        json.dumps(json.loads(text, parse_int=str, parse_float=str), ensure_ascii=False).encode()
        return text.decode()
    except UnicodeDecodeError:
        raise _MisfitError(NO_UTF8) from None
    except UnicodeEncodeError:
        raise _MisfitError(HALF_A_CHARACTER) from None


def _timestamps(values: Values, zone: str) -> Converted:
    texts = pa.array(values, pa.string())
    for unit in ("us", "ns"):
        for parse in (_with_offset, _without_offset):
            try:
                array = parse(texts, unit, zone)
            except _MISFIT:
                continue
            if unit == "ns" or _in_years(array):
                return Converted(array)
    made = _each(values, pa.string(), lambda text: _timestamp(text, zone), "a date and time")
    return _fine(made, pa.timestamp("us", "UTC"), pa.timestamp("ns", "UTC"))


def _in_years(array: pa.Array) -> bool:
    """Return whether all moments are of the years 1 to 9999: an offset may take them out."""
    ends = pc.min_max(array.cast(pa.int64())).as_py()
    return ends["min"] is None or (ends["min"] >= _FIRST and ends["max"] <= _LAST)


def _fine(texts: Converted, *kinds: pa.DataType) -> Converted:
    """Return texts of one form as the first kind that holds all of them, or as they are.

    Year 9999 beside a tenth of a microsecond is too much for Arrow; Snowflake reads such texts itself.
    """
    for kind in kinds:
        try:
            return Converted(texts.array.cast(kind), texts.misfits)
        except _MISFIT:
            continue
    return texts


def _with_offset(texts: pa.Array, unit: str, _zone: str) -> pa.Array:
    return texts.cast(pa.timestamp(unit, "UTC"))


def _without_offset(texts: pa.Array, unit: str, zone: str) -> pa.Array:
    naive = texts.cast(pa.timestamp(unit))
    return pc.assume_timezone(naive, zone, ambiguous="earliest", nonexistent="earliest").cast(pa.timestamp(unit, "UTC"))


def _timestamp(text: str, zone: str) -> str:
    rest, moment = _nanos(text), datetime.fromisoformat(text.upper())
    moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ', timespec='microseconds')}{rest}+00:00"


def _nanos(text: str) -> str:
    """Return the digits of a fraction of a second that Python leaves out; there are at most three."""
    fraction = _FRACTION.search(text)
    rest = fraction[1][_MICROS:].rstrip("0") if fraction else ""
    if len(rest) > _NANOS - _MICROS:
        raise _MisfitError(f"it has more than {_NANOS} decimals of a second")
    return rest


def _dates(values: Values) -> Converted:
    try:
        return Converted(pa.array(values, pa.string()).cast(pa.date32()))
    except _MISFIT:
        return _each(values, pa.date32(), _date, "a date")


def _date(text: str) -> date:
    moment = datetime.fromisoformat(text)
    if moment.time() != time() or _nanos(text):
        raise _MisfitError("it has a time of day, which a DATE would lose")
    if moment.utcoffset():
        raise _MisfitError("it has an offset, which a DATE would lose")
    return moment.date()


def _times(values: Values) -> Converted:
    made = _each(values, pa.string(), _time, "a time of day")
    texts = made.array.to_pylist()
    if any(text and len(text) > _MICRO_TIME for text in texts):
        return made  # Snowflake reads texts of nanoseconds itself
    return Converted(pa.array([text and time.fromisoformat(text) for text in texts], pa.time64("us")), made.misfits)


def _time(text: str) -> str:
    rest, found = _nanos(text), time.fromisoformat(text.upper())
    if found.tzinfo is not None:
        raise _MisfitError("it has an offset, which a TIME would lose")
    return found.isoformat(timespec="microseconds") + rest


def _binaries(values: Values) -> Converted:
    return _each(values, pa.binary(), _binary, "base64")


def _binary(text: str) -> bytes:
    found = base64.b64decode(text, validate=True)
    if len(found) > _LONGEST_BINARY:
        raise _MisfitError("it is longer than the 8 MB that a BINARY takes")
    return found


class _MisfitError(ValueError):
    """A value that its column cannot hold; `stored` is what may stand there beside the exact text."""

    def __init__(self, why: str, stored: Any = None) -> None:
        super().__init__(why)
        self.stored = stored


def _each(values: Values, kind: pa.DataType, parse: Callable[[Any], Any], words: str = "what it is") -> Converted:
    """Convert value by value, and take down those that do not fit."""
    found: list[Any] = []
    misfits: dict[int, tuple[str, str]] = {}
    for row, value in enumerate(values):
        try:
            found.append(None if value is None else parse(value))
        except _MisfitError as error:
            misfits[row] = (_shown(value), str(error))
            found.append(error.stored)
        except (ValueError, binascii.Error, OverflowError):
            misfits[row] = (_shown(value), f"it cannot be read as {words}")
            found.append(None)
    return Converted(pa.array(found, kind), misfits)


def _shown(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


_CONVERSIONS: dict[Kind, Callable[[Values], Converted]] = {
    Kind.INTEGER: _integers,
    Kind.FLOAT: _floats,
    Kind.BOOLEAN: _booleans,
    Kind.TEXT: _texts,
    Kind.DATE: _dates,
    Kind.TIME: _times,
    Kind.BINARY: _binaries,
    Kind.VARIANT: _variants,
}
