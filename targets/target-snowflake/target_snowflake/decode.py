"""Records to rows: a struct compiled from the stream's columns, whose types msgspec checks while it reads."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
from ml_connector.bulk.keys import COMPANY
from ml_connector.errors import BadInput, ConfigError
from ml_connector.store.text import storable
from singer_sdk.exceptions import MissingKeyPropertiesError

from target_snowflake.columns import Column, Kind
from target_snowflake.convert import HALF_A_CHARACTER, NO_UTF8

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_PYTHON: dict[Kind, Any] = {
    Kind.INTEGER: int,
    Kind.NUMBER: Decimal,
    Kind.FLOAT: float,
    Kind.BOOLEAN: bool,
    Kind.VARIANT: msgspec.Raw,
}
"""What msgspec reads a value as; dates, times and binary are texts until Arrow reads them by the column."""

_CONSTANTS = ("NaN", "Infinity", "-Infinity")
"""What Python's and JavaScript's writers put where JSON has no number; kept beside a NUMBER column as text."""

_MOST_DIGITS = 4_000
"""Python refuses to read longer integers, and nothing stores them."""

_UNREADABLE = (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, InvalidOperation)
_PLACE = re.compile(r" - at `\$\.(.+)`$")
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is not what its schema says."""

    index: int
    reason: str
    message: str
    field: str | None = None


class MissingKey(BadInput, MissingKeyPropertiesError):
    """A record lacks a property that its stream's key is made of."""


class Decoder:
    """Reads the records of one stream."""

    def __init__(self, stream: str, columns: Sequence[Column]) -> None:
        """Compile the struct.

        Raises:
            ConfigError: A key property has no single type, so that it could not be compared.
        """
        self._stream = stream
        self._columns = columns
        self._keys = [column.property for column in columns if column.is_key]
        for column in columns:
            if column.is_key and column.type.kind == Kind.VARIANT:
                raise ConfigError(
                    f"the key property {column.property!r} of stream {stream!r} has no single scalar type. "
                    f'Say in `column_types` what it is: {{"{stream}.{column.property}": VARCHAR}}.'
                )
        struct = self._struct(columns)
        self._all = msgspec.json.Decoder(list[struct])  # type: ignore[valid-type]
        self._one = msgspec.json.Decoder(struct)
        self._parts = {f"k{place}": name for place, name in enumerate({*self._keys, COMPANY})}
        parts = msgspec.defstruct("Key", [(field, Any, None) for field in self._parts], rename=self._parts, gc=False)
        self._key = msgspec.json.Decoder(parts, float_hook=Decimal)
        self.fields = tuple(f"f{place}" for place in range(len(columns)))
        self.getters: tuple[Callable[[Any], Any], ...] = tuple(map(attrgetter, self.fields))

    def _struct(self, columns: Sequence[Column]) -> type[msgspec.Struct]:
        fields: list[Any] = []
        for place, column in enumerate(columns):
            kind = _PYTHON.get(column.type.kind, str)
            if column.is_key:
                fields.append((f"f{place}", kind))
            elif kind is msgspec.Raw:
                fields.append((f"f{place}", msgspec.Raw | msgspec.UnsetType, msgspec.UNSET))
            else:
                fields.append((f"f{place}", kind | None | msgspec.UnsetType, msgspec.UNSET))
        fields.sort(key=len)  # what is required comes first
        rename = {f"f{place}": column.property for place, column in enumerate(columns)}
        return msgspec.defstruct("Row", fields, rename=rename, gc=False)

    def keys(self, raws: Iterable[msgspec.Raw]) -> Iterator[dict[str, Any]]:
        """Yield, of each record, what its business key is made of, as it was written."""
        for raw in raws:
            try:
                found = self._key.decode(raw)
            except _UNREADABLE:
                yield plain(raw)
            else:
                yield {name: getattr(found, field) for field, name in self._parts.items()}

    def rows(self, raws: Sequence[msgspec.Raw]) -> tuple[list[Any], list[Rejected]]:
        """Return the records as rows, None for each that is rejected, and why.

        Raises:
            MissingKey: A record lacks a key property: it could never be found again, so the stream is broken.
        """
        try:
            return self._all.decode(b"[%b]" % b",".join(raws)), []
        except _UNREADABLE:
            return self._each(raws)

    def _each(self, raws: Iterable[msgspec.Raw]) -> tuple[list[Any], list[Rejected]]:
        rows: list[Any] = []
        rejected: list[Rejected] = []
        for index, raw in enumerate(raws):
            try:
                rows.append(self._one.decode(raw))
            except _UNREADABLE:
                found = self._again(index, raw)
                rows.append(None if isinstance(found, Rejected) else found)
                if isinstance(found, Rejected):
                    rejected.append(found)
        return rows, rejected

    def _again(self, index: int, raw: msgspec.Raw) -> Any:
        """Read what msgspec refuses and Python's reader takes, such as NaN, lone surrogates, and 1.0 as an integer."""
        record = _loads(raw)
        if not isinstance(record, dict):
            return Rejected(index, "not_an_object", f"a record of stream {self._stream!r} is not a JSON object")
        if missing := [key for key in self._keys if key not in record]:
            raise MissingKey(
                f"a record of stream {self._stream!r} lacks its key: {', '.join(missing)}. Correct the tap; what came "
                "before is settled or read again."
            )
        if empty := [key for key in self._keys if record[key] is None]:
            told = f"the key property {empty[0]} is null, so the record could not be found again"
            return Rejected(index, "key_is_null", told, empty[0])
        known: dict[str, Any] = {}
        for column in self._columns:
            if column.property in record:
                value = known[column.property] = _plainer(record[column.property], column.type.kind)
                if words := _oddity(value):
                    return Rejected(index, "value_does_not_fit", f"{column.property}: {words}", column.property)
        try:
            return self._one.decode(_encode(known))
        except msgspec.ValidationError as error:
            return self._misfit(index, str(error))

    def _misfit(self, index: int, words: str) -> Rejected:
        place = _PLACE.search(words)
        name = place[1] if place else None
        told = _PLACE.sub("", words).replace("`", "").lower()
        message = f"{name or 'the record'} is not what the schema says: {told}"
        return Rejected(index, "value_does_not_fit", message, name)


