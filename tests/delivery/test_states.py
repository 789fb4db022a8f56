"""Every record ends in a state that tells the truth, and a second run sends nothing twice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from ml_connector.delivery.settings import Guards
from ml_connector.errors import ConfigError, Unreachable

from tests.delivery.conftest import KEY, S1, SOURCE_MAP, TARGET_MAP, Pipeline, invoice, supplier
from tests.delivery.fake_target import FakeSink


def test_a_record_is_delivered_with_its_lines_and_not_sent_again(pipeline: Pipeline) -> None:
    first = pipeline.run(S1, ("supplier_invoices", invoice("100")))
    assert first.counts == {"received": 2, "delivered": 2}
    assert pipeline.server.count("invoices") == 1
    assert pipeline.server.count("invoice_lines") == 2
    second_sink = FakeSink(pipeline.server)
    second = pipeline.run(S1, ("supplier_invoices", invoice("100")), sink=second_sink)
    assert second.counts == {"received": 2, "unchanged": 2}
    assert second_sink.sent == []


def test_only_the_changed_line_is_sent(pipeline: Pipeline) -> None:
    pipeline.run(S1, ("supplier_invoices", invoice("100")))
    changed = invoice("100")
    changed["lines"][1] = {"nr": 2, "amount": Decimal("39.50"), "account": "6300"}
    sink = FakeSink(pipeline.server)
    pipeline.run(("supplier_invoices", changed), sink=sink)
    assert [effect.name for effect in sink.sent] == ["line:2"]


def test_a_new_modification_stamp_alone_sends_nothing(pipeline: Pipeline) -> None:
    pipeline.run(S1, ("supplier_invoices", invoice("100")))
    sink = FakeSink(pipeline.server)
    report = pipeline.run(("supplier_invoices", invoice("100", touched="yes")), sink=sink)
    assert report.counts == {"received": 1, "unchanged": 1}
    assert sink.sent == []


def test_columns_created_only_are_not_written_again(pipeline: Pipeline) -> None:
    pipeline.run(S1, ("supplier_invoices", invoice("100")))
    sink = FakeSink(pipeline.server)
    pipeline.run(("supplier_invoices", invoice("100", currency="EUR")), sink=sink)
    (header,) = sink.sent
    assert "opened_by" not in header.payload
    assert header.payload["currency"] == "EUR"
    assert header.target_id


def test_an_unknown_account_parks_before_any_write_and_is_delivered_when_it_appears(pipeline: Pipeline) -> None:
    lines = [{"nr": 1, "amount": Decimal(10), "account": "7777"}]
    report = pipeline.run(S1, ("supplier_invoices", invoice("100", lines=lines)))
    assert report.counts == {"received": 2, "delivered": 1, "parked": 1}
    assert pipeline.state_of(KEY) == ("parked", "account_missing")
    assert pipeline.server.count("invoices") == 0
    pipeline.server.masters["accounts"].append({"source": "erp:NO01", "code": "7777", "active": "true", "id": "x"})
    again = pipeline.run()
    assert again.counts == {"carried_in": 1, "delivered": 1}
    assert pipeline.server.count("invoices") == 1
    assert all(letter["closed_at"] for letter in pipeline.rows("dead_letters"))


def test_an_inactive_account_is_replaced_by_the_default_and_flagged(pipeline: Pipeline) -> None:
    pipeline.server.masters["accounts"][0]["active"] = "false"  # 6300 of NO01
    pipeline.run(S1, ("supplier_invoices", invoice("100")))
    (row,) = pipeline.rows("deliveries", business_key=KEY)
    assert row["state"] == "delivered"
    assert row["defaulted"] == '["account:6300->9999"]'


def test_a_reference_the_map_may_omit_is_left_out_and_flagged_unless_it_is_on_its_way(pipeline: Pipeline) -> None:
    credit = ("supplier_invoices", invoice("200", original="100", lines=[], net=Decimal(0), total=Decimal(25)))
    pipeline.run(S1, credit)
    (row,) = pipeline.rows("deliveries", business_key="erp:NO01:supplier_invoices:200")
    assert (row["state"], row["defaulted"]) == ("delivered", '["original:100->"]')
    other = ("supplier_invoices", invoice("201", original="100", lines=[], net=Decimal(0), total=Decimal(25)))
    pipeline.run(("supplier_invoices", invoice("100")), other, sink=FakeSink(pipeline.server, fail={KEY}))
    assert pipeline.state_of("erp:NO01:supplier_invoices:201") == ("parked", "original_missing")
    pipeline.run(("supplier_invoices", invoice("100")), resend=True)
    (row,) = pipeline.rows("deliveries", business_key="erp:NO01:supplier_invoices:201")
    assert (row["state"], row["defaulted"]) == ("delivered", None)


def test_a_supplier_that_comes_later_in_the_run_frees_its_invoice(pipeline: Pipeline) -> None:
    report = pipeline.run(("supplier_invoices", invoice("100")), S1)
    assert report.counts == {"received": 2, "delivered": 2}


def test_the_same_number_in_two_companies_is_two_records(pipeline: Pipeline) -> None:
    records = [S1, ("suppliers", supplier("S1", "SE01"))]
    records += [("supplier_invoices", invoice("100", company)) for company in ("NO01", "SE01")]
    assert pipeline.run(*records).counts == {"received": 4, "delivered": 4}
    assert pipeline.server.count("invoices") == 2


def test_a_suspected_duplicate_parks_and_the_first_is_delivered(pipeline: Pipeline) -> None:
    first, second = invoice("100", reference="A-1"), invoice("101", reference="a1")
    report = pipeline.run(S1, ("supplier_invoices", first), ("supplier_invoices", second))
    assert report.counts == {"received": 3, "delivered": 2, "parked": 1}
    assert pipeline.state_of("erp:NO01:supplier_invoices:101") == ("parked", "suspected_duplicate")
    later = pipeline.run(("supplier_invoices", invoice("102", reference="A 1")))
    assert later.counts["parked"] == 2


def test_a_document_that_does_not_foot_is_refused_and_stays_so_until_it_changes(pipeline: Pipeline) -> None:
    wrong = invoice("100", total=Decimal(1))
    for _ in range(2):
        report = pipeline.run(S1, ("supplier_invoices", wrong))
        assert report.counts["refused"] == 1
        assert pipeline.state_of(KEY) == ("refused", "does_not_foot")
    assert pipeline.run(("supplier_invoices", invoice("100"))).counts == {
        "received": 1, "carried_in": 1, "superseded": 1, "delivered": 1,
    }  # fmt: skip


def test_a_refused_record_is_tried_again_on_replay_and_when_the_map_changes(pipeline: Pipeline) -> None:
    sink = FakeSink(pipeline.server, refuse={KEY: "bad_reference"})
    assert pipeline.run(S1, ("supplier_invoices", invoice("100")), sink=sink).exit_code == 4
    sent = FakeSink(pipeline.server)
    assert pipeline.run(("supplier_invoices", invoice("100")), sink=sent).counts["refused"] == 1
    assert sent.sent == []
    changed = TARGET_MAP + "# another version\n"
    assert pipeline.run(target_map=changed).counts == {"carried_in": 1, "delivered": 1}
    again = FakeSink(pipeline.server, refuse={KEY: "bad_reference"})
    pipeline.run(("supplier_invoices", invoice("100", currency="EUR")), sink=again)
    replayed = pipeline.run(("supplier_invoices", invoice("100", currency="EUR")), replay=True)
    assert replayed.counts["delivered"] == 1


def test_a_failed_record_is_retried_with_growing_pauses_until_it_needs_a_person(pipeline: Pipeline) -> None:
    failing = FakeSink(pipeline.server, fail={KEY})
    pipeline.run(S1, ("supplier_invoices", invoice("100")), sink=failing)
    assert pipeline.rows("deliveries", business_key=KEY)[0]["attempts"] == 2  # its run, and the end of its run
    before = len(failing.sent)
    pipeline.run(("supplier_invoices", invoice("100")), sink=failing)
    assert len(failing.sent) == before  # not before its pause is over
    assert pipeline.run(("supplier_invoices", invoice("100")), resend=True).counts["delivered"] == 1


def test_a_change_to_a_document_people_took_over_is_parked(pipeline: Pipeline) -> None:
    pipeline.run(S1, ("supplier_invoices", invoice("100")))
    (row,) = pipeline.server.tables["invoices"].values()
    row["stage"] = "approved"
    pipeline.run(("supplier_invoices", invoice("100", currency="EUR")))
    assert pipeline.state_of(KEY) == ("parked", "frozen")
    row["stage"] = "draft"
    assert pipeline.run().counts == {"carried_in": 1, "delivered": 1}


def test_a_line_that_disappears_is_told_and_not_silently_kept(pipeline: Pipeline) -> None:
    pipeline.run(S1, ("supplier_invoices", invoice("100")))
    fewer = invoice("100", lines=[{"nr": 1, "amount": Decimal(100), "account": "6300"}])
    pipeline.run(("supplier_invoices", fewer))
    states = {row["name"]: (row["state"], row["reason"]) for row in pipeline.rows("effects")}
    assert states["line:2"] == ("skipped", "row_gone")
    assert '"gone":["line:2"]' in pipeline.rows("events", business_key=KEY)[-1]["data"]


def test_rules_leave_out_by_name_and_are_counted_with_their_amounts(pipeline: Pipeline) -> None:
    guards = Guards(cutover_date=date(2026, 10, 1), source_states=("open", "active"))
    old, draft = invoice("90", date="2026-09-30"), invoice("91", status="Hold")
    report = pipeline.run(S1, ("supplier_invoices", old), ("supplier_invoices", draft), guards=guards)
    assert report.counts == {"received": 3, "delivered": 1, "skipped": 2}
    skipped = {row["reason"]: row["amount"] for row in pipeline.rows("tallies", kind="skipped")}
    assert skipped == {"before_cutover": "125.00", "source_state_draft": "125.00"}


def test_a_type_no_map_names_parks_and_is_never_passed_off_as_an_invoice(pipeline: Pipeline) -> None:
    pipeline.run(S1, ("supplier_invoices", invoice("100", type="quick_check")))
    assert pipeline.state_of(KEY) == ("parked", "unmapped_type")


def test_a_row_too_long_for_the_target_is_refused_before_any_of_it_is_written(pipeline: Pipeline) -> None:
    sink = FakeSink(pipeline.server, too_long={KEY})
    pipeline.run(S1, ("supplier_invoices", invoice("100")), sink=sink)
    assert pipeline.state_of(KEY) == ("refused", "too_long")
    assert pipeline.server.count("invoices") == 0


def test_a_record_the_map_cannot_read_has_a_key_and_an_outcome(pipeline: Pipeline) -> None:
    report = pipeline.run(S1, ("supplier_invoices", invoice("100", date="soon")))
    assert report.counts == {"received": 2, "delivered": 1, "refused": 1}
    assert pipeline.state_of(KEY)[0] == "refused"


def test_re_pointing_to_another_instance_sends_again_and_renaming_does_not(pipeline: Pipeline) -> None:
    pipeline.run(S1)
    pipeline.name = "renamed"
    assert pipeline.run(S1).counts == {"received": 1, "unchanged": 1}
    assert pipeline.run(S1, sink=FakeSink(pipeline.server, name="fake-2")).counts == {"received": 1, "delivered": 1}


def test_two_versions_in_one_run_count_the_older_as_superseded(pipeline: Pipeline) -> None:
    report = pipeline.run(
        S1, ("supplier_invoices", invoice("100")), ("supplier_invoices", invoice("100", currency="EUR"))
    )
    assert report.counts == {"received": 3, "delivered": 2, "superseded": 1}
    assert report.differences == []
    assert pipeline.server.writes[f"{KEY}#header"] == 1


@pytest.mark.parametrize(
    ("guards", "words"),
    [
        (Guards(expected_companies=("SE01",)), "expected_company"),
        (Guards(expected_instance="other"), "expected_instance"),
        (Guards(max_records=1), "max_records"),
    ],
)
def test_guards_stop_with_a_word_and_nothing_of_it_written(pipeline: Pipeline, guards: Guards, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        pipeline.run(S1, ("suppliers", supplier("S2")), guards=guards)
    assert pipeline.server.count("suppliers") == 0
    assert pipeline.states == []


def test_a_target_that_goes_down_stops_the_run_and_nothing_is_lost(pipeline: Pipeline) -> None:
    sink = FakeSink(pipeline.server, down_after=2)
    records = [S1, *(("supplier_invoices", invoice(str(n))) for n in range(100, 105))]
    with pytest.raises(Unreachable):
        pipeline.run(*records, sink=sink)
    (run,) = pipeline.rows("runs")
    assert run["outcome"] == "stopped"
    assert pipeline.run(*records).differences == []
    assert pipeline.server.count("invoices") == 5
    assert pipeline.server.count("invoice_lines") == 10
    assert max(pipeline.server.writes.values()) == 1


def test_a_changed_source_map_sends_what_it_changes(pipeline: Pipeline) -> None:
    pipeline.run(S1)
    changed = SOURCE_MAP.replace("name: name", "name: upper(name)")
    assert pipeline.run(S1, source_map=changed).counts == {"received": 1, "delivered": 1}
