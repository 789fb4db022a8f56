"""While an attempt has no outcome, nothing overtakes it; what waited behind it is neither lost nor sent stale (L3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from ml_connector.delivery.settings import Guards
from ml_connector.delivery.sink import Effect, Outcome, State
from ml_connector.errors import BadAnswer
from ml_connector.store import open_store
from ml_connector.store.tables import deliveries
from sqlalchemy import update

from tests.delivery.conftest import KEY, S1, TARGET_MAP, Pipeline, invoice, supplier
from tests.delivery.fake_target import FakeSink, Killed

HOUR = timedelta(hours=1)
OPEN_ONLY = Guards(source_states=("open", "active"))


def lost(pipeline: Pipeline) -> None:
    """Leave invoice 100 in doubt: its request never reached the target."""
    pipeline.run(
        S1, ("supplier_invoices", invoice("100")), sink=FakeSink(pipeline.server, swallow={KEY}, settle_window=HOUR)
    )
    assert pipeline.state_of(KEY)[0] == "in_doubt"


def still_unknown(pipeline: Pipeline) -> FakeSink:
    return FakeSink(pipeline.server, settle_window=HOUR)


@pytest.mark.parametrize(
    ("newer", "ends"),
    [
        ({"status": "Hold"}, ("skipped", "source_state_draft")),
        ({"date": "soon"}, ("refused", None)),
    ],
)
def test_a_version_that_may_not_go_waits_for_the_one_in_doubt(
    pipeline: Pipeline, newer: dict[str, Any], ends: tuple[str, str | None]
) -> None:
    lost(pipeline)
    message = ("supplier_invoices", invoice("100", **newer))
    held = pipeline.run(message, sink=still_unknown(pipeline), guards=OPEN_ONLY)
    assert held.differences == []
    assert pipeline.state_of(KEY)[0] == "in_doubt"
    report = pipeline.run(guards=OPEN_ONLY)
    assert report.differences == []
    state, reason = pipeline.state_of(KEY)
    assert state == ends[0]
    assert ends[1] in (None, reason)


def test_resend_does_not_send_what_is_in_doubt(pipeline: Pipeline) -> None:
    lost(pipeline)
    sink = still_unknown(pipeline)
    pipeline.run(("supplier_invoices", invoice("100")), sink=sink, resend=True)
    assert sink.sent == []
    assert pipeline.state_of(KEY)[0] == "in_doubt"


def test_a_change_taken_back_while_in_doubt_is_not_sent(pipeline: Pipeline) -> None:
    pipeline.run(S1, ("supplier_invoices", invoice("100", total=Decimal(125))))
    first = ("supplier_invoices", invoice("100", currency="SEK"))
    other = ("supplier_invoices", invoice("100", currency="SEK", tax=Decimal(50), total=Decimal(150)))
    pipeline.run(first, sink=FakeSink(pipeline.server, swallow={KEY}, settle_window=HOUR))
    for message in (other, first):
        assert pipeline.run(message, sink=still_unknown(pipeline)).differences == []
    assert pipeline.run().differences == []
    (header,) = pipeline.server.tables["invoices"].values()
    assert (header["total"], header["currency"]) == (Decimal(125), "SEK")
    assert pipeline.state_of(KEY) == ("delivered", None)
    assert all(letter["closed_at"] for letter in pipeline.rows("dead_letters"))


def test_a_newer_version_goes_when_the_one_before_it_turns_out_refused(pipeline: Pipeline) -> None:
    class LateRefusal(FakeSink):
        def settle(self, effects: Any, *, wait: bool) -> Any:
            for effect in effects:
                yield Outcome(effect, State.REFUSED, reason="rejected", message="no")

    lost(pipeline)
    newer = ("supplier_invoices", invoice("100", currency="EUR"))
    pipeline.run(newer, sink=still_unknown(pipeline))
    report = pipeline.run(sink=LateRefusal(pipeline.server))
    assert report.differences == []
    assert pipeline.state_of(KEY) == ("delivered", None)
    (header,) = pipeline.server.tables["invoices"].values()
    assert header["currency"] == "EUR"


def test_rows_of_a_later_phase_are_sent_after_a_crash_that_came_before_them(pipeline: Pipeline) -> None:
    pipeline.run(S1, ("supplier_invoices", invoice("100")))
    changed = invoice("100")
    changed["lines"][1] = {"nr": 2, "amount": Decimal("39.50"), "account": "6300"}  # its header stays as it is
    both = (("supplier_invoices", changed), ("supplier_invoices", invoice("101")))
    with pytest.raises(Killed):
        pipeline.run(*both, sink=FakeSink(pipeline.server, die_at=1))
    pipeline.run(*both)
    report = pipeline.run(*both)
    assert report.counts == {"received": 2, "unchanged": 2}
    assert [row["state"] for row in pipeline.rows("deliveries")] == ["delivered"] * 3
    assert {row["account"] for row in pipeline.server.tables["invoice_lines"].values() if row["key"] == "100"} == {
        "6300"
    }


def test_answers_that_came_are_kept_when_another_one_cannot_be_understood(pipeline: Pipeline) -> None:
    class Puzzling(FakeSink):
        def send(self, effects: Any) -> Any:
            for number, outcome in enumerate(super().send(effects)):
                yield outcome
                if number == 1:
                    raise BadAnswer("status 299 is not in the table")

    with pytest.raises(BadAnswer):
        pipeline.run(*(("suppliers", supplier(f"S{n}")) for n in range(5)), sink=Puzzling(pipeline.server))
    states = [row["state"] for row in pipeline.rows("deliveries")]
    assert states == ["delivered", "delivered", "in_doubt", "in_doubt", "in_doubt"]


def test_a_row_with_a_handle_is_not_sent_again_because_its_sister_was_refused(pipeline: Pipeline) -> None:
    class HalfRefused(FakeSink):
        def _one(self, effect: Any) -> Outcome:
            if effect.name == "line:2":
                return Outcome(effect, State.REFUSED, reason="bad", message="no")
            return super()._one(effect)

        def settle(self, effects: Any, *, wait: bool) -> Any:
            return [Outcome(effect, State.SENT, handle=effect.handle) for effect in effects]

    sink = HalfRefused(pipeline.server, asynchronous=True)
    pipeline.server.tables["suppliers"] = {(): {"source": "erp:NO01", "number": "S1", "active": "true", "id": "1"}}
    pipeline.run(("supplier_invoices", invoice("100")), sink=sink)
    assert pipeline.state_of(KEY)[0] == "sent"
    pipeline.run(("supplier_invoices", invoice("100", currency="EUR")), sink=sink)
    assert max(pipeline.server.writes.values()) == 1
    report = pipeline.run()
    assert report.differences == []
    assert pipeline.state_of(KEY) == ("delivered", None)


def test_what_a_person_waived_stays_waived_until_its_source_changes(pipeline: Pipeline) -> None:
    bad = ("supplier_invoices", invoice("100", date="soon"))
    dear = ("supplier_invoices", invoice("101"))
    guards = Guards(max_amount=Decimal(1))
    pipeline.run(S1, bad, dear, guards=guards)
    store = open_store(pipeline.url)
    with store.transaction() as connection:
        connection.execute(update(deliveries).where(deliveries.c.state != "delivered").values(state="waived"))
    store.close()
    changed = TARGET_MAP + "# a crosswalk or a comment changed\n"
    report = pipeline.run(S1, bad, dear, guards=guards, target_map=changed)
    assert report.counts == {"received": 3, "unchanged": 1, "waived": 2}
    assert report.differences == []


def test_a_new_version_of_a_failed_record_starts_counting_its_attempts_anew(pipeline: Pipeline) -> None:
    failing = FakeSink(pipeline.server, fail={KEY})
    pipeline.run(S1)
    for _ in range(8):
        pipeline.run(("supplier_invoices", invoice("100")), sink=failing, resend=True)
    assert pipeline.rows("deliveries", business_key=KEY)[0]["next_attempt_at"].startswith("9999")
    pipeline.run(("supplier_invoices", invoice("100", currency="EUR")), sink=failing)
    assert not pipeline.rows("deliveries", business_key=KEY)[0]["next_attempt_at"].startswith("9999")


def test_a_renamed_pipeline_learns_what_became_of_rows_in_doubt(pipeline: Pipeline) -> None:
    lost(pipeline)
    pipeline.name = "renamed"
    pipeline.run(("supplier_invoices", invoice("100")))
    assert pipeline.state_of(KEY) == ("delivered", None)


def test_a_record_says_since_when_it_is_in_its_state(pipeline: Pipeline) -> None:
    failing = FakeSink(pipeline.server, refuse={KEY: "bad"})
    pipeline.run(S1, ("supplier_invoices", invoice("100")), sink=failing)
    since = pipeline.rows("deliveries", business_key=KEY)[0]["since"]
    pipeline.run(("supplier_invoices", invoice("100", currency="EUR")), sink=failing)
    assert pipeline.rows("deliveries", business_key=KEY)[0]["since"] == since


def test_a_row_that_outlasts_one_wait_is_not_waited_for_again(pipeline: Pipeline) -> None:
    waits: list[bool] = []

    class Asleep(FakeSink):
        """An instance whose transformer has stopped."""

        def settle(self, effects: Sequence[Effect], *, wait: bool) -> Iterable[Outcome]:
            waits.append(wait)
            return [Outcome(effect, State.SENT, handle=effect.handle) for effect in effects]

    report = pipeline.run(S1, sink=Asleep(pipeline.server, asynchronous=True))
    assert report.counts["sent"] == 1
    assert sum(waits) == 1
    assert len(waits) > 1
