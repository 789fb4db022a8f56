"""Canonical records as Singer messages: one stream per record type, the same whatever system they came from."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ml_connector.finance.catalog import RECORD_TYPES
from ml_connector.singer.schema import DELETED_AT, json_schema

if TYPE_CHECKING:
    from ml_connector.finance.catalog import RecordType
    from ml_connector.finance.records import CanonicalRecord
    from ml_connector.singer.schema import JsonSchema

NUMBER, TEXT = "number", "string"
"""How amounts, quantities and rates are written: as JSON numbers, or as texts for targets that read these as floats."""

KEYS = ("source_system", "company", "source_key")
_BESIDE = MappingProxyType(
    {
        "source_system": "string",
        "company": "string",
        "source_key": "string",
        "business_key": "string",
        "title": "string",
        "source_state": "string",
        "source_modified_at": "string",
        "defaulted": "string",
        DELETED_AT: "date-time",
    }
)
"""What every record has beside its type's own fields."""

_KINDS = MappingProxyType({"text": "string", "date": "date", "boolean": "boolean", "map": "object"})


def schema_of(name: str, decimals: str = NUMBER) -> JsonSchema:
    """Return the JSON Schema of a canonical record type."""
    own = _types(RECORD_TYPES[name], decimals)
    signed = {"amount": decimals} if "total" in own else {}
    return json_schema({**own, **_BESIDE, **signed}, KEYS)


def _types(record_type: RecordType, decimals: str) -> dict[str, Any]:
    return {
        name: [_types(field.rows, decimals)] if field.rows else _KINDS.get(field.kind, decimals)
        for name, field in record_type.fields.items()
    }


def row_of(record: CanonicalRecord, defaulted: list[str], decimals: str = NUMBER) -> dict[str, Any]:
    """Return a canonical record as one row, `amount` being its total as it counts."""
    signed = {} if record.amount is None else {"amount": record.amount}
    row = {**record.fields, **key_of(record), **signed, "defaulted": ", ".join(defaulted) or None}
    for name in ("title", "source_state", "source_modified_at"):
        row[name] = getattr(record, name) or None
    return dict(_texts(row)) if decimals == TEXT else row


def key_of(record: CanonicalRecord) -> dict[str, str]:
    """Return what tells a record apart."""
    return {**{name: getattr(record, name) for name in KEYS}, "business_key": record.business_key}


def _texts(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {name: _texts(inner) for name, inner in value.items()}
    return [_texts(each) for each in value] if isinstance(value, list) else value
