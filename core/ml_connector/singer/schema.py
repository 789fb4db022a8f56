"""Stream schemas as names and types, and the JSON Schema they stand for.

{"internalId": "integer", "name": "string", "lastModifiedDateTime": "date-time",
 "mainAddress": {"city": "string"}, "attributes": [{"id": "string"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

JsonSchema = dict[str, Any]

DELETED_AT = "_sdc_deleted_at"
"""The field by which a tap, or a census, says that the source no longer has a record."""

_SCALARS: Mapping[str, JsonSchema] = {
    "string": {"type": ["string", "null"]},
    "date-time": {"type": ["string", "null"], "format": "date-time"},
    "date": {"type": ["string", "null"], "format": "date"},
    "integer": {"type": ["integer", "null"]},
    "number": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "object": {"type": ["object", "null"]},
}


def json_schema(types: Mapping[str, Any], keys: Collection[str] = ()) -> JsonSchema:
    """Return the JSON Schema of an object; everything may be null but its keys, which are required."""
    properties = {name: _property(kind) for name, kind in types.items()}
    for key in keys:
        properties[key] = properties[key] | {"type": properties[key]["type"][0]}
    return {"type": "object", "properties": properties, **({"required": list(keys)} if keys else {})}


def _property(kind: Any) -> JsonSchema:
    if isinstance(kind, dict):
        return json_schema(kind) | {"type": ["object", "null"]}
    if isinstance(kind, list):
        return {"type": ["array", "null"], "items": _property(kind[0])}
    return _SCALARS[kind]
