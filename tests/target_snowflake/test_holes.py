"""The holes of MeltanoLabs/target-snowflake 0.20.4, closed: one test for each row of apis/snowflake.md §3.

One run loads a stream for each; what the fake Snowflake cannot prove is read off the statements it was sent.
"""

from __future__ import annotations

import os
import re
import signal
from importlib.metadata import requires
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from singer_sdk.exceptions import MissingKeyPropertiesError

from tests.target_snowflake.conftest import Loading, record, schema, state
from tests.target_snowflake.fake import DATABASE, open_session

MOMENT = {"type": ["string", "null"], "format": "date-time"}
DATE = {"type": ["string", "null"], "format": "date"}


def line(stream, body):
    """Return a RECORD whose numbers are written as given."""
    return f'{{"type":"RECORD","stream":"{stream}","record":{body}}}'


def first_run():
    """Return the messages of a stream for each hole."""
    money = {"type": "number", "multipleOf": 0.01}
    yield schema("decimals", {"id": "integer", "dec": "number"}, ["id"])
    yield line("decimals", '{"id":1,"dec":12345678901234567.123456789}')
    yield line("decimals", '{"id":2,"dec":0.1234567890123456789}')
    yield schema("steps", {"id": "integer", "amount": money}, ["id"])
    yield line("steps", '{"id":1,"amount":99999999999999999999.01}')
    yield schema("offsets", {"id": "integer", "at": MOMENT}, ["id"])
    yield record("offsets", id=1, at="2026-01-01T10:00:00+05:30")
    yield record("offsets", id=2, at="2026-01-01T10:00:00-03:00")
    for name, kind, value in (("widened", "integer", 1), ("timed", DATE, "2026-01-01"), ("worded", "number", 1.5)):
        yield schema(name, {"id": "integer", "v": kind}, ["id"])
        yield record(name, id=1, v=value)
        yield record(name, id=2, v=value)
    yield schema("sparse", {"id": "integer", "big": "string", "n": "integer"}, ["id"])
    yield record("sparse", id=1, big="kept", n=1)
    yield record("sparse", id=1, n=2)
    yield schema("orders", {"id": "integer", "n": "integer"}, ["id"])
    yield from (record("orders", id=n % 2, n=n) for n in range(200))
    yield schema("bad", {"id": "integer", "n": "integer"}, ["id"])
    yield record("bad", id=1, n=1)
    yield record("bad", id=2, n="two")
    yield record("bad", id=3, n=3)
    yield state({"run": 1})


def second_run():
    """Return the messages of the streams whose types change."""
    yield schema("widened", {"id": "integer", "v": "number"}, ["id"])
    yield record("widened", id=1, v=1.5)
    yield schema("timed", {"id": "integer", "v": MOMENT}, ["id"])
    yield record("timed", id=1, v="2026-01-01T10:11:12Z")
    yield schema("worded", {"id": "integer", "v": "string"}, ["id"])
    yield record("worded", id=1, v="one and a half")


@pytest.fixture(scope="module")
def loaded(server, tmp_path_factory):
    """Everything of this module that is only looked at, loaded once."""
    server.forget()
    folder = tmp_path_factory.mktemp("holes")
    place = {
        **server.connect_options,
        "database": DATABASE.lower(),  # as people write it; Snowflake says it in upper case
        "schema": "holes",
        "network_timeout": 10,
        "store_url": f"sqlite:///{folder}/store.db",
        "spill_dir": str(folder),
    }
    with open_session(place) as session:
        loading = Loading(folder, place, session)
        passed = loading.here(*first_run(), batch_size_rows=50, file_size=1_000_000)
        loading.here(*second_run())
        logs = {"sql": server.sql(""), "logins": server.logins(), "requests": server.requests()}
        yield SimpleNamespace(loading=loading, passed=passed, **logs)  # other tests empty the server's logs


def test_numbers_are_exact_not_float(loaded):
    found = loaded.loading.table("DECIMALS", "ID", "DEC::VARCHAR", "DEC__EXACT")
    assert found == [(1, "12345678901234567.123456789", None), (2, "0.123456789", "0.1234567890123456789")]
    assert not any("FLOAT" in sql for sql in loaded.sql)


def test_multiple_of_is_the_scale(loaded):
    assert loaded.loading.types("STEPS")["AMOUNT"] == "NUMBER(38,2)"
    assert loaded.loading.table("STEPS", "AMOUNT::VARCHAR") == [("99999999999999999999.01",)]


def test_offsets_are_taken_into_account(loaded):
    """The column is TIMESTAMP_TZ; the fake keeps UTC, and so do we: the moment is right, the offset is not kept."""
    made = next(sql for sql in loaded.sql if sql.startswith('CREATE TABLE IF NOT EXISTS "OFFSETS"'))
    assert '"AT" TIMESTAMP_TZ' in made
    assert not any(re.search(r"TIMESTAMP_(NTZ|LTZ)", sql) for sql in loaded.sql)
    found = [text[:19] for _, text in loaded.loading.table("OFFSETS", "ID", "AT::VARCHAR")]
    assert found == ["2026-01-01 04:30:00", "2026-01-01 13:00:00"]


def test_integer_to_number_later_loses_no_decimals(loaded):
    found = loaded.loading.table("WIDENED", "ID", "V", "V__NUMBER::VARCHAR")
    assert found == [(1, None, "1.500000000"), (2, 1, None)]


