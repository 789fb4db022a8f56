"""The pieces of the Snowflake benchmark work, on few rows; what is measured is not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import peer_snowflake, singer_rows, snowflake_steps, target_snowflake

ROWS = 1_000


@pytest.fixture(scope="module")
def bench():
    """A fake Snowflake of the benchmark's own."""
    with target_snowflake.serving() as made:
        yield made


@pytest.fixture
def lines(tmp_path):
    """A file of Singer lines."""
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as file:
        subprocess.run([sys.executable, "-m", "bench.singer_rows", str(ROWS)], stdout=file, check=True)
    return path


def test_the_rows_are_what_their_schema_says(lines):
    first, *records, last = map(json.loads, lines.read_text().splitlines())
    assert first["key_properties"] == ["id"]
    assert [each["record"]["id"] for each in records] == list(range(ROWS))
    assert all(each["record"].keys() == singer_rows.PROPERTIES.keys() for each in records)
    assert last["type"] == "STATE"


def test_both_readers_of_lines_end_well(bench, lines):
    for command in (bench.ours(), bench.raw()):
        assert target_snowflake.timed_on(command, lines).megabytes > 0


def test_rows_come_from_a_pipe(bench):
    assert target_snowflake.of_rows(bench, ROWS).cpu_seconds > 0


def test_statements_are_counted(bench, lines):
    told = target_snowflake.statements(bench, lines, ROWS)
    assert 5 < told.calls < 100
    assert told.per_thousand == told.calls


def test_every_step_of_a_run_is_told(bench, lines):
    steps = snowflake_steps.shares(bench.ours()[-1], lines)
    wanted = {"read: decode", "read: hash", "read: Arrow", "read: Parquet", "load: PUT", "load: COPY", "load: apply"}
    assert wanted <= steps.keys()


def test_the_peer_is_told_a_place_without_host_and_port(bench, monkeypatch):
    monkeypatch.setattr(peer_snowflake, "python", lambda: sys.executable)
    command = bench.peer(validate_records=False)
    settings = json.loads(Path(command[-1]).read_text())
    assert command[3:5] == [bench.server.host, str(bench.server.port)]
    assert settings["validate_records"] is False
    assert not {"host", "port", "protocol"} & settings.keys()
