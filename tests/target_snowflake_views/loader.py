"""A throwaway loader: records into their tables by Parquet and COPY, with the names and types of the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from ml_connector_simulators.kit import encode_json
from snowflake.connector import SnowflakeConnection
from tap_visma.tap import TapVisma

TEXT, NUMBER, INTEGER, TIME = pa.string(), pa.decimal128(38, 9), pa.int64(), pa.timestamp("us", "UTC")
SQL = {"VARCHAR": TEXT, "NUMBER(38,9)": NUMBER, "NUMBER(38,0)": INTEGER, "TIMESTAMP_TZ": TIME}
SQL |= {"BOOLEAN": pa.bool_(), "VARIANT": TEXT}
SCALARS = {"string": "VARCHAR", "number": "NUMBER(38,9)", "integer": "NUMBER(38,0)", "boolean": "BOOLEAN"}
ADDED = {"_SDC_EXTRACTED_AT": "TIMESTAMP_TZ", "_SDC_DELETED_AT": "TIMESTAMP_TZ"}
COMPANIES = ("NO01", "SE01")
DECLARED, NAMED = '"{0}" {1}', '"{0}"'
READ_AT = "2026-11-02T05:00:00"


def schemas() -> dict[str, Mapping[str, Any]]:
    """What the tap says of each of its streams."""
    tap = TapVisma(config={"client_id": "x", "client_secret": "xxxx", "tenant_id": "x", "company": "NO01"})
    return {name: stream.schema["properties"] for name, stream in tap.streams.items()}


@dataclass
class Answer:
    rows: list[tuple[Any, ...]]
    columns: list[str]


@dataclass
class Session:
    """What the views ask of a connection."""

    connection: SnowflakeConnection

    def execute(self, sql: str) -> Answer:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return Answer(cursor.fetchall(), [each.name for each in cursor.description])


def declare(session: Session, stream: str, properties: Mapping[str, Any]) -> None:
    """Make a stream's table, empty."""
    session.execute(f'CREATE OR REPLACE TABLE "{stream.upper()}" ({_list(_types(properties), DECLARED)})')


def load(session: Session, stream: str, properties: Mapping[str, Any], records: list[Any], folder: Path) -> None:
    """Make a stream's table and fill it from a file."""
    types = _types(properties)
    rows = [{"_sdc_extracted_at": READ_AT, **record} for record in records]
    arrays = {column: _array([row.get(name) for row in rows], sql) for (name, column), sql in _named(types, properties)}
    path = folder / f"{stream}.parquet"
    pq.write_table(pa.table(arrays), path)
    staged = {name: "VARCHAR" if sql == "VARIANT" else sql for name, sql in types.items()}
    session.execute(f"CREATE OR REPLACE TRANSIENT TABLE STAGED ({_list(staged, DECLARED)})")
    session.execute(f"PUT 'file://{path}' @LOADER/{folder.name}/{stream}/ AUTO_COMPRESS=FALSE")
    session.execute(
        f"COPY INTO STAGED FROM @LOADER/{folder.name}/{stream}/ FILE_FORMAT=(TYPE=PARQUET "
        "USE_LOGICAL_TYPE=TRUE) MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE PURGE=TRUE"
    )
    declare(session, stream, properties)
    parsed = ", ".join(f'PARSE_JSON("{name}")' if sql == "VARIANT" else f'"{name}"' for name, sql in types.items())
    session.execute(f'INSERT INTO "{stream.upper()}" ({_list(types, NAMED)}) SELECT {parsed} FROM STAGED')


def insert(session: Session, stream: str, properties: Mapping[str, Any], records: list[Any]) -> None:
    """Add a few records to a stream's table, by one statement."""
    types, names = _types(properties), {name for record in records for name in record} | {"_sdc_extracted_at"}
    assert {name.upper() for name in names} <= types.keys()
    wanted = {name: types[name.upper()] for name in sorted(names)}
    rows = [{"_sdc_extracted_at": READ_AT, **record} for record in records]
    selected = (", ".join(_literal(row.get(name), sql) for name, sql in wanted.items()) for row in rows)
    columns = ", ".join(f'"{name.upper()}"' for name in wanted)
    session.execute(f'INSERT INTO "{stream.upper()}" ({columns}) SELECT {" UNION ALL SELECT ".join(selected)}')


def _types(properties: Mapping[str, Any]) -> dict[str, str]:
    return {name.upper(): _sql(schema) for name, schema in properties.items()} | ADDED


def _named(types: Mapping[str, str], properties: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    names = {name.upper(): name for name in properties} | {name: name.lower() for name in ADDED}
    return (((names[column], column), sql) for column, sql in types.items())


def _literal(value: Any, sql: str) -> str:
    if value is None:
        return "NULL"
    text = encode_json(value).decode() if sql == "VARIANT" else str(value)
    quoted = "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    return f"PARSE_JSON({quoted})" if sql == "VARIANT" else f"{quoted}::{sql}"


def _list(columns: Mapping[str, str], pattern: str) -> str:
    return ", ".join(pattern.format(name, sql) for name, sql in columns.items())


def _sql(schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "TIMESTAMP_TZ"
    kinds = schema.get("type", [])
    [kind] = {kinds} if isinstance(kinds, str) else set(kinds) - {"null"}
    return SCALARS.get(kind, "VARIANT")


def _array(values: list[Any], sql: str) -> pa.Array:
    return pa.array([None if value is None else _value(value, sql) for value in values], SQL[sql])


def _value(value: Any, sql: str) -> Any:
    match sql:
        case "VARIANT":
            return encode_json(value).decode()
        case "NUMBER(38,9)":
            return Decimal(value)
        case "TIMESTAMP_TZ":
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value


def document(number: str, amount: str, **fields: Any) -> dict[str, Any]:
    """The header of a supplier document, as a record."""
    return {
        "_company": "NO01",
        "documentType": "Invoice",
        "referenceNumber": number,
        "supplierReference": "F-1",
        "supplier": {"number": "50001", "name": "Fjord Papir AS"},
        "status": "Open",
        "currencyId": "NOK",
        "date": "2026-10-01T00:00:00",
        "dueDate": "2026-10-31T00:00:00",
        "amountInCurrency": Decimal(amount),
        "balanceInCurrency": Decimal(amount),
        "balance": Decimal(amount),
        "lastModifiedDateTime": "2026-10-31T23:30:00",
        **fields,
    }
