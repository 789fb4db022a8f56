"""The balance of bulk runs (L8): what came in is what became of it, whatever happens on the way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ml_connector.bulk.totals import BulkTotals
from ml_connector.errors import TooManyRefused

from tests.bulk.conftest import COMPANY, KEY, NOK, SCHEMA, STREAM, Pipeline, record, refusal


def test_what_was_refused_waits_in_every_run_until_it_arrives(pipeline: Pipeline) -> None:
    with pipeline.books() as books:
        books.receive(3)
        books.bring("b1", delivered=2)
        books.refuse([refusal(record())])
    assert pipeline.counts == {"received": 3, "delivered": 2, "refused": 1}
    assert pipeline.reports[-1].exit_code == 4
    with pipeline.books() as books:
        assert books.waiting(STREAM) == {KEY}
        assert books.waiting("payments") == frozenset()
    assert pipeline.counts == {"carried_in": 1, "refused": 1}
    with pipeline.books() as books:
        books.receive()
        books.bring("b2", delivered=1, arrived=[KEY])
        assert books.waiting(STREAM) == frozenset()
    assert pipeline.counts == {"carried_in": 1, "received": 1, "delivered": 1, "superseded": 1}
    assert pipeline.reports[-1].balance == "unproven"
    assert pipeline.reports[-1].differences == []
    (delivery,) = pipeline.rows("deliveries")
    assert (delivery["state"], delivery["reason"], delivery["run_outcome"]) == ("delivered", None, "superseded")
    (letter,) = pipeline.rows("dead_letters")
    assert letter["closed_by"] == "settled"
    with pipeline.books() as books:
        pass
    assert pipeline.counts == {}
    assert pipeline.findings() == []


def test_a_corrected_record_may_have_another_amount_than_the_one_that_waited(pipeline: Pipeline) -> None:
    with pipeline.books() as books:
        books.receive(1, Decimal(-3))
        books.refuse([refusal(record(total=Decimal(-3)))])
    with pipeline.books() as books:
        books.receive(1, Decimal("99.95"))
        sums = [("unchanged", COMPANY, NOK, 1, Decimal("99.95"))]
        books.bring("b", unchanged=1, sums=sums, arrived=[KEY])
    amounts = {row["kind"]: row["amount"] for row in pipeline.rows("tallies", run_id=pipeline.rows("runs")[-1]["id"])}
    assert amounts == {"carried_in": "-3", "received": "99.95", "superseded": "-3", "unchanged": "99.95"}
    assert pipeline.reports[-1].differences == []


@pytest.mark.parametrize("again", [{}, {"total": Decimal(7)}], ids=["the same", "another version"])
def test_a_record_refused_again_keeps_one_open_letter(pipeline: Pipeline, again: dict[str, Any]) -> None:
    with pipeline.books() as books:
        books.receive()
        books.refuse([refusal(record())])
    newest = record(**again)
    with pipeline.books() as books:
        books.receive(1, newest["total"])
        books.refuse([refusal(newest)])
    assert pipeline.counts == {"carried_in": 1, "received": 1, "refused": 1, "superseded": 1}
    assert pipeline.reports[-1].differences == []
    letters = pipeline.rows("dead_letters")
    assert [letter["closed_by"] for letter in letters] == (["superseded", None] if again else [None])
    assert pipeline.findings() == []


def test_refused_loaded_and_refused_again_in_one_run(pipeline: Pipeline) -> None:
    with pipeline.books() as books:
        books.receive(5)
        books.refuse([refusal(record()), refusal(record(note="twice in one go"))])
        assert books.waiting(STREAM) == {KEY}
        books.bring("b1", delivered=1, arrived=[KEY])
        books.refuse([refusal(record(note="again"))])
        assert books.waiting(STREAM) == {KEY}
        books.bring("b2", delivered=1, arrived=[KEY])
    assert pipeline.counts == {"received": 5, "delivered": 2, "superseded": 3}
    assert pipeline.reports[-1].differences == []
    assert [letter["closed_by"] for letter in pipeline.rows("dead_letters")] == ["settled", "settled"]
    assert pipeline.findings() == []


def test_records_without_amount_or_currency_are_counted_and_not_summed(pipeline: Pipeline) -> None:
    with pipeline.books() as books:
        books.received(STREAM, "", "", 2, Decimal(0))
        bare = {"number": None, "note": "no key"}
        books.refuse([refusal(record(None), record=bare, company="", amount=None, currency=None, value=None)])
        books.bring("b", delivered=1, sums=[("delivered", "", "", 1, Decimal(0))])
    assert pipeline.reports[-1].differences == []


def test_a_lost_record_is_a_difference(pipeline: Pipeline) -> None:
    with pipeline.books() as books:
        books.receive(3)
        books.bring("b", delivered=2)
    report = pipeline.reports[-1]
    assert (report.balance, report.exit_code) == ("out_of_balance", 5)
    assert report.differences == ["NO01 supplier_invoices: 1 records, 12.50 NOK without an outcome"]


def test_an_aborted_run_says_what_is_read_again(pipeline: Pipeline) -> None:
    with pipeline.books() as books:
        books.receive(10)
        books.bring("b", delivered=4)
        books.refuse([refusal(record())])
        books.passed('{"bookmarks":{}}')
        books.abort("the warehouse is gone", 3)
        books.abort("and once more", 1)
    (run,) = pipeline.rows("runs")
    assert (run["outcome"], run["balance"], run["message"]) == ("stopped", "unproven", "the warehouse is gone")
    assert run["state_to"] == '{"bookmarks":{}}'
    counts = {row["kind"]: (row["count"], row["amount"]) for row in pipeline.rows("tallies")}
    assert counts["read_again"] == (5, "62.50")
    assert pipeline.findings() == []


def test_an_aborted_run_hides_no_record_that_came_out_twice(pipeline: Pipeline) -> None:
    with pipeline.books() as books:
        books.receive(1)
        books.bring("b", delivered=2)
        books.abort("a fault", 1)
    assert pipeline.rows("runs")[0]["balance"] == "out_of_balance"


def test_too_many_refused_stop_the_run_after_they_are_durable(pipeline: Pipeline) -> None:
    with pipeline.books(max_refused=2) as books:
        books.receive(3)
        with pytest.raises(TooManyRefused, match="3 of them for value_does_not_fit"):
            books.refuse([refusal(record(str(number))) for number in range(3)])
        books.receive()
        books.refuse([refusal(record("4"))])  # it was under way: ending the run must not fail for it
        books.abort("too many", 2)
    assert len(pipeline.rows("dead_letters", closed_at=None)) == 4
    with pipeline.books(replay=True, replay_of="r", max_refused=2) as books:
        books.receive(3)
        books.refuse([refusal(record(str(number))) for number in range(3)])
    assert pipeline.counts == {"carried_in": 4, "received": 3, "refused": 4, "superseded": 3}
    assert pipeline.rows("runs")[-1]["kind"] == "replay"


def test_another_pipeline_of_the_same_target_brings_what_was_refused(pipeline: Pipeline) -> None:
    """Renaming a plugin must not leave a letter open for ever."""
    with pipeline.books() as books:
        books.receive()
        books.refuse([refusal(record())])
    pipeline.name = "renamed"
    with pipeline.books() as books:
        books.receive()
        assert books.waiting(STREAM) == {KEY}
        books.bring("b", delivered=1, arrived=[KEY])
    assert pipeline.counts == {"received": 1, "delivered": 1}
    assert pipeline.rows("dead_letters", closed_at=None) == []
    assert pipeline.findings() == []


def test_another_target_knows_nothing_of_it(pipeline: Pipeline) -> None:
    with pipeline.books() as books:
        books.receive()
        books.refuse([refusal(record())])
    pipeline.target_id = "xy12345/FINANCE/TEST"
    with pipeline.books() as books:
        assert books.waiting(STREAM) == frozenset()
    assert pipeline.counts == {}


def told(**changes: Any) -> dict[str, Any]:
    stream = {"fetched": "2", "emitted": "2", "dropped": {}, "sums": {NOK: "25.00"}, "complete": True} | changes
    return {"ml_connector": {"version": 1, "streams": {STREAM: stream}}}


@pytest.mark.parametrize(
    ("state", "balance"),
    [
        (told(), "in_balance"),
        (told(emitted="3", fetched="3"), "out_of_balance"),
        (told(sums={NOK: "25.01"}), "out_of_balance"),
        (told(sums={NOK: "25.00", "EUR": "1"}), "out_of_balance"),
        (told(complete=False), "unproven"),
        ({}, "unproven"),
    ],
)
def test_what_the_tap_emitted_is_what_arrived(local: Pipeline, state: dict[str, Any], balance: str) -> None:
    totals = BulkTotals()
    totals.stream(STREAM, SCHEMA)
    assert totals.fields(STREAM) == ("total", "currency")
    with local.books() as books:
        for _ in range(2):
            books.receive()
            totals.count(STREAM, 1)
            totals.sum(STREAM, NOK, Decimal("12.50"))
        books.bring("b", delivered=2)
        totals.told(state)
        report = books.finish(totals)
    assert report.balance == balance
