"""Lists at C speed: a page whose values all have their types is decoded straight into plain, conforming rows.

The counterpart of `ml_connector.singer.rows` for values in wrappers. Anything else comes as plain JSON for the careful
way: one odd value, and the first page of all, so that fields unknown to the schema are noticed.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import msgspec
from ml_connector.singer.rows import NO_NUMBERS, Conforming
from ml_connector.vendors.acumatica.values import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector.singer.normalise import Record

    from tap_acumatica.shape import Types


class _Text(msgspec.Struct, gc=False):
    value: str | None = None


class _Moment(msgspec.Struct, gc=False):
    value: Annotated[str, msgspec.Meta(min_length=1)] | None = None  # the careful way makes an empty one null


class _Number(msgspec.Struct, gc=False):
    value: Decimal | None = None


class _Integer(msgspec.Struct, gc=False):
    value: int | None = None


class _Boolean(msgspec.Struct, gc=False):
    value: bool | None = None


_WRAPPERS: Mapping[str, Any] = {
    "string": _Text,
    "date": _Moment,
    "date-time": _Moment,
    "number": _Number,
    "integer": _Integer,
    "boolean": _Boolean,
}
_WRAPPED = frozenset(_WRAPPERS.values())
_BARE: Mapping[str, Any] = {"id": str, "rowNumber": int, "note": _Text | None, "custom": Any}


class WrappedRows:
    """Decodes a list of entities; it comes as Conforming when every value has the type that the contract says."""

    def __init__(self, types: Types, mask: Mapping[tuple[str, ...], bool]) -> None:
        self._typed = msgspec.json.Decoder(list[_row_type(types, mask, ())], float_hook=Decimal)  # type: ignore[misc]
        self._plain = msgspec.json.Decoder(float_hook=Decimal)
        self._unwrap = _unwrapper(types)
        self._is_first = True

    def __call__(self, body: bytes) -> Any:
        """Return an answer's JSON. Raises msgspec.DecodeError."""
        if self._is_first or any(word in body for word in NO_NUMBERS):
            self._is_first = False
            return self._plain.decode(body)
        try:
            return Conforming(map(self._unwrap, self._typed.decode(body)))
        except msgspec.ValidationError:
            return self._plain.decode(body)


def _row_type(types: Types, mask: Mapping[tuple[str, ...], bool], crumb: tuple[str, ...]) -> Any:
    """Return a TypedDict of the selected fields: msgspec drops all others."""
    fields = {
        name: _BARE.get(name) or _type(kind, mask, (*crumb, "properties", name))
        for name, kind in types.items()
        if mask[*crumb, "properties", name]
    }
    return TypedDict("Row", fields, total=False)  # type: ignore[operator]  # made at run time


def _type(kind: Any, mask: Mapping[tuple[str, ...], bool], crumb: tuple[str, ...]) -> Any:
    if isinstance(kind, list):
        return list[_row_type(kind[0], mask, crumb)] | None  # type: ignore[misc]
    return _row_type(kind, mask, crumb) | None if isinstance(kind, dict) else _WRAPPERS[kind]


def _unwrapper(types: Types) -> Callable[[Record], Record]:
    """Return the function that takes a row's values out of their wrappers, in place."""
    days = [name for name, kind in types.items() if kind == "date"]
    parts = {name: _unwrapper(kind) for name, kind in types.items() if isinstance(kind, dict)}
    lists = {name: _unwrapper(kind[0]) for name, kind in types.items() if isinstance(kind, list)}

    def unwrap(row: Record) -> Record:
        for name, value in row.items():
            if value.__class__ in _WRAPPED:
                row[name] = value.value
            elif value.__class__ is dict and name in parts:
                row[name] = parts[name](value) if value else None
            elif value.__class__ is list:
                row[name] = list(map(lists[name], value))
        for name in days:
            if day := row.get(name):
                row[name] = day[:DAY]
        return row

    return unwrap
