"""Outcomes over time: attempts, pauses, the stop rule, what a person must decide, what the ledger columns say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from ml_connector.delivery.sink import NOT_SENT, OUTCOME_UNKNOWN, Effect, Outcome, State
from ml_connector.errors import OutOfPatience, TooManyRefused

from tests.delivery.clock import Watch, living_by
from tests.delivery.conftest import KEY, ONLY_SQLITE, S1, TARGET_MAP, Pipeline, invoice
from tests.delivery.fake_target import FakeSink

pytestmark = ONLY_SQLITE
HOUR = timedelta(hours=1)
INVOICE = ("supplier_invoices", invoice("100"))


@pytest.fixture
def watch() -> Iterator[Watch]:
    clock = Watch(datetime(2026, 10, 10, tzinfo=UTC))
    with living_by(clock.now):
        yield clock


def delivery(pipeline: Pipeline) -> dict[str, Any]:
    return pipeline.rows("deliveries", business_key=KEY)[0]


class Stopping(FakeSink):
    """A target that can take no more: every row is told as never sent, then the fault."""

    def send(self, effects: Sequence[Effect]) -> Iterable[Outcome]:
        yield from (Outcome(effect, State.FAILED, reason=NOT_SENT, message="not sent") for effect in effects)
        raise OutOfPatience("the server asks for an hour")


class Forgetful(FakeSink):
    """A target that takes rows and never tells what became of them."""

    def settle(self, effects: Sequence[Effect], *, wait: bool) -> Iterable[Outcome]:
        return [Outcome(effect, State.SENT, handle=effect.handle) for effect in effects]


# attempts


def test_rows_that_never_went_out_are_no_attempts_and_go_first_thing_next(pipeline: Pipeline) -> None:
    pipeline.run(S1)
    for _ in range(9):
        with pytest.raises(OutOfPatience):
            pipeline.run(INVOICE, sink=Stopping(pipeline.server))
    assert (delivery(pipeline)["state"], delivery(pipeline)["reason"]) == ("failed", NOT_SENT)
    assert delivery(pipeline)["attempts"] == 0
    assert pipeline.run().counts == {"carried_in": 1, "delivered": 1}


def test_pauses_grow_until_a_person_is_needed_and_a_replay_revives(pipeline: Pipeline, watch: Watch) -> None:
    failing = FakeSink(pipeline.server, fail={KEY})
    pipeline.run(S1, INVOICE, sink=failing)
    seen = []
    while not delivery(pipeline)["next_attempt_at"].startswith("9999"):
        due = datetime.fromisoformat(delivery(pipeline)["next_attempt_at"])
        seen.append(due - watch.now())
        watch.tick(seconds=(due - watch.now()).total_seconds() - 1)
        before = len(failing.sent)
        pipeline.run(INVOICE, sink=failing)
        assert len(failing.sent) == before, "a record is not tried before its pause is over"
        watch.tick(seconds=2)
        pipeline.run(sink=failing)
        assert len(failing.sent) == before + 1
        assert len(seen) < 20
    assert seen == [timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1)]
    assert "waits for a person" in delivery(pipeline)["suggestion"]
    assert "ml-connector dead replay" in delivery(pipeline)["suggestion"]
    watch.tick(days=400)
    before = len(failing.sent)
    pipeline.run(INVOICE, sink=failing)
    assert len(failing.sent) == before
    pipeline.run(INVOICE, sink=failing, replay=True)
    assert delivery(pipeline)["attempts"] < 5, "a replay starts counting anew"
    watch.tick(days=1)
    assert pipeline.run(INVOICE, replay=True).counts["delivered"] == 1


def test_an_answer_lost_again_and_again_never_counts_as_a_failure(pipeline: Pipeline, watch: Watch) -> None:
    pipeline.run(S1)
    for _ in range(8):
        sink = FakeSink(pipeline.server, settle_window=HOUR, now=watch.now, swallow={KEY})
        pipeline.run(INVOICE, sink=sink)
        assert delivery(pipeline)["state"] == "in_doubt"
        watch.tick(hours=2)
    sink = FakeSink(pipeline.server, settle_window=HOUR, now=watch.now)
    pipeline.run(sink=sink)
    assert pipeline.state_of(KEY) == ("delivered", None)


# what nobody can tell


@pytest.fixture
def unknown(pipeline: Pipeline, watch: Watch) -> Pipeline:
    """Leave the invoice sent, and its outcome untold for longer than the limit."""
    pipeline.run(S1)
    pipeline.run(INVOICE, sink=Forgetful(pipeline.server, asynchronous=True))
    watch.tick(days=13)
    pipeline.run(sink=Forgetful(pipeline.server, asynchronous=True))
    assert pipeline.state_of(KEY)[0] == "sent"
    watch.tick(days=2)
    report = pipeline.run(sink=Forgetful(pipeline.server, asynchronous=True))
    assert report.differences == []
    assert pipeline.state_of(KEY) == ("failed", OUTCOME_UNKNOWN)
    return pipeline


def test_a_row_of_unknown_outcome_needs_a_person_and_nothing_else_sends_it(unknown: Pipeline, watch: Watch) -> None:
    watch.tick(days=400)
    newer = ("supplier_invoices", invoice("100", currency="EUR"))
    for message, settings in ((INVOICE, {}), (INVOICE, {"resend": True}), (newer, {}), (newer, {"resend": True})):
        sink = FakeSink(unknown.server)
        assert unknown.run(message, sink=sink, **settings).differences == []
        assert sink.sent == []
        assert unknown.state_of(KEY) == ("failed", OUTCOME_UNKNOWN)
    (letter,) = (row for row in unknown.rows("dead_letters") if row["closed_at"] is None)
    assert '"EUR"' in letter["record"], "the newest version waits"
    assert "dead replay" in delivery(unknown)["suggestion"]


def test_a_replay_sends_a_row_of_unknown_outcome_again(unknown: Pipeline) -> None:
    report = unknown.run(INVOICE, replay=True)
    assert report.differences == []
    assert unknown.state_of(KEY) == ("delivered", None)
    assert all(row["closed_at"] for row in unknown.rows("dead_letters"))


def test_an_unknown_row_is_not_masked_by_a_sister_that_failed(pipeline: Pipeline, watch: Watch) -> None:
    class Half(Forgetful):
        def _one(self, effect: Effect) -> Outcome:
            if effect.name == "line:1":
                return Outcome(effect, State.FAILED, reason="busy")
            return super()._one(effect)

    Half.orders_phases = True
    pipeline.run(S1)
    pipeline.run(INVOICE, sink=Half(pipeline.server, asynchronous=True))
    watch.tick(days=15)
    pipeline.run(sink=Half(pipeline.server, asynchronous=True))
    assert pipeline.state_of(KEY) == ("failed", OUTCOME_UNKNOWN)


# the stop rule


def refused(count: int) -> list[tuple[str, dict[str, Any]]]:
    return [("supplier_invoices", invoice(str(1000 + n), total=Decimal(1))) for n in range(count)]


def test_a_fault_of_all_records_stops_the_run_and_names_the_cause(pipeline: Pipeline) -> None:
    good = [("supplier_invoices", invoice(str(n), reference=f"r{n}")) for n in range(100, 109)]
    with pytest.raises(TooManyRefused, match=r"50 of the last 60 .*50 of them for does_not_foot.*dead list --cause"):
        pipeline.run(S1, *good, *refused(500), batch_rows=10)
    assert TooManyRefused.exit_code == 2
    (run,) = pipeline.rows("runs")
    assert (run["outcome"], run["balance"]) == ("stopped", "unproven")
    settled = len(pipeline.rows("deliveries"))
    assert settled == 60
    assert pipeline.states[-1]["at"] < settled
    with pytest.raises(TooManyRefused):
        pipeline.run(*refused(500), batch_rows=10)
    off = pipeline.run(S1, *refused(200), stop_after_refused=0)
    assert off.counts["refused"] == 200


def test_some_refusals_among_many_records_stop_nothing(pipeline: Pipeline) -> None:
    mixed = []
    for n, bad in enumerate(refused(60)):
        mixed += [bad, ("supplier_invoices", invoice(str(5000 + n), reference=f"x{n}"))]
        mixed += [("supplier_invoices", invoice(str(7000 + n), reference=f"y{n}"))]
    report = pipeline.run(S1, *mixed, batch_rows=9)
    assert report.counts["refused"] == 60
    again = pipeline.run(S1, *mixed)  # what is known to be refused is no news
    assert again.counts["refused"] == 60
    changed = pipeline.run(target_map=f"{TARGET_MAP}# a new version\n")  # all letters are tried again
    assert changed.counts["refused"] == 60


# lines and their header


def test_lines_wait_for_a_header_that_is_only_sent(pipeline: Pipeline) -> None:
    order: list[str] = []

    class Slow(FakeSink):
        def send(self, effects: Sequence[Effect]) -> Iterable[Outcome]:
            order.extend(f"send {effect.name}" for effect in effects)
            return super().send(effects)

        def settle(self, effects: Sequence[Effect], *, wait: bool) -> Iterable[Outcome]:
            order.extend(f"settle {effect.name}" for effect in effects if wait)
            return super().settle(effects, wait=wait)

    pipeline.run(S1)
    pipeline.run(INVOICE, sink=Slow(pipeline.server, asynchronous=True))
    assert order[:4] == ["send header", "settle header", "send line:1", "send line:2"]
    assert pipeline.state_of(KEY) == ("delivered", None)


def test_lines_of_a_header_without_an_outcome_stay_at_home_until_it_has_one(pipeline: Pipeline) -> None:
    pipeline.run(S1)
    waiting = Forgetful(pipeline.server, asynchronous=True)
    report = pipeline.run(INVOICE, sink=waiting)
    assert report.differences == []
    assert [effect.name for effect in waiting.sent] == ["header"]
    assert pipeline.state_of(KEY)[0] == "sent"
    assert pipeline.run().counts == {"carried_in": 1, "delivered": 1}
    assert pipeline.server.writes[f"{KEY}#header"] == 1
    assert pipeline.server.count("invoice_lines") == 2


def test_a_target_that_orders_its_imports_gets_lines_at_once(pipeline: Pipeline) -> None:
    class Ordered(Forgetful):
        orders_phases = True

    pipeline.run(S1)
    sink = Ordered(pipeline.server, asynchronous=True)
    pipeline.run(INVOICE, sink=sink)
    assert [effect.name for effect in sink.sent] == ["header", "line:1", "line:2"]


# what the ledger columns say


def test_a_delivery_knows_its_period_and_its_accounts(pipeline: Pipeline) -> None:
    credit = invoice("101", type="credit_note", reference="c")
    pipeline.run(S1, INVOICE, ("supplier_invoices", credit))
    plain, negative = (pipeline.rows("deliveries", title=number)[0] for number in ("100", "101"))
    assert (plain["period"], json.loads(plain["accounts"])) == ("2026-10", {"6300": "60.50", "6400": "39.50"})
    assert json.loads(negative["accounts"]) == {"6300": "-60.50", "6400": "-39.50"}


def test_a_run_knows_the_state_it_began_with_and_the_newest_it_let_pass(pipeline: Pipeline) -> None:
    pipeline.run(S1, INVOICE)
    pipeline.run()
    pipeline.run(S1)
    first, second, third = sorted(pipeline.rows("runs"), key=lambda row: row["started_at"])
    assert (first["state_from"], first["state_to"]) == (None, '{"at":1}')
    assert (second["state_from"], second["state_to"]) == ('{"at":1}', None)
    assert (third["state_from"], third["state_to"]) == ('{"at":1}', '{"at":0}')
    assert first["actor"]
    assert first["host"]


def test_a_row_that_never_left_is_not_sent_when_the_content_before_it_is_wanted_again(pipeline: Pipeline) -> None:
    pipeline.run(S1)
    louder = TARGET_MAP.replace("name: name", "name: upper(name)")
    with pytest.raises(OutOfPatience):
        pipeline.run(S1, sink=Stopping(pipeline.server), target_map=louder)
    assert pipeline.rows("effects")[0]["reason"] == "not_sent"
    sink = FakeSink(pipeline.server)
    report = pipeline.run(S1, sink=sink)
    assert report.differences == []
    assert sink.sent == []
    (row,) = pipeline.rows("effects")
    assert (row["state"], row["payload_hash"], row["reason"]) == ("delivered", row["settled_hash"], None)
    assert pipeline.state_of("erp:NO01:suppliers:S1")[0] == "delivered"
    pipeline.run(S1, target_map=louder)
    assert next(iter(pipeline.server.tables["suppliers"].values()))["name"] == "SUPPLIER S1"
