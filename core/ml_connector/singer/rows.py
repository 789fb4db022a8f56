"""Reading rows at C speed: a page whose values all have the schema's types is decoded straight into conforming rows."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import msgspec

from ml_connector.singer.normalise import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.singer.schema import JsonSchema

_TYPES: Mapping[str, Any] = {
    "string": str,
    "date-time": Annotated[str, msgspec.Meta(min_length=1)],  # the normaliser makes an empty one null
    "integer": int,
    "number": Decimal,
    "boolean": bool,
}


NO_NUMBERS = (b'"NaN"', b'"Infinity"', b'"-Infinity"')
"""Texts that .NET and Java write for what is no number, and that msgspec would take for a Decimal."""


class Conforming(list[dict[str, Any]]):
    """Rows that need no normalising any more."""


class RowDecoder:
    """Decodes answers; a list of rows comes as Conforming when every value has the type its schema says.

    Anything else comes as plain JSON for the normaliser: one odd value, and the first answer of all, so that fields
    unknown to the schema are noticed. `beside` are fields wanted besides the schema's, such as paging data.
    """

    def __init__(
        self, schema: JsonSchema, selected: Mapping[tuple[str, ...], bool], beside: Mapping[str, Any] | None = None
    ) -> None:
        self._rows = msgspec.json.Decoder(
            list[_row_type(schema, selected, (), beside or {})],  # type: ignore[misc]
            float_hook=Decimal,  # for what has no type of its own
        )
        self._plain = msgspec.json.Decoder(float_hook=Decimal)
        self._is_first = True

    def __call__(self, body: bytes) -> Any:
        """Return an answer's JSON. Raises msgspec.DecodeError."""
        if self._is_first or any(word in body for word in NO_NUMBERS):
            self._is_first = False
            return self._plain.decode(body)
        try:
            return Conforming(self._rows.decode(body))
        except msgspec.ValidationError:
            return self._plain.decode(body)


def _row_type(
    schema: JsonSchema, selected: Mapping[tuple[str, ...], bool], crumb: tuple[str, ...], beside: Mapping[str, Any]
) -> Any:
    """Return a TypedDict of the selected fields: msgspec drops all others."""
    below = {name: (*crumb, "properties", name) for name in schema["properties"]}
    fields = {
        name: _type(child, selected, below[name])
        for name, child in schema["properties"].items()
        if selected[below[name]]
    }
    return TypedDict("Row", {**fields, **beside}, total=False)  # type: ignore[operator]  # made at run time


def _type(schema: JsonSchema, selected: Mapping[tuple[str, ...], bool], crumb: tuple[str, ...]) -> Any:
    kind = kind_of(schema)
    if kind == "object" and schema.get("properties"):
        return _row_type(schema, selected, crumb, {}) | None
    if kind == "array" and "items" in schema:
        return list[_type(schema["items"], selected, crumb)] | None  # type: ignore[misc]
    return _TYPES[kind] | None if kind in _TYPES else Any
