"""Records that refer to each other do not wait for ever: one goes first, and is completed afterwards."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from ml_connector.delivery.circles import REFERS_BACK

from tests.delivery.conftest import ONLY_SQLITE, S1, Pipeline, invoice
from tests.delivery.fake_target import FakeSink, Killed

pytestmark = ONLY_SQLITE
Message = tuple[str, dict[str, Any]]


def referring(number: str, to: str, **changes: Any) -> Message:
    amounts = {"lines": [], "net": Decimal(0), "total": Decimal(25)}
    return "supplier_invoices", invoice(number, original=to, **amounts, **changes)


def originals(pipeline: Pipeline) -> dict[str, Any]:
    return {row["key"]: row["original"] for row in pipeline.server.tables["invoices"].values()}


def all_arrived(pipeline: Pipeline) -> None:
    rows = pipeline.rows("deliveries", record_type="supplier_invoices")
    assert {(row["state"], row["defaulted"]) for row in rows} == {("delivered", None)}
    assert all(letter["closed_at"] for letter in pipeline.rows("dead_letters"))


TWO = [referring("1", "2"), referring("2", "1")]
THREE = [referring("a", "b"), referring("b", "c"), referring("c", "a")]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_two_records_that_refer_to_each_other_both_arrive_whole(pipeline: Pipeline, asynchronous: bool) -> None:
    report = pipeline.run(S1, *TWO, sink=FakeSink(pipeline.server, asynchronous=asynchronous))
    assert report.counts == {"received": 3, "delivered": 3}
    assert report.differences == []
    assert originals(pipeline) == {"1": "2", "2": "1"}
    all_arrived(pipeline)
    assert sum(pipeline.server.writes.values()) == 1 + 2 + 1  # supplier, both, and the one completed


def test_a_circle_of_three_with_one_that_hangs_on_it(pipeline: Pipeline) -> None:
    report = pipeline.run(S1, *THREE, referring("z", "a"))
    assert report.counts == {"received": 5, "delivered": 5}
    assert originals(pipeline) == {"a": "b", "b": "c", "c": "a", "z": "a"}
    all_arrived(pipeline)


@pytest.mark.parametrize("step", range(1, 13))
def test_a_process_that_dies_anywhere_in_it_leaves_no_reference_out(pipeline: Pipeline, step: int) -> None:
    pipeline.run(S1)
    with suppress(Killed):
        pipeline.run(*TWO, sink=FakeSink(pipeline.server, die_at=step))
    for _ in range(2):
        assert pipeline.run(*TWO).differences == []
    assert originals(pipeline) == {"1": "2", "2": "1"}
    all_arrived(pipeline)


def test_one_that_was_let_go_waits_visibly_while_the_other_does_not_arrive(pipeline: Pipeline) -> None:
    busy = FakeSink(pipeline.server, fail={"erp:NO01:supplier_invoices:2"})
    report = pipeline.run(S1, *TWO, sink=busy)
    assert report.counts == {"received": 3, "delivered": 1, "parked": 1, "failed": 1}
    assert report.differences == []
    state, reason = pipeline.state_of("erp:NO01:supplier_invoices:1")
    assert (state, reason in (REFERS_BACK, "original_missing")) == ("parked", True)
    assert originals(pipeline) == {"1": None}
    pipeline.run(*TWO, resend=True)
    assert originals(pipeline) == {"1": "2", "2": "1"}
    all_arrived(pipeline)


def test_a_chain_is_no_circle(pipeline: Pipeline) -> None:
    refused = FakeSink(pipeline.server, refuse={"erp:NO01:supplier_invoices:c": "bad"})
    pipeline.run(S1, referring("a", "b"), referring("b", "c"), referring("c", "d"), sink=refused)
    assert pipeline.server.count("invoices") == 0
    assert pipeline.state_of("erp:NO01:supplier_invoices:a") == ("parked", "original_missing")
