"""Files to a stage and from there into a table, as the real connector does it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from tests.snowflake_sim.client import Client

BIG = 12345678901234567890123456789012345678
ROWS = pa.table(
    {
        "id": pa.array([Decimal(BIG), Decimal(2)], pa.decimal128(38, 0)),
        "AMOUNT": pa.array([Decimal("12345678901234567.123456789"), None], pa.decimal128(38, 9)),
        "NAME": ["Nordlys", None],
        "AT": pa.array([datetime(2026, 10, 1, 12, 30, 0, 250_000, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        "DAY": pa.array([date(2026, 10, 31), None]),
        "CLOCK": pa.array([time(23, 59, 59, 1), None], pa.time64("us")),
        "YES": [True, None],
        "BYTES": pa.array([b"\x00\xff", None], pa.binary()),
        "NOT_IN_TABLE": [1, 2],
    }
)
COLUMNS = (
    '"ID" NUMBER(38,0), "AMOUNT" NUMBER(38,9), "NAME" VARCHAR, "AT" TIMESTAMP_TZ, "DAY" DATE, "CLOCK" TIME, '
    '"YES" BOOLEAN, "BYTES" BINARY, "NOT_IN_FILE" VARCHAR'
)


def test_parquet_is_copied_by_column_name_with_every_digit(client: Client, tmp_path: Path) -> None:
    client.ask(f'CREATE OR REPLACE TRANSIENT TABLE "T" ({COLUMNS})')
    ((file, status, parsed, loaded, *_),) = client.load(tmp_path, "T", ROWS, more="PURGE = TRUE")
    assert (file, status, parsed, loaded) == ("_ml_stage/load/T/part.parquet", "LOADED", 2, 2)
    assert client.ask('SELECT * FROM T WHERE "ID" > 2') == [
        (
            BIG,
            Decimal("12345678901234567.123456789"),
            "Nordlys",
            datetime(2026, 10, 1, 12, 30, 0, 250_000, tzinfo=UTC),
            date(2026, 10, 31),
            time(23, 59, 59, 1),
            True,
            b"\x00\xff",
            None,
        )
    ]
    assert client.ask("SELECT * FROM T WHERE ID = 2") == [(2, *[None] * 8)]
    assert client.ask("SELECT SUM(ID), MAX(AT) FROM T") == [(BIG + 2, datetime(2026, 10, 1, 12, 30, 0, 250_000, UTC))]


def test_purge_removes_the_file_and_without_it_a_file_is_loaded_once(client: Client, tmp_path: Path) -> None:
    client.ask('CREATE TABLE "T" ("ID" NUMBER(38,0))')
    client.load(tmp_path, "T", ROWS, more="PURGE = FALSE")
    assert [row[0] for row in client.ask('LIST @"_ML_STAGE"/load/T/')] == ["_ml_stage/load/T/part.parquet"]
    ((_, status, *_),) = client.load(tmp_path, "T", ROWS)
    assert status == "LOAD_SKIPPED"
    client.load(tmp_path, "T", ROWS, more="PURGE = TRUE FORCE = TRUE")
    assert client.one("SELECT COUNT(*) FROM T") == 4
    assert client.ask('LIST @"_ML_STAGE"/load/') == []
    assert client.load(tmp_path, "T", ROWS, name="other.parquet")[0][1] == "LOADED"


def test_a_text_in_a_variant_stays_a_text_until_it_is_parsed(client: Client, tmp_path: Path) -> None:
    rows = pa.table({"V": ['{"lines": [{"account": {"id": "6800"}, "amount": 1.50}, {"amount": 2}]}']})
    client.ask('CREATE TABLE "RAW" ("V" VARIANT)')
    client.load(tmp_path, "RAW", rows)
    assert client.one("SELECT V:lines FROM RAW") is None
    client.ask('CREATE TABLE "STAGED" ("V" VARCHAR)')
    client.load(tmp_path, "STAGED", rows)
    client.ask("CREATE TABLE PARSED AS SELECT PARSE_JSON(V) AS V FROM STAGED")
    assert client.ask(
        "SELECT f.index, f.value:account.id::VARCHAR, f.value:amount::NUMBER(10,2)"
        " FROM PARSED p, LATERAL FLATTEN(input => p.v:lines) f ORDER BY 1"
    ) == [(0, "6800", Decimal("1.50")), (1, None, Decimal("2.00"))]


def test_copy_refuses_what_snowflake_does(client: Client, tmp_path: Path) -> None:
    client.ask('CREATE TABLE "T" ("ID" NUMBER(38,0), "NAME" VARCHAR(3))')
    client.load(tmp_path, "T", ROWS.slice(1), name="fits.parquet", more="PURGE = TRUE")
    client.ask('CREATE STAGE IF NOT EXISTS "_ML_STAGE"')
    by_name = "MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE"
    client.put(tmp_path / "fits.parquet", '@"_ML_STAGE"/again/')
    client.refused(f"COPY INTO T FROM @_ML_STAGE/again/ FILE_FORMAT = (TYPE = PARQUET NO_SUCH = 1) {by_name}", 1003)
    client.refused(f"COPY INTO T FROM @_ML_STAGE/again/ FILE_FORMAT = (TYPE = PARQUET) {by_name} FASTER = TRUE", 1003)
    client.refused("COPY INTO T FROM @_ML_STAGE/again/ FILE_FORMAT = (TYPE = PARQUET)", 2019, "MATCH_BY_COLUMN_NAME")
    client.refused(f"COPY INTO NOPE FROM @_ML_STAGE/again/ FILE_FORMAT = (TYPE = PARQUET) {by_name}", 2003, "NOPE")
    client.refused(f"COPY INTO T FROM @NOPE/again/ FILE_FORMAT = (TYPE = PARQUET) {by_name}", 2003, "Stage")
    assert client.one("SELECT COUNT(*) FROM T") == 1


def test_a_text_too_long_for_its_column_loads_nothing(client: Client, tmp_path: Path) -> None:
    client.ask('CREATE TABLE "T" ("ID" NUMBER(38,0), "NAME" VARCHAR(3))')
    client.ask('CREATE TABLE "WIDE" ("ID" NUMBER(38,0), "NAME" VARCHAR)')
    client.load(tmp_path, "WIDE", ROWS)
    client.refused("INSERT INTO T SELECT ID, NAME FROM WIDE", 100078, "String 'Nordlys' is too long")
    client.ask("BEGIN")
    client.ask("INSERT INTO T (ID) VALUES (1)")
    client.refused("INSERT INTO T SELECT ID, NAME FROM WIDE", 100078)
    client.ask("COMMIT")
    assert client.ask("SELECT ID FROM T") == [(1,)]


def test_stages_are_listed_removed_and_dropped_by_path(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "one.txt"
    file.write_text("1")
    client.ask("CREATE STAGE LANDING")
    for place in ("@LANDING/a/", "@LANDING/ab/", "@~/mine/"):
        client.put(file, place)
    assert [row[0] for row in client.ask("LIST @LANDING/a/")] == ["landing/a/one.txt"]
    assert len(client.ask("LIST @LANDING/a")) == 2
    assert client.ask("REMOVE @LANDING/a/") == [("landing/a/one.txt", "removed")]
    assert [row[0] for row in client.ask("LIST @LANDING")] == ["landing/ab/one.txt"]
    assert [row[0] for row in client.ask("LIST @~/mine")] == ["mine/one.txt"]
    assert client.ask("REMOVE '@~/mine'") == [("mine/one.txt", "removed")]
    client.ask("DROP STAGE LANDING")
    client.refused("LIST @LANDING", 2003, "does not exist or not authorized")
    client.refused("DROP STAGE LANDING", 2003)
    client.ask("DROP STAGE IF EXISTS LANDING")


def test_staged_json_is_read_as_the_peer_reads_it(client: Client, tmp_path: Path) -> None:
    """MeltanoLabs/target-snowflake merges from its user stage with `$1:name::TYPE` and the last row by SEQ8()."""
    file = tmp_path / "rows.json"
    file.write_text('{"id": 1, "name": "old", "o": {"a": 1}}\n{"id": 1, "name": "new", "o": {"a": 2}}\n{"id": 2}\n')
    client.ask("CREATE TABLE T (ID NUMBER(38,0), NAME VARCHAR, O VARIANT)")
    client.ask("CREATE OR REPLACE FILE FORMAT FF TYPE = 'JSON' COMPRESSION = 'AUTO'")
    client.put(file, "@~/target/t-1/")
    client.ask("INSERT INTO T (ID, NAME) VALUES (1, 'older')")
    merge = (
        "MERGE INTO T d USING (SELECT $1:id::NUMBER(38,0) AS ID, $1:name::VARCHAR AS NAME, $1:o::VARIANT AS O"
        " FROM '@~/target/t-1' (FILE_FORMAT => 'FF')"
        " QUALIFY ROW_NUMBER() OVER (PARTITION BY ID ORDER BY SEQ8() DESC) = 1) s ON d.ID = s.ID"
        " WHEN MATCHED THEN UPDATE SET d.NAME = s.NAME, d.O = s.O"
        " WHEN NOT MATCHED THEN INSERT (ID, NAME, O) VALUES (s.ID, s.NAME, s.O)"
    )
    assert client.ask(merge) == [(1, 1)]
    assert client.ask("SELECT ID, NAME, O:a::INT FROM T ORDER BY ID") == [(1, "new", 2), (2, None, None)]
    client.ask(
        "COPY INTO T (ID, NAME) FROM (SELECT $1:id::NUMBER, $1:name::VARCHAR FROM '@~/target/t-1')"
        " FILE_FORMAT = (FORMAT_NAME = 'FF')"
    )
    assert client.one("SELECT COUNT(*) FROM T") == 5
    client.ask("DROP FILE FORMAT IF EXISTS FF")
    client.refused("DROP FILE FORMAT FF", 2003)