def test_date_to_date_time_later_keeps_the_time_of_day(loaded):
    found = loaded.loading.table("TIMED", "ID", "V::VARCHAR", "V__TIMESTAMP::VARCHAR")
    assert [row[1] for row in found] == [None, "2026-01-01"]
    assert str(found[0][2]).startswith("2026-01-01 10:11:12")


def test_number_to_varchar_later_does_not_end_the_run(loaded):
    found = loaded.loading.table("WORDED", "ID", "V::VARCHAR", "V__TEXT")
    assert found == [(1, None, "one and a half"), (2, "1.500000000", None)]
    assert any(sql.startswith("ALTER TABLE") for sql in loaded.sql)
    assert not any("SET DATA TYPE VARCHAR" in sql for sql in loaded.sql)  # which Snowflake refuses: 002108


def test_a_missing_property_leaves_the_stored_value(loaded):
    assert loaded.loading.table("SPARSE", "ID", "BIG", "N") == [(1, "kept", 2)]


def test_the_last_row_wins_by_a_sequence_of_its_own(loaded):
    assert loaded.loading.table("ORDERS", "ID", "N") == [(0, 198), (1, 199)]
    ranked = [sql for sql in loaded.sql if "ROW_NUMBER()" in sql]
    assert ranked
    assert all('ORDER BY "_ML_ORDER" DESC' in sql for sql in ranked)
    assert not any("SEQ8()" in sql or "SEQ4()" in sql for sql in loaded.sql)


def test_integer_keys_are_plain_columns(loaded):
    made = [sql for sql in loaded.sql if sql.startswith("CREATE TABLE")]
    assert made
    assert not any(word in sql for sql in made for word in ("AUTOINCREMENT", "IDENTITY", "NOT NULL", "PRIMARY KEY"))


def test_one_bad_record_is_a_dead_letter_and_does_not_end_the_run(loaded):
    assert loaded.passed[-1] == {"run": 1}
    assert loaded.loading.table("BAD", "ID", "N") == [(1, 1), (3, 3)]
    (letter,) = loaded.loading.letters()
    assert (letter["business_key"], letter["reason"], letter["field"]) == ("singer::bad:2", "value_does_not_fit", "n")
    assert "dead replay" in letter["suggestion"]


def test_the_case_of_the_database_in_settings_does_not_matter(loaded):
    assert {login["database"] for login in loaded.logins} <= {None, DATABASE}
    assert [row[1] for row in loaded.loading.rows("SHOW SCHEMAS LIKE 'HOLES'")] == ["HOLES"]
    assert not any(sql.startswith("CREATE DATABASE") for sql in loaded.sql)


def test_a_record_without_its_key_is_not_loaded(loaded):
    with pytest.raises(MissingKeyPropertiesError, match="lacks its key: id"):
        loaded.loading.here(schema("keyless", {"id": "integer", "n": "integer"}, ["id"]), record("keyless", n=1))
    assert loaded.loading.rows("SHOW TABLES LIKE 'KEYLESS'") == []


def test_no_file_format_is_needed_and_nothing_is_left_behind(loaded):
    assert not any("CREATE FILE FORMAT" in sql or "@~" in sql for sql in loaded.sql)
    assert left_over(loaded.loading) == ([], [])


def left_over(loading):
    """Return files in the stage, and staging tables."""
    files = loading.rows('LIST @"_ML_STAGE"')
    tables = [row[1] for row in loading.rows("SHOW TABLES") if row[1].startswith(("_ML_S_", "_ML_N_"))]
    return files, tables


def test_what_a_killed_run_left_is_cleared_away_by_the_next(loading, server):
    message, many = schema("items", {"id": "integer"}, ["id"]), [record("items", id=n) for n in range(10)]
    loading.here(message, record("items", id=0))
    server.fault("latency", seconds=30, text=r"^SELECT CASE")  # its rows are staged, and it waits
    with loading.started() as process:
        process.stdin.write("\n".join(map(loading.line, [message, *many])) + "\n")
        process.stdin.close()
        wait_for(lambda: server.faults()[0]["struck"])
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    server.clear_faults()
    assert left_over(loading)[1]
    loading.here(message, *many)
    assert left_over(loading) == ([], [])
    assert list(Path(loading.config["spill_dir"]).rglob("*.parquet")) == []
    assert [key for (key,) in loading.table("ITEMS", "ID")] == list(range(10))


def wait_for(happened):
    """Return when something has happened; the caller's own time limit ends the test."""
    while not happened():
        os.sched_yield()


def test_connector_4_and_5_are_allowed_and_no_beta_is_pinned():
    needs = {each.name: each for each in map(Requirement, requires("ml-connector-target-snowflake"))}
    connector = needs["snowflake-connector-python"].specifier
    assert {version: version in connector for version in ("3.18.0", "4.0.0", "4.8.1", "5.2.0", "6.0.0")} == {
        "3.18.0": False,
        "4.0.0": True,
        "4.8.1": True,
        "5.2.0": True,
        "6.0.0": False,
    }
    assert not {"snowflake-sqlalchemy", "sqlalchemy", "pandas"} & needs.keys()
    assert not any(spec.prereleases for each in needs.values() for spec in each.specifier)


def test_it_can_be_pointed_at_a_local_server(loaded):
    assert loaded.loading.config["host"] == "127.0.0.1"
    assert {request["path"].partition("?")[0] for request in loaded.requests} >= {
        "/session/v1/login-request",
        "/queries/v1/query-request",
    }
