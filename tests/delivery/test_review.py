"""Trouble that the target tells of later re-opens a delivery, and closes it when it is over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from ml_connector.audit.book import StoreBook
from ml_connector.audit.verify import Verifier
from ml_connector.delivery.sink import TARGET_REPORTED, Effect, Outcome, State
from ml_connector.store import open_store

from tests.delivery.clock import Watch, living_by
from tests.delivery.conftest import KEY, ONLY_SQLITE, S1, Pipeline, invoice
from tests.delivery.fake_target import FakeSink

pytestmark = ONLY_SQLITE
INVOICE = ("supplier_invoices", invoice("100"))


@dataclass
class Complaining(FakeSink):
    """A target that complains of some rows."""

    complaints: dict[str, str] = field(default_factory=dict)  # effect name → the target's words
    asked: list[Effect] = field(default_factory=list)

    reviews = True

    def review(self, effects: Sequence[Effect]) -> Iterable[Outcome]:
        self.asked += effects
        for effect in effects:
            if effect.business_key == KEY and effect.name in self.complaints:
                words = self.complaints[effect.name]
                yield Outcome(effect, State.REFUSED, reason=TARGET_REPORTED, message=words, suggestion="see there")
            elif effect.handle:
                yield Outcome(effect, State.DELIVERED)


@pytest.fixture
def watch() -> Iterator[Watch]:
    clock = Watch(datetime(2026, 10, 10, tzinfo=UTC))
    with living_by(clock.now):
        yield clock


@pytest.fixture
def troubled(pipeline: Pipeline, watch: Watch) -> Pipeline:
    pipeline.run(S1, INVOICE)
    watch.tick(hours=1)
    report = pipeline.run(sink=Complaining(pipeline.server, complaints={"header": "supplier is blocked"}))
    assert report.counts == {"carried_in": 1, "refused": 1}
    assert report.differences == []
    assert report.exit_code == 4
    assert pipeline.state_of(KEY) == ("refused", TARGET_REPORTED)
    return pipeline


def trail_holds(pipeline: Pipeline) -> None:
    store = open_store(pipeline.url)
    with store.reading() as connection:
        assert Verifier(StoreBook(connection)).verify().findings == []
    store.close()


def test_a_complaint_re_opens_and_its_end_closes(troubled: Pipeline) -> None:
    (row,) = troubled.rows("deliveries", business_key=KEY)
    assert row["message"] == "supplier is blocked"
    event = troubled.rows("events", business_key=KEY)[-1]
    assert event["kind"] == "refused"
    assert "blocked" not in event["data"]
    still = troubled.run(sink=Complaining(troubled.server, complaints={"header": "supplier is blocked"}))
    assert still.counts == {"carried_in": 1, "refused": 1}
    over = Complaining(troubled.server)
    assert troubled.run(sink=over).counts == {"carried_in": 1, "delivered": 1}
    assert over.sent == []
    assert troubled.state_of(KEY) == ("delivered", None)
    assert troubled.run(INVOICE).counts == {"received": 1, "unchanged": 1}
    trail_holds(troubled)


def test_the_source_sends_it_again_and_it_gets_a_letter_but_is_not_sent(troubled: Pipeline) -> None:
    sink = Complaining(troubled.server, complaints={"header": "supplier is blocked"})
    report = troubled.run(INVOICE, sink=sink)
    assert report.differences == []
    assert sink.sent == []
    (letter,) = (row for row in troubled.rows("dead_letters") if row["closed_at"] is None)
    assert json.loads(letter["record"])["number"] == "100"
    replayed = Complaining(troubled.server, complaints={"header": "supplier is blocked"})
    assert troubled.run(INVOICE, sink=replayed, replay=True).counts["delivered"] == 1
    assert [effect.name for effect in replayed.sent] == ["header"]
    assert all(row["closed_at"] for row in troubled.rows("dead_letters"))
    trail_holds(troubled)


def test_a_new_version_is_sent_and_settles_it(troubled: Pipeline) -> None:
    sink = Complaining(troubled.server)
    newer = ("supplier_invoices", invoice("100", currency="EUR"))
    troubled.run(newer, sink=Complaining(troubled.server, complaints={"header": "supplier is blocked"}))
    assert troubled.state_of(KEY) == ("delivered", None)
    assert troubled.run(sink=sink).counts == {}
    trail_holds(troubled)


def test_only_what_was_delivered_lately_is_asked_for_and_never_what_is_in_another_state(
    pipeline: Pipeline, watch: Watch
) -> None:
    pipeline.run(S1, INVOICE, ("supplier_invoices", invoice("101", date="soon")))
    watch.tick(days=6)
    early = Complaining(pipeline.server)
    pipeline.run(sink=early)
    assert sorted(effect.name for effect in early.asked) == ["header", "header", "line:1", "line:2"]
    assert all(effect.payload == {} and effect.target_id for effect in early.asked)
    watch.tick(days=2)
    late = Complaining(pipeline.server, complaints={"header": "too late"})
    pipeline.run(sink=late)
    assert late.asked == []
    assert pipeline.state_of(KEY) == ("delivered", None)


def test_a_complaint_of_a_line_stands_until_that_line_is_well(pipeline: Pipeline, watch: Watch) -> None:
    pipeline.run(S1, INVOICE)
    both = {"line:1": "no such account", "line:2": "no such account"}
    pipeline.run(sink=Complaining(pipeline.server, complaints=both))
    pipeline.run(sink=Complaining(pipeline.server, complaints={"line:2": "no such account"}))
    assert pipeline.state_of(KEY) == ("refused", TARGET_REPORTED)
    watch.tick(days=60)  # what is in trouble is asked for however long it takes
    pipeline.run(sink=Complaining(pipeline.server))
    assert pipeline.state_of(KEY) == ("delivered", None)
