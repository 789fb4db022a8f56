"""What the source voids or loses after delivery is cancelled in the target, or waits for a person: never silently."""

from __future__ import annotations

from typing import Any

import pytest
from ml_connector.delivery.settings import Guards

from tests.delivery.conftest import KEY, ONLY_SQLITE, S1, SOURCE_MAP, TARGET_MAP, Pipeline, database, invoice, pipeline
from tests.delivery.fake_target import FakeSink

__all__ = ["database", "pipeline"]
pytestmark = ONLY_SQLITE

SOURCE = SOURCE_MAP.replace("{'Open': 'open', 'Hold': 'draft'}", "{'Open': 'open', 'Hold': 'draft', 'Void': 'voided'}")
CANCELS = TARGET_MAP.replace("    __frozen_states__:", "    __cancelled__: {stage: canceled}\n    __frozen_states__:")
CANCELS = CANCELS.replace("states: [approved, paid]", "states: [approved, paid, canceled]")
GUARDS = Guards(source_states=("open", "closed", "active", "inactive"))
OPEN = ("supplier_invoices", invoice("100"))
VOID = ("supplier_invoices", invoice("100", status="Void"))
GONE = ("supplier_invoices", {"_company": "NO01", "number": "100", "_sdc_deleted_at": "2026-11-01T08:00:00Z"})


def run(pipeline: Pipeline, *records: Any, target_map: str = CANCELS, sink: FakeSink | None = None) -> Any:
    """Run, and hold the run to its balance: every record and every amount that came in has an outcome."""
    report = pipeline.run(*records, sink=sink, guards=GUARDS, source_map=SOURCE, target_map=target_map)
    assert report.differences == []
    return report


def row_of(pipeline: Pipeline) -> dict[str, Any]:
    return next(iter(pipeline.server.tables["invoices"].values()))


@pytest.mark.parametrize("withdrawn", [VOID, GONE], ids=["voided", "vanished"])
def test_it_is_cancelled_in_the_target_with_one_write_of_its_header(pipeline: Pipeline, withdrawn: Any) -> None:
    run(pipeline, S1, OPEN)
    before = dict(row_of(pipeline))
    sink = FakeSink(pipeline.server)
    assert run(pipeline, withdrawn, sink=sink).counts == {"received": 1, "delivered": 1}
    assert [effect.name for effect in sink.sent] == ["header"]
    assert row_of(pipeline) == before | {"stage": "canceled"}
    delivery = pipeline.rows("deliveries", business_key=KEY)[0]
    assert (delivery["state"], delivery["amount"], delivery["currency"]) == ("delivered", "125.00", "NOK")
    assert delivery["title"] == "100"
    assert [event["kind"] for event in pipeline.rows("events", business_key=KEY)] == ["delivered", "cancelled"]
    again = FakeSink(pipeline.server)
    assert run(pipeline, withdrawn, sink=again).counts == {"received": 1, "unchanged": 1}
    assert again.sent == []


@pytest.mark.parametrize(("withdrawn", "reason"), [(VOID, "voided_after_delivery"), (GONE, "vanished")])
def test_people_of_the_target_decide_on_what_they_have_taken_over(
    pipeline: Pipeline, withdrawn: Any, reason: str
) -> None:
    run(pipeline, S1, OPEN)
    row_of(pipeline)["stage"] = "approved"
    sink = FakeSink(pipeline.server)
    assert run(pipeline, withdrawn, sink=sink).counts == {"received": 1, "parked": 1}
    assert sink.sent == []
    assert pipeline.state_of(KEY) == ("parked", reason)
    assert run(pipeline, sink=sink).counts == {"carried_in": 1, "parked": 1}
    row_of(pipeline)["stage"] = "draft"  # a person gives it back: the next run cancels it, from its dead letter
    assert run(pipeline, sink=sink).counts == {"carried_in": 1, "delivered": 1}
    assert row_of(pipeline)["stage"] == "canceled"
    assert [letter["closed_by"] for letter in pipeline.rows("dead_letters")] == ["settled"]


