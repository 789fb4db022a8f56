"""A process that dies anywhere leaves nothing lost and nothing written twice (L1, L2, L3)."""

from __future__ import annotations

import itertools
import random
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from ml_connector.delivery.lock import pipeline_lock
from ml_connector.errors import ConfigError, EnvironmentFault

from tests.delivery.conftest import KEY, ONLY_SQLITE, S1, Pipeline, invoice, supplier
from tests.delivery.fake_target import FakeSink, Killed, Server

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = [S1, ("suppliers", supplier("S2")), *(("supplier_invoices", invoice(str(n))) for n in range(100, 112))]
STEPS = 3 * (2 + 12 * 3)  # the fake target ticks three times per row
SAMPLE = sorted(random.Random(7).sample(range(1, STEPS), 40))


def settled(pipeline: Pipeline) -> None:
    """Everything arrived, once, with the right amounts."""
    server = pipeline.server
    assert server.count("suppliers") == 2
    assert server.count("invoices") == 12
    assert server.count("invoice_lines") == 24
    assert sum(Decimal(row["amount"]) for row in server.tables["invoice_lines"].values()) == 1200
    assert max(server.writes.values()) == 1
    assert {row["state"] for row in pipeline.rows("deliveries")} == {"delivered"}


@pytest.mark.parametrize(
    ("database", "step"),
    [("sqlite", step) for step in SAMPLE] + [("postgresql", step) for step in SAMPLE[::4]],
    indirect=["database"],
)
def test_killed_at_any_step_and_run_again(pipeline: Pipeline, step: int) -> None:
    with pytest.raises(Killed):
        pipeline.run(*RECORDS, sink=FakeSink(pipeline.server, die_at=step), batch_rows=5)
    passed = pipeline.states[-1]["at"] + 1 if pipeline.states else 0
    assert passed <= len(pipeline.rows("deliveries"))  # STATE never passes a record without a durable outcome
    report = pipeline.run(*RECORDS[passed:], batch_rows=5)
    assert report.differences == []
    settled(pipeline)


def test_killed_again_and_again(pipeline: Pipeline) -> None:
    dice = random.Random(11)
    deaths = 0
    for _ in range(60):
        try:
            pipeline.run(*RECORDS, sink=FakeSink(pipeline.server, die_at=dice.randint(1, 25)), batch_rows=4)
        except Killed:
            deaths += 1
    assert deaths >= 3
    pipeline.run(*RECORDS)
    settled(pipeline)


def test_a_lost_state_file_writes_nothing_twice(pipeline: Pipeline) -> None:
    pipeline.run(*RECORDS)
    sink = FakeSink(pipeline.server)
    pipeline.run(*RECORDS, sink=sink)
    assert sink.sent == []


def test_a_lost_answer_is_looked_up_and_found(pipeline: Pipeline) -> None:
    report = pipeline.run(*RECORDS, sink=FakeSink(pipeline.server, lose={KEY}))
    assert report.counts["delivered"] == 14
    settled(pipeline)


def test_a_lost_request_is_sent_again_only_after_the_settle_window(pipeline: Pipeline) -> None:
    waiting = FakeSink(pipeline.server, swallow={KEY}, settle_window=timedelta(hours=1))
    report = pipeline.run(*RECORDS, sink=waiting)
    assert report.counts["in_doubt"] == 1
    assert report.exit_code == 5
    early = FakeSink(pipeline.server, settle_window=timedelta(hours=1))
    assert pipeline.run(*RECORDS, sink=early).counts["in_doubt"] == 1
    assert early.sent == []
    assert pipeline.run().counts == {"carried_in": 1, "delivered": 1}
    settled(pipeline)


def test_a_newer_version_waits_while_an_older_one_is_in_doubt(pipeline: Pipeline) -> None:
    hour = timedelta(hours=1)
    pipeline.run(*RECORDS, sink=FakeSink(pipeline.server, swallow={KEY}, settle_window=hour))
    newer = ("supplier_invoices", invoice("100", currency="EUR", tax=Decimal(0), total=Decimal(100)))
    held = pipeline.run(newer, sink=FakeSink(pipeline.server, settle_window=hour))
    assert held.counts == {"carried_in": 1, "received": 1, "superseded": 1, "in_doubt": 1}
    assert held.differences == []
    report = pipeline.run()
    assert report.counts == {"carried_in": 1, "delivered": 1}
    assert report.differences == []
    header = next(row for row in pipeline.server.tables["invoices"].values() if row["key"] == "100")
    assert header["currency"] == "EUR"
    settled(pipeline)


def test_asynchronous_rows_are_sent_until_their_outcome_is_read(pipeline: Pipeline) -> None:
    report = pipeline.run(*RECORDS, sink=FakeSink(pipeline.server, asynchronous=True))
    assert report.counts == {"received": 14, "delivered": 14}
    settled(pipeline)


def test_a_second_process_of_the_same_pipeline_is_refused(pipeline: Pipeline) -> None:
    pipeline.run(S1)
    with pipeline_lock(pipeline.url, "test"), pytest.raises(EnvironmentFault, match="another process"):
        pipeline.run(S1)


@ONLY_SQLITE
def test_a_store_that_cannot_be_written_stops_the_run_before_state_passes(tmp_path: Path, pipeline: Pipeline) -> None:
    engine = pipeline.engine(FakeSink(pipeline.server))
    engine.start()
    engine.stream("suppliers", {"properties": {}}, ["_company", "number"])
    engine.record(*S1)
    store = tmp_path / "store.db"
    store.rename(tmp_path / "gone.db")
    with engine._store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
    engine.state({"at": 0})
    with pytest.raises(ConfigError, match="cannot be written"):
        engine.flush()
    assert pipeline.states == []
    assert Server().writes == pipeline.server.writes
    engine._open.close()
    engine._store.close()


def test_the_trail_is_one_unbroken_chain(pipeline: Pipeline) -> None:
    pipeline.run(*RECORDS)
    pipeline.run(*RECORDS)
    events = pipeline.rows("events")
    assert len(events) > 16
    assert all(after["previous_hash"] == before["hash"] for before, after in itertools.pairwise(events))
    assert {run["head"] for run in pipeline.rows("runs")} <= {event["hash"] for event in events}