class _Odd(str):
    """A number that JSON or Python does not have, as it was written."""

    __slots__ = ()


def _loads(raw: msgspec.Raw | bytes) -> Any:
    """Return a record as Python values, numbers exact; bytes that are no UTF-8 become lone surrogates."""
    text = bytes(raw).decode("utf-8", "surrogateescape")
    return json.loads(text, parse_float=_decimal, parse_int=_integer, parse_constant=_Odd)


def _decimal(text: str) -> Decimal | _Odd:
    try:
        return Decimal(text)
    except InvalidOperation:  # its exponent has twenty digits
        return _Odd(text)


def _integer(text: str) -> int | _Odd:
    return int(text) if len(text) <= _MOST_DIGITS else _Odd(text)


def _plainer(value: Any, kind: Kind) -> Any:
    """Return a value as msgspec takes it for a column of this kind, when there is a way that alters nothing."""
    if kind == Kind.NUMBER and value in _CONSTANTS:
        return str(value)
    if kind == Kind.INTEGER and isinstance(value, Decimal) and value.adjusted() < _MOST_DIGITS:
        return int(value) if value == value.to_integral_value() else value
    return value


def _oddity(value: Any) -> str | None:
    """Return what of a value neither Snowflake nor JSON can hold."""
    if isinstance(value, _Odd):
        return f"it is {value[:40]}, which is no number that Snowflake can hold"
    if isinstance(value, str):
        return None if value.isascii() else _broken(value)
    if isinstance(value, dict):
        value = [*value, *value.values()]
    return next(filter(None, map(_oddity, value)), None) if isinstance(value, list) else None


def _broken(text: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return NO_UTF8 if "\udc80" <= text[error.start] <= "\udcff" else HALF_A_CHARACTER
    return None


def plain(raw: msgspec.Raw | bytes) -> Any:
    """Return a record as Python values to show and to keep, numbers exact; what is no Unicode is replaced.

    Numbers that JSON does not have, such as NaN, are texts.
    """
    return _clean(_loads(raw))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return str(value) if value.isascii() else storable(value)
    if isinstance(value, dict):
        return {_clean(name): _clean(inner) for name, inner in value.items()}
    return [_clean(inner) for inner in value] if isinstance(value, list) else value
