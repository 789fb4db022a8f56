"""Making records conform to their schema: one function per stream, compiled once, changing only what differs.

Scalars arrive with their JSON type nearly always, so the common case is one look-up per field. What cannot be converted
stays as it came and is told: a surprising value never stops a run, and is never lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

Record = dict[str, Any]
Convert = Callable[[Any], Any]
Tell = Callable[[str, str], None]
"""Called with a field's path and what is odd about it, for every odd value: the caller tells each once."""

_NULL = type(None)


class _OddError(Exception):
    """The value has no form of the wanted type."""


@dataclass(frozen=True, slots=True)
class _Field:
    """How a field's values are treated: those of the accepted types stay, all others are converted."""

    accepted: frozenset[type]
    convert: Convert


@dataclass(frozen=True, slots=True)
class Normaliser:
    """Compiles JSON Schemas into functions.

    `selected` says of a catalog breadcrumb whether it is wanted; unwanted fields are removed. Unknown fields are kept
    or removed by `keep_unknown`, and told.
    """

    selected: Mapping[tuple[str, ...], bool]
    keep_unknown: bool
    tell: Tell

    def compile(self, schema: Mapping[str, Any]) -> Callable[[Record], Record]:
        """Return the function that makes a record of this schema conform, in place."""
        return self._object(schema, (), "")

    def _object(self, schema: Mapping[str, Any], crumb: tuple[str, ...], path: str) -> Callable[[Record], Record]:
        below = {name: (*crumb, "properties", name) for name in schema["properties"]}
        fields = {
            name: self._field(child, below[name], path + name)
            for name, child in schema["properties"].items()
            if self.selected[below[name]]
        }
        return _conformer(fields, self._stranger(below.keys() - fields.keys(), path))

    def _stranger(self, unwanted: Collection[str], path: str) -> Callable[[Record, str], None]:
        """Return what is done with a field that is not to be converted."""

        def stranger(record: Record, name: str) -> None:
            if name not in unwanted:
                self.tell(path + name, "the schema does not know it")
            if name in unwanted or not self.keep_unknown:
                del record[name]

        return stranger

    def _field(self, schema: Mapping[str, Any], crumb: tuple[str, ...], path: str) -> _Field:
        kind = kind_of(schema)
        accepted, convert = _SCALARS.get(kind, _ANYTHING)
        if kind == "object" and schema.get("properties"):
            accepted, convert = set(), _one(self._object(schema, crumb, path + "."))
        if kind == "array" and "items" in schema:
            accepted, convert = set(), _each(self._field(schema["items"], crumb, path + "[]"))
        return self._lenient(frozenset({*accepted, _NULL}), convert, path)

    def _lenient(self, accepted: frozenset[type], convert: Convert, path: str) -> _Field:
        """Return the field whose conversion unwraps `{"value": x}`, and leaves and tells what it cannot convert."""

        def lenient(value: Any) -> Any:
            try:
                return convert(value)
            except _OddError:
                if type(value) is dict and value.keys() == {"value"}:
                    inner = value["value"]
                    return inner if type(inner) in accepted else lenient(inner)
                self.tell(path, f"a {type(value).__name__} where the schema has another type")
                return value

        return _Field(accepted, lenient)


def _conformer(fields: Mapping[str, _Field], stranger: Callable[[Record, str], None]) -> Callable[[Record], Record]:
    def conform(record: Record) -> Record:
        strangers: list[str] = []
        for name, value in record.items():
            field = fields.get(name)
            if field is None:
                strangers.append(name)
            elif type(value) not in field.accepted:
                record[name] = field.convert(value)
        for name in strangers:
            stranger(record, name)
        return record

    return conform


def _one(conform: Callable[[Record], Record]) -> Convert:
    def one(value: Any) -> Any:
        if type(value) is not dict or (value.keys() == {"value"} and type(value["value"]) is dict):
            raise _OddError
        return conform(value)

    return one


def _each(item: _Field) -> Convert:
    def each(value: Any) -> Any:
        if type(value) is not list:
            raise _OddError
        for position, element in enumerate(value):
            if type(element) not in item.accepted:
                value[position] = item.convert(element)
        return value

    return each


def kind_of(schema: Mapping[str, Any]) -> str:
    """Return the one type a schema names beside null: `date-time` for such a string, '' for none."""
    if schema.get("format") == "date-time":
        return "date-time"
    kinds = schema.get("type", ())
    return kinds if isinstance(kinds, str) else next((kind for kind in kinds if kind != "null"), "")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    raise _OddError


def _moment(value: Any) -> str | None:
    """Keep a date's text, naive or not: reading a zone into it is not the tap's business."""
    if type(value) is not str:
        raise _OddError
    return value or None


def _integer(value: Any) -> int | None:
    number = _number(value)
    if number is not None and number != int(number):
        raise _OddError
    return None if number is None else int(number)


def _number(value: Any) -> Decimal | int | None:
    if isinstance(value, Decimal):
        return value
    if type(value) is not str:
        raise _OddError
    try:
        number = Decimal(value) if value else None
    except InvalidOperation:
        raise _OddError from None
    if number is not None and not number.is_finite():
        raise _OddError
    return number


def _boolean(value: Any) -> bool:
    words = {"true": True, "false": False}
    if type(value) is str and value.lower() in words:
        return words[value.lower()]
    raise _OddError


def _refuse(_: Any) -> Any:
    raise _OddError


_ANYTHING: tuple[set[type], Convert] = ({str, int, bool, Decimal, list, dict}, _refuse)
_SCALARS: dict[str, tuple[set[type], Convert]] = {
    "string": ({str}, _text),
    "date-time": (set(), _moment),
    "integer": ({int}, _integer),
    "number": ({Decimal, int}, _number),
    "boolean": ({bool}, _boolean),
    "object": ({dict}, _refuse),
    "array": ({list}, _refuse),
}
