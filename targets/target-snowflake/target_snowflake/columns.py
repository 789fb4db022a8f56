"""What a stream's JSON Schema becomes: one typed column per property (apis/snowflake.md §3, holes to beat)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ml_connector.errors import ConfigError

from target_snowflake.names import identifiers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PRECISION = 38
LONGEST_TEXT = 16_777_216
"""Characters a VARCHAR takes that states no length."""

_NUMBER = re.compile(r"(?:NUMBER|DECIMAL|NUMERIC)(?:\((\d+)(?:,\s*(\d+))?\))?")
_FORMATS = {"date-time": "TIMESTAMP", "date": "DATE", "time": "TIME"}  # `binary` is hex here and base64 there: a text


class Kind(StrEnum):
    """How a column's values are read and stored."""

    INTEGER = "INTEGER"
    NUMBER = "NUMBER"
    FLOAT = "FLOAT"
    BOOLEAN = "BOOLEAN"
    TEXT = "TEXT"
    TIMESTAMP = "TIMESTAMP"
    DATE = "DATE"
    TIME = "TIME"
    BINARY = "BINARY"
    VARIANT = "VARIANT"


SQL = {
    Kind.FLOAT: "FLOAT",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TEXT: "VARCHAR",
    Kind.TIMESTAMP: "TIMESTAMP_TZ",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.BINARY: "BINARY",
    Kind.VARIANT: "VARIANT",
}


@dataclass(frozen=True, slots=True)
class Type:
    """A column's type; precision and scale are a number's."""

    kind: Kind
    precision: int = PRECISION
    scale: int = 0
    length: int = 0  # of a text; 0: as long as Snowflake takes

    @property
    def sql(self) -> str:
        """The type as SQL writes it."""
        if self.kind in (Kind.INTEGER, Kind.NUMBER):
            return f"NUMBER({self.precision},{self.scale})"
        return f"VARCHAR({self.length})" if self.length else SQL[self.kind]

    @classmethod
    def parse(cls, text: str) -> Type:
        """Return the type that SQL's words stand for: what a setting says, or what DESCRIBE TABLE tells.

        Raises:
            ConfigError: It is none that this target writes.
        """
        words = text.strip().upper()
        if found := _NUMBER.fullmatch(words):
            precision, scale = int(found[1] or PRECISION), int(found[2] or 0)
            if precision <= PRECISION and scale <= precision:
                return cls(Kind.NUMBER if scale else Kind.INTEGER, precision, scale)
        base, _, size = words.partition("(")
        for kind, names in _NAMES.items():
            if base.strip() in names:
                length = int(size.rstrip(")")) if kind == Kind.TEXT and size.rstrip(")").isdigit() else 0
                return cls(kind, length=length if length < LONGEST_TEXT else 0)
        raise ConfigError(f"{text!r} is no column type that this target writes. Write NUMBER(38,4), FLOAT, VARCHAR …")


_NAMES: Mapping[Kind, tuple[str, ...]] = {
    Kind.FLOAT: ("FLOAT", "DOUBLE", "REAL", "FLOAT8", "FLOAT4", "DOUBLE PRECISION"),
    Kind.BOOLEAN: ("BOOLEAN",),
    Kind.TEXT: ("VARCHAR", "TEXT", "STRING", "CHAR"),
    Kind.TIMESTAMP: ("TIMESTAMP_TZ",),
    Kind.DATE: ("DATE",),
    Kind.TIME: ("TIME",),
    Kind.BINARY: ("BINARY", "VARBINARY"),
    Kind.VARIANT: ("VARIANT", "OBJECT", "ARRAY"),
    Kind.INTEGER: ("BIGINT", "INT", "INTEGER", "SMALLINT"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One property and its column."""

    property: str
    name: str
    type: Type
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class TypeRules:
    """What the settings say of types."""

    number: Type = Type(Kind.NUMBER, PRECISION, 9)
    columns: Mapping[str, Type] | None = None  # 'stream.property' → type

    def of(self, stream: str, name: str, schema: Mapping[str, Any]) -> Type:
        """Return the type of a property."""
        stated = self.columns or {}
        for pattern in (f"{stream}.{name}", f"*.{name}"):
            if pattern in stated:
                return stated[pattern]
        return _type(schema, self.number)


def columns_of(stream: str, schema: Mapping[str, Any], keys: Sequence[str], rules: TypeRules) -> tuple[Column, ...]:
    """Return a stream's columns, in the order of its schema."""
    properties: Mapping[str, Any] = schema["properties"]
    names = identifiers(properties)
    return tuple(
        Column(name, names[name], rules.of(stream, name, each if isinstance(each, dict) else {}), name in keys)
        for name, each in properties.items()
    )


def _type(schema: Mapping[str, Any], number: Type) -> Type:
    branches = list(_branches(schema))
    kinds = {_kind(branch) for branch in branches} - {None}
    if kinds in ({Kind.TIMESTAMP, Kind.TEXT}, {Kind.DATE, Kind.TEXT}):
        return Type(Kind.TEXT)  # the schema says itself that not every text is a date
    if kinds == {Kind.INTEGER, Kind.NUMBER}:
        kinds = {Kind.NUMBER}
    if len(kinds) != 1:
        return Type(Kind.VARIANT)
    kind = kinds.pop()
    if kind == Kind.NUMBER:
        return _number(branches, number)
    return Type(kind or Kind.VARIANT)


def _branches(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every alternative of a schema, each with one type."""
    for word in ("anyOf", "oneOf", "allOf"):
        for each in _listed(schema.get(word)):
            if isinstance(each, dict):
                yield from _branches(each)
    types = schema.get("type")
    for each in [types] if isinstance(types, str) else _listed(types):
        yield {**schema, "type": each}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _kind(schema: Mapping[str, Any]) -> Kind | None:
    match schema["type"]:
        case "null":
            return None
        case "integer":
            return Kind.INTEGER
        case "number":
            return Kind.NUMBER
        case "boolean":
            return Kind.BOOLEAN
        case "string":
            encoded = schema.get("contentEncoding") == "base64"
            return Kind.BINARY if encoded else Kind(_FORMATS.get(str(schema.get("format")), "TEXT"))
        case _:
            return Kind.VARIANT


def _step(value: Any) -> Decimal | None:
    try:
        step = Decimal(str(value))
    except InvalidOperation:
        return None
    return step if step.is_finite() and step > 0 else None


def _number(branches: Sequence[Mapping[str, Any]], default: Type) -> Type:
    """Return the exact type of a number: its scale is that of `multipleOf`, else the default's."""
    steps = [step for each in branches if (step := _step(each.get("multipleOf")))]
    if not steps:
        return default
    exponent = steps[0].normalize().as_tuple().exponent
    scale = max(0, -exponent) if isinstance(exponent, int) else 0
    return Type(Kind.NUMBER, PRECISION, min(scale, PRECISION - 1))
