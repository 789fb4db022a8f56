"""Columns of values to Arrow: whole columns at a time; value by value only where a column has one that does not fit.

Nothing is rounded, cut or dropped in silence: a value that its column cannot hold exactly is told as a misfit.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
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
        return Converted(pa.array(values, kind))
    except _MISFIT:
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
            raise _MisfitError(f"it has more than {scale} decimals", stored)
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
    if len(value.encode("utf-8", "replace")) > LONGEST_TEXT:
        raise _MisfitError("it is longer than the 16 MB that a VARCHAR takes")
    return value.encode("utf-8", "replace").decode()


def _variants(values: Values) -> Converted:
    texts = [None if value is None else bytes(value) for value in values]
    if _NULL in texts:
        texts = [None if text == _NULL else text for text in texts]
    return Converted(pa.array(texts, pa.string()))


def _timestamps(values: Values, zone: str) -> Converted:
    texts = pa.array(values, pa.string())
    for unit in ("us", "ns"):
        for parse in (_with_offset, _without_offset):
            try:
                return Converted(parse(texts, unit, zone))
            except _MISFIT:
                continue
    return _each(values, pa.timestamp("us", "UTC"), lambda text: _timestamp(text, zone))


def _with_offset(texts: pa.Array, unit: str, _zone: str) -> pa.Array:
    return texts.cast(pa.timestamp(unit, "UTC"))


def _without_offset(texts: pa.Array, unit: str, zone: str) -> pa.Array:
    naive = texts.cast(pa.timestamp(unit))
    return pc.assume_timezone(naive, zone, ambiguous="earliest", nonexistent="earliest").cast(pa.timestamp(unit, "UTC"))


def _timestamp(text: str, zone: str) -> datetime:
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(UTC)


def _dates(values: Values) -> Converted:
    try:
        return Converted(pa.array(values, pa.string()).cast(pa.date32()))
    except _MISFIT:
        return _each(values, pa.date32(), _date)


def _date(text: str) -> date:
    moment = datetime.fromisoformat(text)
    if moment.time() != time():
        raise _MisfitError("it has a time of day, which a DATE would lose")
    return moment.date()


def _times(values: Values) -> Converted:
    return _each(values, pa.time64("us"), _time)


def _time(text: str) -> time:
    found = time.fromisoformat(text)
    if found.tzinfo is not None:
        raise _MisfitError("it has an offset, which a TIME would lose")
    return found


def _binaries(values: Values) -> Converted:
    return _each(values, pa.binary(), lambda text: base64.b64decode(text, validate=True))


class _MisfitError(ValueError):
    """A value that its column cannot hold; `stored` is what may stand there beside the exact text."""

    def __init__(self, why: str, stored: Any = None) -> None:
        super().__init__(why)
        self.stored = stored


def _each(values: Values, kind: pa.DataType, parse: Callable[[Any], Any]) -> Converted:
    """Convert value by value, and take down those that do not fit."""
    found: list[Any] = []
    misfits: dict[int, tuple[str, str]] = {}
    for row, value in enumerate(values):
        try:
            found.append(None if value is None else parse(value))
        except _MisfitError as error:
            misfits[row] = (str(value), str(error))
            found.append(error.stored)
        except (ValueError, binascii.Error, OverflowError):
            misfits[row] = (str(value), f"it cannot be read as {_WORDS.get(str(kind), str(kind))}")
            found.append(None)
    return Converted(pa.array(found, kind), misfits)


_WORDS = {"timestamp[us, tz=UTC]": "a date and time", "date32[day]": "a date", "time64[us]": "a time of day",
          "binary": "base64"}  # fmt: skip
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