@pytest.mark.parametrize("withdrawn", [VOID, GONE], ids=["voided", "vanished"])
def test_what_people_have_cancelled_themselves_is_settled(pipeline: Pipeline, withdrawn: Any) -> None:
    run(pipeline, S1, OPEN)
    row_of(pipeline)["stage"] = "canceled"
    sink = FakeSink(pipeline.server)
    assert run(pipeline, withdrawn, sink=sink).counts == {"received": 1, "unchanged": 1}
    assert sink.sent == []


@pytest.mark.parametrize(("withdrawn", "reason"), [(VOID, "voided_after_delivery"), (GONE, "vanished")])
def test_a_map_that_cannot_cancel_parks_it(pipeline: Pipeline, withdrawn: Any, reason: str) -> None:
    run(pipeline, S1, OPEN, target_map=TARGET_MAP)
    assert run(pipeline, withdrawn, target_map=TARGET_MAP).counts == {"received": 1, "parked": 1}
    assert pipeline.state_of(KEY) == ("parked", reason)
    assert run(pipeline, target_map=CANCELS).counts == {"carried_in": 1, "delivered": 1}  # once the map says how
    assert row_of(pipeline)["stage"] == "canceled"


@pytest.mark.parametrize(("withdrawn", "rule"), [(VOID, "source_state_voided"), (GONE, "vanished")])
def test_what_never_arrived_is_left_out_and_its_dead_letter_closes(
    pipeline: Pipeline, withdrawn: Any, rule: str
) -> None:
    run(pipeline, OPEN)  # its supplier is not there
    assert pipeline.state_of(KEY) == ("parked", "supplier_missing")
    assert run(pipeline, S1, withdrawn).counts == {"received": 2, "carried_in": 1, "superseded": 1, "delivered": 1} | {
        "skipped": 1
    }
    assert pipeline.state_of(KEY) == ("skipped", rule)
    assert pipeline.server.count("invoices") == 0
    assert [letter["closed_at"] is not None for letter in pipeline.rows("dead_letters")] == [True]


def test_a_deletion_of_an_unknown_record_is_counted_and_not_stored(pipeline: Pipeline) -> None:
    assert run(pipeline, GONE).counts == {"received": 1, "skipped": 1}
    assert pipeline.rows("deliveries") == []


def test_a_lost_answer_to_a_cancellation_is_looked_up(pipeline: Pipeline) -> None:
    run(pipeline, S1, OPEN)
    sink = FakeSink(pipeline.server, lose={KEY})
    run(pipeline, VOID, sink=sink)
    assert pipeline.state_of(KEY)[0] == "delivered"
    assert pipeline.server.writes[f"{KEY}#header"] == 2
    assert row_of(pipeline)["stage"] == "canceled"


def test_voided_documents_are_delivered_where_the_guard_names_them(pipeline: Pipeline) -> None:
    guards = Guards(source_states=("open", "voided", "active"))
    pipeline.run(S1, OPEN, guards=guards, source_map=SOURCE, target_map=CANCELS)
    report = pipeline.run(VOID, guards=guards, source_map=SOURCE, target_map=CANCELS)
    assert report.counts == {"received": 1, "unchanged": 1}
    assert "stage" not in row_of(pipeline)


def test_a_record_that_is_back_is_delivered_again(pipeline: Pipeline) -> None:
    run(pipeline, S1, OPEN)
    row_of(pipeline)["stage"] = "approved"
    run(pipeline, GONE)
    assert pipeline.state_of(KEY) == ("parked", "vanished")
    report = run(pipeline, OPEN)
    assert report.counts["unchanged"] == 1
    assert pipeline.state_of(KEY) == ("delivered", None)
    assert pipeline.rows("deliveries", business_key=KEY)[0]["source_state"] == "open"
