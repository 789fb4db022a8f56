"""Acumatica's values: `{"value": x}` around everything, `{}` for null (apis/acumatica.md §3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

BARE = frozenset({"id", "delete", "rowNumber"})
"""What is written as it is."""

_LEFT_OUT = frozenset({"_links", "files", "error"})
_PAIR = frozenset({"value", "error", "type"})
_STAMP = re.compile(r"DateTime$|^LastModified|^Created|Activity$")
_MIDNIGHT = re.compile(r"\d{4}-\d\d-\d\dT00:00:00(\.0+)?(Z|[+-]\d\d:\d\d)?")
_TYPES = {bool: "CustomBooleanField", int: "CustomIntField", Decimal: "CustomDecimalField"}
DAY = 10
"""Characters of a date-time that are the day."""


def unwrap(entity: Mapping[str, Any]) -> Row:
    """Return a record's plain values, its linked entities and rows included; links, files and errors are left out.

    A day arrives as midnight somewhere: its first ten characters are the day, whatever the zone. Fields of the custom
    part keep their view: `{"custom": {"Document": {"UsrX": 1}}}`.
    """
    row = {name: _plain(name, value) for name, value in entity.items() if name not in _LEFT_OUT}
    row.pop("rowNumber", None)  # of the list it came in
    return row


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_inside(each) for each in value]
    if not isinstance(value, dict):
        return value
    if not value or value.keys() <= _PAIR:
        return _value(name, value.get("value"))
    return _inside(value)


def _inside(node: Any) -> Any:
    """Return a linked entity or a row; the number of a row stays, since bills' lines have no other (§4)."""
    if not isinstance(node, Mapping):
        return node
    return {name: _plain(name, value) for name, value in node.items() if name not in _LEFT_OUT}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, str) and value[DAY : DAY + 1] == "T" and is_day(name) and _MIDNIGHT.fullmatch(value):
        return value[:DAY]
    return value


def is_day(name: str) -> bool:
    """Whether a date field is a day rather than a moment, which only its name tells: the contract has one type."""
    return _STAMP.search(name) is None


def wrap(row: Mapping[str, Any]) -> Row:
    """Return a record as Acumatica reads it; what is None is cleared. `id` and `delete` stay bare, a note does not."""
    return {name: value if name in BARE else _wrapped(name, value) for name, value in row.items()}


def _wrapped(name: str, value: Any) -> Any:
    if name == "custom" and isinstance(value, Mapping):
        return {view: {field: _custom(each) for field, each in fields.items()} for view, fields in value.items()}
    if isinstance(value, Mapping):
        return wrap(value)
    if isinstance(value, list):
        return [wrap(each) for each in value]
    return {"value": value}


def _custom(value: Any) -> Row:
    """Return a custom field; one that says its type already stays as it is."""
    if isinstance(value, Mapping):
        return dict(value)
    return {"type": _TYPES.get(type(value), "CustomStringField"), "value": value}
