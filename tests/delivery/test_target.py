"""The Singer end of the engine: what a tap can write, and how a run ends."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from ml_connector.errors import ConfigError
from ml_connector.singer.delivery_settings import DELIVERY_SETTINGS
from ml_connector.singer.target import DeliveryTarget
from ml_connector.store import open_store
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.singerlib.exceptions import InvalidInputLine
from sqlalchemy import text

from tests.delivery.conftest import ONLY_SQLITE, SOURCE_MAP, TARGET_MAP, Pipeline, supplier
from tests.delivery.fake_target import FakeSink, Server

SCHEMA = {
    "type": "SCHEMA",
    "stream": "suppliers",
    "schema": {"properties": {}},
    "key_properties": ["_company", "number"],
}


class FakeTarget(DeliveryTarget):
    name = "target-fake"
    config_jsonschema = DELIVERY_SETTINGS.to_dict()
    server = Server()
    sink: FakeSink | None = None

    def open_sink(self) -> FakeSink:
        return self.sink or FakeSink(self.server)


@pytest.fixture
def target(pipeline: Pipeline) -> FakeTarget:
    (pipeline.folder / "erp.yml").write_text(SOURCE_MAP)
    (pipeline.folder / "fake.yml").write_text(TARGET_MAP)
    settings = {"mapping": ["erp", "fake"], "maps_dir": str(pipeline.folder), "store_url": pipeline.url}
    target = FakeTarget(config={**settings, "pipeline": "test"})
    target.server = pipeline.server
    return target


def record(**changes: Any) -> dict[str, Any]:
    return {"type": "RECORD", "stream": "suppliers", "record": supplier("S1") | changes}


def feed(target: FakeTarget, *messages: Any) -> None:
    target.listen(io.StringIO("".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in messages)))


def test_characters_that_a_database_refuses_do_not_stop_a_run(target: FakeTarget, pipeline: Pipeline) -> None:
    feed(target, SCHEMA, record(name="half \ud83d of one"), record(name="grin \U0001f600", number="S2"))
    feed(target, SCHEMA, record(name="nul \0 in it", number="S\0 3"), record(name=r"no \u0000", number="S4"))
    names = {row["name"] for row in pipeline.server.tables["suppliers"].values()}
    assert names == {"half \ufffd of one", "grin \U0001f600", "nul \ufffd in it", r"no \u0000"}
    assert pipeline.state_of("erp:NO01:suppliers:S\ufffd 3") == ("delivered", None)


def test_state_keeps_every_digit(target: FakeTarget, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    feed(target, SCHEMA, '{"type": "STATE", "value": {"seen": 1234567890.123456789, "at": "2026-10-01"}}')
    assert '"seen":1234567890.123456789' in capsys.readouterr().out


def test_a_run_row_keeps_no_word_of_a_record_another_library_quoted(target: FakeTarget, pipeline: Pipeline) -> None:
    class Quoting(FakeSink):
        def check(self, effect: Any) -> None:
            raise ValueError(f"cannot read {effect.payload}")

    target.sink = Quoting(pipeline.server)
    with pytest.raises(ValueError, match="cannot read"):
        feed(target, SCHEMA, record(name="Kari Nordmann"))
    (run,) = pipeline.rows("runs")
    assert (run["outcome"], run["message"]) == ("stopped", "ValueError")
    assert "Kari" not in str(pipeline.rows("events"))


def test_a_termination_signal_ends_between_two_steps_with_its_own_exit_code(
    target: FakeTarget, pipeline: Pipeline
) -> None:
    sink = FakeSink(pipeline.server)
    sink.before_send = lambda _effects: target._handle_termination(15, None)
    target.sink = sink
    with pytest.raises(SystemExit) as ended:
        feed(target, SCHEMA, record())
    assert ended.value.code == 143
    (run,) = pipeline.rows("runs")
    assert (run["outcome"], run["balance"], run["exit_code"]) == ("stopped", "unproven", 143)
    assert pipeline.state_of("erp:NO01:suppliers:S1") == ("delivered", None)


@pytest.mark.parametrize("rows", [0, 10_001])
def test_a_batch_holds_what_one_query_can_name(pipeline: Pipeline, rows: int) -> None:
    with pytest.raises(ConfigValidationError):
        FakeTarget(config={"mapping": ["erp", "fake"], "store_url": pipeline.url, "batch_size_rows": rows})


@ONLY_SQLITE
def test_a_batch_of_the_largest_size_is_delivered(pipeline: Pipeline) -> None:
    records = [("suppliers", supplier(f"S{number}")) for number in range(10_001)]
    assert pipeline.run(*records, batch_rows=10_000).counts == {"received": 10_001, "delivered": 10_001}
    again = pipeline.run(*records, sink=FakeSink(pipeline.server, asynchronous=True), batch_rows=10_000, resend=True)
    assert again.counts == {"received": 10_001, "delivered": 10_001}


def test_a_line_that_is_no_message_ends_the_run_and_says_which(target: FakeTarget, pipeline: Pipeline) -> None:
    with pytest.raises(InvalidInputLine, match="line 3") as bad:
        feed(target, SCHEMA, record(), "Kari Nordmann")
    assert "Kari" not in str(bad.value)
    (run,) = pipeline.rows("runs")
    assert "line 3" in run["message"]


@ONLY_SQLITE
def test_a_damaged_store_is_told_without_a_record(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.run(("suppliers", supplier("S1")))
    store = tmp_path / "store.db"
    damaged = bytearray(store.read_bytes())
    damaged[8192:] = b"\xff" * (len(damaged) - 8192)
    store.write_bytes(damaged)
    with pytest.raises(ConfigError, match="store"):
        pipeline.run(("suppliers", supplier("S2")))


def test_a_guard_left_empty_closes_and_does_not_open(pipeline: Pipeline, target: FakeTarget) -> None:
    target._config["expected_instance"] = "  "
    with pytest.raises(ConfigError, match="`expected_instance` is empty"):
        feed(target, SCHEMA, record())
    assert pipeline.server.writes.total() == 0


def test_a_reader_of_the_store_keeps_no_writer_waiting(pipeline: Pipeline) -> None:
    pipeline.run()
    reader, writer = open_store(pipeline.url), open_store(pipeline.url)
    with reader.reading() as looking:
        assert looking.execute(text("SELECT count(*) FROM runs")).scalar() == 1
        with writer.transaction() as writing:
            writing.execute(text("DELETE FROM runs"))
        assert looking.execute(text("SELECT count(*) FROM runs")).scalar() == 1
    reader.close()
    writer.close()
