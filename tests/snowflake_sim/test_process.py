"""The server as a process: its command line, its files, its end, and a client of the connector's next generation."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ml_connector_simulators.snowflake import running_snowflake
from snowflake.connector import connect

from tests.snowflake_sim.client import Client

COMMAND = [sys.executable, "-m", "ml_connector_simulators", "snowflake", "--port", "0"]


def open_client(url: str) -> Client:
    port = int(url.rpartition(":")[2])
    where = {"host": "127.0.0.1", "port": port, "protocol": "http", "account": "sim", "user": "u", "password": "p"}
    return Client(connect(**where, database="DB1", schema="S1", network_timeout=8, login_timeout=8))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_restart_keeps_tables_lengths_stages_and_files(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"ID": [1, 2]}), file)
    command = [*COMMAND, "--data", str(tmp_path / "data"), "--schema", "DB1.S1"]
    for start in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            client = open_client(json.loads(process.stdout.readline())["snowflake"])
            if start == 0:
                client.ask("CREATE TABLE T (ID NUMBER(38,0), NAME VARCHAR(3))")
                client.ask("CREATE STAGE LANDING")
                client.put(file, "@LANDING/a/")
                client.ask("INSERT INTO T (ID) VALUES (12345678901234567890)")
                client.ask("BEGIN")
                client.ask("INSERT INTO T (ID) VALUES (0)")
            else:
                client.ask(
                    "COPY INTO T FROM @LANDING/a/ FILE_FORMAT = (TYPE = PARQUET) MATCH_BY_COLUMN_NAME = CASE_SENSITIVE"
                )
                assert client.ask("SELECT ID FROM T ORDER BY ID") == [(1,), (2,), (12345678901234567890,)]
                client.refused("INSERT INTO T (NAME) VALUES ('long')", 100078)
                client.connection.close()
            process.send_signal(number)
            assert process.wait(20) == (0 if number != signal.SIGKILL else -signal.SIGKILL)
    with duckdb.connect(str(tmp_path / "data" / "DB1.db"), read_only=True) as database:
        assert database.execute("SELECT count(*) FROM S1.T").fetchall() == [(3,)]


def test_the_server_ends_with_the_process_that_started_it() -> None:
    with subprocess.Popen([*COMMAND, "--with-parent"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["snowflake"].startswith("http://127.0.0.1:")
        process.stdin.close()
        assert process.wait(20) == 0


def test_the_next_generation_of_the_connector_works_too(tmp_path: Path) -> None:
    """`make test-all` makes an environment with connector 5.x, which cannot stand beside fakesnow."""
    python = os.environ.get("SNOWFLAKE_5_PYTHON")
    if not python:
        pytest.skip("SNOWFLAKE_5_PYTHON names no Python with snowflake-connector-python 5: see `make test-all`")
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"ID": [1, 2], "AT": pa.array([0, None], pa.timestamp("us", "UTC"))}), file)
    with running_snowflake() as server:
        server.create_schema("DB1", "S1")
        script = Path(__file__).with_name("connector_5.py")
        done = subprocess.run(
            [python, "-W", "ignore", str(script), str(server.port), str(file)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told.pop("version").startswith("5.")
        assert told == {
            "loaded": 2,
            "rows": [["1", "1970-01-01T00:00:00+00:00"], ["2", "None"]],
            "big": "12345678901234567890123456789012345678",
            "deleted": 1,
            "merged": 2,
            "left": 3,
            "refused": [904, "42000"],
            "renewed": 3,
        }
        assert len(server.sql("COPY INTO")) == 1
