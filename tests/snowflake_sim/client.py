"""The real connector, in few words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from snowflake.connector import SnowflakeConnection
from snowflake.connector.errors import Error


class Client:
    """A connection and its last cursor."""

    def __init__(self, connection: SnowflakeConnection) -> None:
        self.connection = connection

    def ask(self, sql: str, *params: Any) -> list[Any]:
        with self.connection.cursor() as cursor:
            return cursor.execute(sql, params or None).fetchall()

    def count(self, sql: str) -> int | None:
        """Run DML and say how many rows the connector counts."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.rowcount

    def one(self, sql: str) -> Any:
        ((value,),) = self.ask(sql)
        return value

    def refused(self, sql: str, code: int, words: str = "") -> Error:
        with pytest.raises(Error) as caught:
            self.ask(sql)
        assert caught.value.errno == code, caught.value
        assert re.search(words, str(caught.value)), caught.value
        return caught.value

    def put(self, file: Path, place: str) -> None:
        self.ask(f"PUT 'file://{file}' '{place}' AUTO_COMPRESS=FALSE")

    def load(
        self, folder: Path, table: str, rows: pa.Table, *, name: str = "part.parquet", more: str = ""
    ) -> list[Any]:
        """Bring rows into a table the way target-snowflake does."""
        file = folder / name
        pq.write_table(rows, file, compression="zstd")
        self.ask('CREATE STAGE IF NOT EXISTS "_ML_STAGE"')
        self.put(file, f'@"_ML_STAGE"/load/{table}/')
        return self.ask(
            f'COPY INTO "{table}" FROM @"_ML_STAGE"/load/{table}/ FILE_FORMAT = (TYPE = PARQUET '
            "USE_LOGICAL_TYPE = TRUE BINARY_AS_TEXT = FALSE USE_VECTORIZED_SCANNER = TRUE) "
            f"MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE {more}"
        )
