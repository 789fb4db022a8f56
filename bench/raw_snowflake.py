"""The least a target could do with nested records: parse each line, columns to Parquet, PUT. No upsert."""

from __future__ import annotations

import gc
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import snowflake.connector

GROUP = 4_000


def main(config: dict[str, Any]) -> None:
    """Put all records of standard input into the stage, what is nested as JSON text."""
    parse, text = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    rows: list[dict[str, Any]] = []
    with snowflake.connector.connect(**config) as connection, tempfile.TemporaryDirectory() as folder:
        cursor = connection.cursor()
        cursor.execute("CREATE STAGE IF NOT EXISTS RAW_STAGE")
        path, properties = Path(folder) / "rows.parquet", dict[str, Any]()
        writer: pq.ParquetWriter | None = None

        def write() -> None:
            nonlocal writer
            table = pa.table({name: column(name, kind) for name, kind in properties.items()})
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            rows.clear()

        def column(name: str, kind: pa.DataType) -> pa.Array:
            values = (row.get(name) for row in rows)
            nested = kind is JSON
            return pa.array([text(value).decode() if nested and value is not None else value for value in values], kind)

        gc.disable()
        for line in sys.stdin.buffer:
            message = parse(line)
            if message["type"] == "SCHEMA":
                properties = {name: _kind(each) for name, each in message["schema"]["properties"].items()}
            if message["type"] == "RECORD":
                rows.append(message["record"])
                if len(rows) >= GROUP:
                    write()
        write()
        assert writer
        writer.close()
        cursor.execute(f"PUT 'file://{path}' @RAW_STAGE/rows/ AUTO_COMPRESS=FALSE")


JSON = pa.large_string()
_KINDS = {"string": pa.string(), "boolean": pa.bool_(), "integer": pa.int64(), "number": pa.float64()}


def _kind(schema: dict[str, Any]) -> pa.DataType:
    types = schema.get("type", [])
    return next((_KINDS[each] for each in ([types] if isinstance(types, str) else types) if each in _KINDS), JSON)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
