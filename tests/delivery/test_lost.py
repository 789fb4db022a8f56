"""A lost answer is dated with the moment it was lost, and absence counts from there only (L3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ml_connector.delivery.sink import Effect, Outcome
from ml_connector.errors import Unreachable
from ml_connector.store import open_store
from ml_connector.store.tables import effects
from ml_connector.store.text import decode
from sqlalchemy import update

from tests.delivery.clock import Watch, living_by
from tests.delivery.conftest import KEY, S1, Pipeline, invoice
from tests.delivery.fake_target import FakeSink, Killed

HOUR = timedelta(hours=1)
INVOICE = ("supplier_invoices", invoice("100"))


@pytest.fixture
def watch() -> Iterator[Watch]:
    clock = Watch(datetime(2026, 10, 10, tzinfo=UTC))
    with living_by(clock.now):
        yield clock


def sink(pipeline: Pipeline, watch: Watch, **trouble: Any) -> FakeSink:
    return FakeSink(pipeline.server, settle_window=HOUR, now=watch.now, **trouble)


def lost_at(pipeline: Pipeline, name: str = "header") -> list[str | None]:
    (delivery,) = pipeline.rows("deliveries", business_key=KEY)
    return [row["lost_at"] for row in pipeline.rows("effects", delivery_id=delivery["id"], name=name)]


def killed(pipeline: Pipeline, watch: Watch) -> None:
    """Leave the invoice's header in doubt: the process died when its phase had just gone out."""
    pipeline.run(S1, sink=sink(pipeline, watch))
    with pytest.raises(Killed):
        pipeline.run(INVOICE, sink=sink(pipeline, watch, die_at=1))
    assert lost_at(pipeline) == [None]


def test_what_a_dead_process_left_is_dated_by_the_next_start_before_the_sink_is_asked(
    pipeline: Pipeline, watch: Watch
) -> None:
    killed(pipeline, watch)
    asked: list[tuple[list[str | None], list[datetime | None]]] = []

    class Watched(FakeSink):
        def settle(self, effects: Sequence[Effect], *, wait: bool) -> Iterable[Outcome]:
            asked.append((lost_at(pipeline), [effect.lost_at for effect in effects]))
            return super().settle(effects, wait=wait)

    watch.tick(hours=9)  # the request went out nine hours ago: sent_at alone would make it absent at once
    found = watch.now()
    pipeline.run(INVOICE, sink=Watched(pipeline.server, settle_window=HOUR, now=watch.now))
    assert asked[0] == ([found.isoformat(timespec="microseconds")], [found])
    assert pipeline.state_of(KEY)[0] == "in_doubt"
    watch.tick(minutes=59)
    pipeline.run(sink=sink(pipeline, watch))
    assert pipeline.state_of(KEY)[0] == "in_doubt"
    assert lost_at(pipeline) == [found.isoformat(timespec="microseconds")]
    watch.tick(minutes=2)
    assert pipeline.run(sink=sink(pipeline, watch)).counts == {"carried_in": 1, "delivered": 1}
    assert pipeline.server.writes[f"{KEY}#header"] == 1


def test_a_write_that_lands_after_the_next_start_is_found_and_not_repeated(pipeline: Pipeline, watch: Watch) -> None:
    killed(pipeline, watch)
    watch.tick(hours=9)
    pipeline.run(INVOICE, sink=sink(pipeline, watch))
    (header,) = (row for row in pipeline.rows("effects") if row["name"] == "header" and row["state"] == "in_doubt")
    key, payload = decode(header["key"]), decode(header["payload"])
    pipeline.server.write(Effect(1, KEY, "header", "invoices", "row", key, payload))  # what the dead process had sent
    watch.tick(minutes=30)
    pipeline.run(sink=sink(pipeline, watch))
    assert pipeline.state_of(KEY) == ("delivered", None)
    assert pipeline.server.writes[f"{KEY}#header"] == 1


def test_the_moment_of_a_loss_is_not_moved_by_later_looks(pipeline: Pipeline, watch: Watch) -> None:
    class Slow(FakeSink):
        def send(self, effects: Sequence[Effect]) -> Iterable[Outcome]:
            for outcome in super().send(effects):
                watch.tick(minutes=5)
                yield outcome

    slow = Slow(pipeline.server, settle_window=HOUR, now=watch.now, swallow={KEY})
    before = watch.now()
    pipeline.run(S1, INVOICE, sink=slow)
    (first,) = lost_at(pipeline)
    assert first == (before + timedelta(minutes=10)).isoformat(timespec="microseconds")
    for _ in range(2):
        watch.tick(minutes=10)
        pipeline.run(sink=sink(pipeline, watch))
        assert lost_at(pipeline) == [first]
    watch.tick(hours=1)
    pipeline.run(sink=sink(pipeline, watch))
    assert pipeline.state_of(KEY) == ("delivered", None)
    assert lost_at(pipeline) == [None]


def test_a_row_that_goes_out_again_is_lost_anew(pipeline: Pipeline, watch: Watch) -> None:
    pipeline.run(S1, INVOICE, sink=sink(pipeline, watch, swallow={KEY}))
    (first,) = lost_at(pipeline)
    watch.tick(hours=2)
    pipeline.run(sink=sink(pipeline, watch, swallow={KEY}))
    (second,) = lost_at(pipeline)
    assert first is not None
    assert second is not None
    assert second > first
    assert pipeline.state_of(KEY)[0] == "in_doubt"


def test_rows_that_a_fault_left_without_an_answer_are_dated_with_the_fault(pipeline: Pipeline, watch: Watch) -> None:
    pipeline.run(S1, sink=sink(pipeline, watch))
    with pytest.raises(Unreachable):
        pipeline.run(INVOICE, sink=sink(pipeline, watch, down_after=0))
    assert lost_at(pipeline) == [watch.now().isoformat(timespec="microseconds")]


def test_a_clock_that_was_set_back_makes_nothing_absent_early(pipeline: Pipeline, watch: Watch) -> None:
    killed(pipeline, watch)
    store = open_store(pipeline.url)
    future = "2027-01-01T00:00:00.000000+00:00"
    with store.transaction() as connection:
        connection.execute(update(effects).where(effects.c.state == "in_doubt").values(sent_at=future))
    store.close()
    pipeline.run(sink=sink(pipeline, watch))
    assert pipeline.state_of(KEY)[0] == "in_doubt"
    assert lost_at(pipeline) == [watch.now().isoformat(timespec="microseconds")]
