"""What a SCHEMA message makes of a stream: its columns, its key, what its control total is made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from ml_connector.errors import BadInput
from ml_connector.singer.totals import CONTROL_TOTAL, WHOLE_RECORDS

from target_snowflake.columns import Column, Kind, Type, columns_of
from target_snowflake.names import identifier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_snowflake.columns import TypeRules

COMPANY = "_company"
DELETED_AT = "_sdc_deleted_at"

EXTRACTED_AT, VERSION = "_SDC_EXTRACTED_AT", "_SDC_TABLE_VERSION"
ROW_HASH, BATCH_ID, RUN_ID = "_ML_ROW_HASH", "_ML_BATCH_ID", "_ML_RUN_ID"
MODIFIED_AT, LOADED_AT = "_ML_SOURCE_MODIFIED_AT", "_ML_LOADED_AT"
ORDER, CURRENCY, ABSENT = "_ML_ORDER", "_ML_CURRENCY", "_ML_ABSENT"
"""The last three are columns of staging tables only; by the order, the last of several rows of a key wins."""

_TEXT, _MOMENT, _COUNT = Type(Kind.TEXT), Type(Kind.TIMESTAMP), Type(Kind.INTEGER)

METADATA: Mapping[str, Type] = {
    BATCH_ID: _TEXT,
    RUN_ID: _TEXT,
    MODIFIED_AT: _MOMENT,
    LOADED_AT: _MOMENT,
    ROW_HASH: _TEXT,
    EXTRACTED_AT: _MOMENT,
    "_SDC_RECEIVED_AT": _MOMENT,
    "_SDC_BATCHED_AT": _MOMENT,
    "_SDC_SEQUENCE": _COUNT,
    VERSION: _COUNT,
    "_SDC_SYNC_STARTED_AT": _COUNT,
}
"""Columns that every table has beside the stream's own; `_SDC_DELETED_AT` is read from the record."""


@dataclass(frozen=True)
class Shape:
    """A stream as its newest SCHEMA message describes it."""

    stream: str
    table: str
    schema: Mapping[str, Any]
    columns: tuple[Column, ...]
    key_properties: tuple[str, ...]  # in the order that business keys are made in
    replication_key: str | None
    amount: Column | None  # of the control total
    currency: str | None  # path to it in a record
    whole: bool  # a property that a record does not have is null, not unknown

    @cached_property
    def keys(self) -> tuple[Column, ...]:
        """The key columns."""
        return tuple(column for column in self.columns if column.is_key)

    @cached_property
    def company(self) -> Column | None:
        """The column that says whose record it is."""
        return self.by_property.get(COMPANY)

    @cached_property
    def by_property(self) -> dict[str, Column]:
        """The columns by their properties."""
        return {column.property: column for column in self.columns}

    @cached_property
    def metadata(self) -> dict[str, Type]:
        """The metadata columns that the stream does not bring itself."""
        own = {column.name for column in self.columns}
        return {name: kind for name, kind in METADATA.items() if name not in own}

    @cached_property
    def modified_at(self) -> Column | None:
        """The column of the replication key, when it is a moment."""
        found = self.by_property.get(self.replication_key or "")
        return found if found is not None and found.type.kind == Kind.TIMESTAMP else None

    @cached_property
    def salt(self) -> bytes:
        """What row hashes are salted with: the same record under other columns is another row."""
        told = "|".join(f"{column.name} {column.type.sql}" for column in self.columns)
        return blake2b(told.encode(), digest_size=16).digest()

    @classmethod
    def of(
        cls,
        message: Mapping[str, Any],
        rules: TypeRules,
        *,
        whole: bool = False,
    ) -> Shape:
        """Return the shape that a SCHEMA message describes; `whole` says that absent properties are null.

        Raises:
            BadInput: It describes no table.
        """
        stream, schema, keys = _checked(message)
        properties = {**schema["properties"]}
        properties.setdefault(DELETED_AT, {"type": ["string", "null"], "format": "date-time"})
        columns = columns_of(stream, {"properties": properties}, keys, rules)
        total = schema.get(CONTROL_TOTAL) or {}
        amounts = {c.property: c for c in columns if c.type.kind in (Kind.INTEGER, Kind.NUMBER)}
        marks = message.get("bookmark_properties") or [None]
        amount = amounts.get(total.get("amount") or "")
        whole = whole or not keys or bool(schema.get(WHOLE_RECORDS))  # without a key there is nothing to keep
        currency = total.get("currency") if amount else None
        return cls(stream, identifier(stream), schema, columns, tuple(keys), marks[0], amount, currency, whole)


def _checked(message: Mapping[str, Any]) -> tuple[str, Mapping[str, Any], Sequence[str]]:
    """Return what a SCHEMA message says of a stream: its name, its schema, and its key."""
    stream, schema, keys = message["stream"], message["schema"], message.get("key_properties") or ()
    if not stream or not isinstance(schema, dict):
        raise BadInput(f"a SCHEMA message {f'of stream {stream!r} ' if stream else ''}lacks its stream or its schema.")
    if not isinstance(schema.get("properties"), dict):
        raise BadInput(
            f"the schema of stream {stream!r} has no properties, so it has no columns. Check the tap's catalog."
        )
    if missing := [key for key in keys if key not in schema["properties"]]:
        raise BadInput(
            f"the key of stream {stream!r} names {', '.join(missing)}, which its schema does not have. Check the tap."
        )
    return stream, schema, keys
