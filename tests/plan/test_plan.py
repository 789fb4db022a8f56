"""A plan says what a run would do, record by record and field by field, and does nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from ml_connector.delivery.settings import Guards
from ml_connector.delivery.sink import Effect, Outcome, Sink, State
from ml_connector.errors import EnvironmentFault
from ml_connector.plan.rehearsal import ReadingSink

from tests.delivery.conftest import KEY, S1, invoice, supplier
from tests.delivery.fake_target import FakeSink
from tests.plan.conftest import Planner, record_of, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

I100 = ("supplier_invoices", invoice("100"))


def test_nothing_is_sent_and_nothing_stored(pipeline: Planner) -> None:
    pipeline.run(S1)
    before, states = pipeline.everything(), list(pipeline.states)
    flow = pipeline.plan(S1, I100, ("supplier_invoices", invoice("101", total=Decimal(1))))
    assert verdicts(flow) == {"S1": "unchanged", "100": "new", "101": "blocked"}
    assert pipeline.sinks[-1].sent == []
    assert pipeline.everything() == before
    assert pipeline.states == states
    assert pipeline.server.count("invoices") == 0


def test_a_supplier_that_is_new_in_the_plan_frees_its_invoice(pipeline: Planner) -> None:
    assert verdicts(pipeline.plan(S1, I100)) == {"S1": "new", "100": "new"}
    assert verdicts(pipeline.plan(I100, S1)) == {"S1": "new", "100": "new"}  # whichever is read first


def test_one_that_would_arrive_inactive_does_not(pipeline: Planner) -> None:
    gone = ("suppliers", supplier("S1", status="Left"))
    flow = pipeline.plan(gone, I100)
    assert verdicts(flow) == {"S1": "new", "100": "blocked"}
    assert record_of(flow, "100").reason == "supplier_inactive"
    pipeline.run(S1)
    assert verdicts(pipeline.plan(gone, I100)) == {"S1": "changed", "100": "blocked"}


def test_a_new_record_shows_its_rows(pipeline: Planner) -> None:
    record = record_of(pipeline.plan(S1, I100), "100")
    assert (record.amount, record.currency, record.company) == ("125.00", "NOK", "NO01")
    assert [(row.name, row.change, row.table) for row in record.rows] == [
        ("header", "new", "invoices"),
        ("line:1", "new", "invoice_lines"),
        ("line:2", "new", "invoice_lines"),
    ]
    assert record.rows[1].columns["account"].new == "6300"


def test_a_changed_record_shows_what_differs_and_nothing_else(pipeline: Planner) -> None:
    pipeline.run(S1, I100)
    lines = [
        {"nr": 1, "amount": Decimal("60.50"), "account": "6400"},
        {"nr": 2, "amount": Decimal("49.50"), "account": "6400"},
    ]
    record = record_of(pipeline.plan(("supplier_invoices", invoice("100", lines=lines))), "100")
    assert record.verdict == "changed"
    assert (record.amount, record.amount_before) == ("135.00", "125.00")
    shown = {row.name: {name: (cell.old, cell.new) for name, cell in row.columns.items()} for row in record.rows}
    assert shown == {
        "header": {"total": ("125.00", "135.00")},
        "line:1": {"account": ("6300", "6400")},
        "line:2": {"amount": ("39.50", "49.50")},
    }


def test_what_people_changed_in_the_target_is_shown_where_it_would_be_overwritten(pipeline: Planner) -> None:
    pipeline.run(S1, I100)
    (header,) = pipeline.server.tables["invoices"].values()
    header["currency"], header["supplier"] = "SEK", "S7"
    changed = ("supplier_invoices", invoice("100", currency="EUR"))
    (row,) = record_of(pipeline.plan(changed), "100").rows
    told = {name: (cell.old, cell.new, cell.target) for name, cell in row.columns.items()}
    assert told == {"currency": ("NOK", "EUR", "SEK")}
    pipeline.server.tables["invoices"].clear()
    (row,) = record_of(pipeline.plan(changed), "100").rows
    assert row.note == "invoices does not hold the row any more"


def test_every_question_a_sink_can_answer_reaches_the_target() -> None:
    """A method added to Sink must be thought of here: a plan that does not ask is no plan."""
    asked = {name for name in vars(Sink) if not name.startswith("_")}
    of_writing = {"ask_before_writing", "orders_phases"}
    assert asked - vars(ReadingSink).keys() == {*of_writing, "ping", "client", "reviews"}  # which __init__ takes over


def test_what_the_target_complains_of_later_is_foreseen(pipeline: Planner) -> None:
    pipeline.run(S1, I100)

    class Complaining(FakeSink):
        reviews = True

        def review(self, effects: Sequence[Effect]) -> Iterable[Outcome]:
            for effect in effects:
                if effect.business_key == KEY:
                    yield Outcome(effect, State.REFUSED, reason="integration_error", message="no such vendor site")

    before = pipeline.everything()
    flow = pipeline.plan(sink=Complaining(pipeline.server), review_after=timedelta(days=7))
    assert pipeline.everything() == before
    assert record_of(flow, "100").reason == "integration_error"


def test_a_line_that_is_gone_is_told_and_sends_nothing(pipeline: Planner) -> None:
    pipeline.run(S1, I100)
    line = [{"nr": 1, "amount": Decimal("60.50"), "account": "6300"}]
    record = record_of(pipeline.plan(("supplier_invoices", invoice("100", lines=line))), "100")
    assert ("line:2", "gone") in [(row.name, row.change) for row in record.rows]


def test_what_is_blocked_says_why_and_what_to_do(pipeline: Planner) -> None:
    lines = [{"nr": 1, "amount": Decimal(10), "account": "7777"}]
    record = record_of(pipeline.plan(S1, ("supplier_invoices", invoice("100", lines=lines))), "100")
    assert (record.verdict, record.state, record.reason, record.value) == (
        "blocked",
        "parked",
        "account_missing",
        "7777",
    )
    assert "7777" in (record.message or "")
    assert (record.suggestion or "").endswith("then run again.")
    assert record.rows == []


def test_what_waits_from_earlier_is_blocked_even_when_it_does_not_come_again(pipeline: Planner) -> None:
    pipeline.run(S1, ("supplier_invoices", invoice("100", total=Decimal(1))))
    record = record_of(pipeline.plan(S1), "100")
    assert (record.verdict, record.reason) == ("blocked", "does_not_foot")


def test_what_waited_goes_out_when_its_reference_is_there(pipeline: Planner) -> None:
    lines = [{"nr": 1, "amount": Decimal(10), "account": "7777"}]
    pipeline.run(S1, ("supplier_invoices", invoice("100", lines=lines)))
    pipeline.server.masters["accounts"].append({"source": "erp:NO01", "code": "7777", "active": "true", "id": "x"})
    assert verdicts(pipeline.plan()) == {"100": "new"}


def test_rules_and_stand_ins_are_told(pipeline: Planner) -> None:
    pipeline.server.masters["accounts"][0]["active"] = "false"
    guards = Guards(source_states=("open", "active"))
    held = ("supplier_invoices", invoice("101", status="Hold"))
    flow = pipeline.plan(S1, I100, held, guards=guards)
    assert record_of(flow, "100").defaulted == ["account:6300->9999"]
    skipped = record_of(flow, "101")
    assert (skipped.verdict, skipped.reason, skipped.amount) == ("skipped", "source_state_draft", "125.00")


def test_a_record_whose_answer_was_lost_is_looked_up_and_waits(pipeline: Planner) -> None:
    pipeline.run(S1)
    careful = {"settle_window": timedelta(hours=1)}
    pipeline.run(I100, sink=FakeSink(pipeline.server, swallow={KEY}, **careful))
    waiting = record_of(pipeline.plan(I100, sink=FakeSink(pipeline.server, **careful)), "100")
    assert (waiting.verdict, waiting.state) == ("blocked", "in_doubt")
    assert verdicts(pipeline.plan(I100)) == {"100": "new"}  # its window is over: it never arrived


def test_a_renamed_pipeline_plans_with_what_it_left_in_flight(pipeline: Planner) -> None:
    careful = {"settle_window": timedelta(hours=1)}
    pipeline.run(S1, I100, sink=FakeSink(pipeline.server, swallow={KEY}, **careful))
    pipeline.name = "renamed"
    flow = pipeline.plan(I100, sink=FakeSink(pipeline.server, **careful))
    assert record_of(flow, "100").state == "in_doubt"


def test_an_older_version_that_goes_first_is_told(pipeline: Planner) -> None:
    wrong = ("supplier_invoices", invoice("100", total=Decimal(1)))
    record = record_of(pipeline.plan(S1, I100, wrong, batch_rows=1), "100")
    assert (record.verdict, record.reason) == ("blocked", "does_not_foot")
    assert "older version" in (record.message or "")
    assert len(record.rows) == 3


def test_a_document_taken_over_in_the_target_is_blocked(pipeline: Planner) -> None:
    pipeline.run(S1, I100)
    (row,) = pipeline.server.tables["invoices"].values()
    row["stage"] = "paid"
    record = record_of(pipeline.plan(("supplier_invoices", invoice("100", currency="EUR"))), "100")
    assert (record.verdict, record.reason) == ("blocked", "frozen")


def test_bank_and_personal_identifiers_do_not_enter_a_plan(pipeline: Planner) -> None:
    account = "NO9386011117947"
    named = ("suppliers", supplier("S1", name=f"Paper AS {account}"))
    record = record_of(pipeline.plan(named), "S1")
    assert account not in str(record)
    pipeline.run(named)
    assert account not in str(record_of(pipeline.plan(("suppliers", supplier("S1", name="Paper AS"))), "S1"))


def test_a_plan_and_a_run_exclude_each_other(pipeline: Planner) -> None:
    def plan_meanwhile(_effects: object) -> None:
        with pytest.raises(EnvironmentFault, match="another process"):
            pipeline.plan(S1)

    pipeline.run(S1, sink=FakeSink(pipeline.server, before_send=plan_meanwhile))
    assert pipeline.flows == []
