"""The balance holds whatever happens, and tells each record's end truthfully (L8)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from ml_connector.delivery.settings import Guards
from ml_connector.errors import ConfigError, ConnectorError, EnvironmentFault, Unreachable
from sqlalchemy import event

from tests.delivery.conftest import KEY, S1, SOURCE_MAP, TARGET_MAP, Pipeline, invoice, supplier
from tests.delivery.fake_target import FakeSink

INVOICE = ("supplier_invoices", invoice("100"))
SKIPPING = SOURCE_MAP.replace(
    "  supplier_invoices:\n", "  supplier_invoices:\n    __skip__: {cancelled: \"status == 'Cancelled'\"}\n"
)


class LooksFail(FakeSink):
    """A target that goes away when it is asked about masters."""

    def lookup(self, *_: Any) -> Any:
        raise Unreachable("the fake target is down")


def balance_of_last_run(pipeline: Pipeline) -> tuple[str, str]:
    run = pipeline.rows("runs")[-1]
    return run["outcome"], run["balance"]


def test_a_fault_while_planning_leaves_a_balanced_run(pipeline: Pipeline) -> None:
    pipeline.run(S1)
    with pytest.raises(Unreachable):
        pipeline.run(INVOICE, INVOICE, ("supplier_invoices", invoice("101")), sink=LooksFail(pipeline.server))
    assert balance_of_last_run(pipeline) == ("stopped", "unproven")
    kinds = {row["kind"]: row["count"] for row in pipeline.rows("tallies", run_id=pipeline.rows("runs")[-1]["id"])}
    assert kinds == {"received": 3, "superseded": 1, "read_again": 2}


def test_a_fault_between_two_record_types_leaves_a_balanced_run(pipeline: Pipeline) -> None:
    with pytest.raises(Unreachable):
        pipeline.run(S1, INVOICE, sink=FakeSink(pipeline.server, down_after=0))
    assert balance_of_last_run(pipeline) == ("stopped", "unproven")


def test_a_wrong_company_in_a_batch_leaves_a_balanced_run(pipeline: Pipeline) -> None:
    with pytest.raises(ConfigError):
        pipeline.run(S1, ("suppliers", supplier("S1", "SE01")), guards=Guards(expected_companies=("NO01",)))
    assert balance_of_last_run(pipeline) == ("stopped", "unproven")


def test_a_run_that_is_closed_is_not_closed_again(pipeline: Pipeline) -> None:
    engine = pipeline.engine(FakeSink(pipeline.server))
    engine.start()
    engine.stream("suppliers", {"properties": {}}, ["_company", "number"])
    engine.record(*S1)
    engine.finish()
    engine.abort("SIGTERM came while it ended", 143)
    engine._store.close()
    (run,) = pipeline.rows("runs")
    assert (run["outcome"], run["exit_code"]) == ("finished", 0)
    assert sum(row["count"] for row in pipeline.rows("tallies", kind="delivered")) == 1


@pytest.mark.parametrize("number", range(1, 7))
def test_a_store_that_fails_once_leaves_a_whole_trail_and_a_balanced_run(pipeline: Pipeline, number: int) -> None:
    engine = pipeline.engine(FakeSink(pipeline.server))
    engine.start()
    engine.stream("suppliers", {"properties": {}}, ["_company", "number"])
    engine.record(*S1)
    seen = itertools.count(1)

    @event.listens_for(engine._store._engine, "commit")
    def _refuse(connection: Any) -> None:
        if next(seen) == number:
            connection.exec_driver_sql("SELECT * FROM nowhere")  # any fault of the database

    try:
        engine.finish()
    except ConnectorError as error:
        engine.abort(str(error), 2)
        assert balance_of_last_run(pipeline) == ("stopped", "unproven")
        engine._store.close()
        pipeline.run(S1)
    else:
        engine._store.close()
    events = pipeline.rows("events")
    assert all(after["previous_hash"] == before["hash"] for before, after in itertools.pairwise(events))
    assert max(pipeline.server.writes.values()) == 1
    assert pipeline.state_of("erp:NO01:suppliers:S1") == ("delivered", None)


def test_an_amount_that_another_map_reads_otherwise_is_balanced(pipeline: Pipeline) -> None:
    lines = [{"nr": 1, "amount": Decimal(10), "account": "7777"}]
    pipeline.run(S1, ("supplier_invoices", invoice("100", lines=lines)))
    pipeline.server.masters["accounts"].append({"source": "erp:NO01", "code": "7777", "active": "true", "id": "x"})
    turned = SOURCE_MAP.replace("-1 if type == 'credit_note' else 1", "-1")
    report = pipeline.run(source_map=turned)
    assert report.differences == []
    assert report.counts == {"carried_in": 1, "delivered": 1}
    (row,) = pipeline.rows("deliveries", business_key=KEY)
    assert row["amount"] == "-35.00"


def test_a_record_delivered_in_this_run_and_met_again_counts_as_delivered(pipeline: Pipeline) -> None:
    report = pipeline.run(S1, S1, batch_rows=1)
    assert report.counts == {"received": 2, "superseded": 1, "delivered": 1}
    assert pipeline.run(S1, S1, batch_rows=1).counts == {"received": 2, "superseded": 1, "unchanged": 1}


def test_a_record_that_waits_is_not_delivered_after_its_source_took_it_back(pipeline: Pipeline) -> None:
    lines = [{"nr": 1, "amount": Decimal(10), "account": "7777"}]
    parked = invoice("100", lines=lines)
    pipeline.run(S1, ("supplier_invoices", parked), source_map=SKIPPING)
    pipeline.run(("supplier_invoices", parked | {"status": "Cancelled"}), source_map=SKIPPING)
    assert pipeline.state_of(KEY) == ("skipped", "cancelled")
    pipeline.server.masters["accounts"].append({"source": "erp:NO01", "code": "7777", "active": "true", "id": "x"})
    assert pipeline.run(source_map=SKIPPING).differences == []
    assert pipeline.server.count("invoices") == 0


def test_a_rule_added_to_the_map_frees_what_waits(pipeline: Pipeline) -> None:
    lines = [{"nr": 1, "amount": Decimal(10), "account": "7777"}]
    pipeline.run(S1, ("supplier_invoices", invoice("100", lines=lines)))
    rule = SKIPPING.replace("status == 'Cancelled'", "net < 100")
    report = pipeline.run(source_map=rule)
    assert report.counts == {"carried_in": 1, "skipped": 1}
    assert report.differences == []


def test_a_record_type_the_map_no_longer_delivers_is_skipped(pipeline: Pipeline) -> None:
    lines = [{"nr": 1, "amount": Decimal(10), "account": "7777"}]
    pipeline.run(S1, ("supplier_invoices", invoice("100", lines=lines)))
    only_suppliers = TARGET_MAP.split("  supplier_invoices:\n    __types__")[0]
    report = pipeline.run(target_map=only_suppliers)
    assert report.counts == {"carried_in": 1, "skipped": 1}
    unreadable = ("supplier_invoices", invoice("101", date="soon"))
    assert pipeline.run(unreadable, target_map=only_suppliers).counts == {"received": 1, "skipped": 1}


def test_records_without_a_key_do_not_supersede_each_other(pipeline: Pipeline) -> None:
    nameless = [("suppliers", supplier("S1") | {"number": None, "name": name}) for name in ("one", "two")]
    report = pipeline.run(*nameless)
    assert report.counts == {"received": 2, "refused": 2}
    assert pipeline.run(*nameless).counts == {"carried_in": 2, "received": 2, "superseded": 2, "refused": 2}


def test_a_line_that_disappears_alone_is_told(pipeline: Pipeline) -> None:
    empty = {"nr": 3, "amount": Decimal(0), "account": "6300"}
    lines = invoice("100")["lines"]
    pipeline.run(S1, ("supplier_invoices", invoice("100", lines=[*lines, empty])))
    report = pipeline.run(("supplier_invoices", invoice("100", lines=lines)))
    assert report.counts == {"received": 1, "unchanged": 1}
    states = {row["name"]: row["state"] for row in pipeline.rows("effects")}
    assert states["line:3"] == "skipped"
    assert '"gone":["line:3"]' in pipeline.rows("events", business_key=KEY)[-1]["data"]


def test_a_delivered_document_keeps_its_place_when_a_duplicate_comes_before_its_change(pipeline: Pipeline) -> None:
    first, second = invoice("100", reference="A-1"), invoice("099", reference="A-1")
    pipeline.run(S1, ("supplier_invoices", first))
    pipeline.run(
        ("supplier_invoices", second), ("supplier_invoices", first | {"lines": [{**first["lines"][0]}], "touched": "x"})
    )
    assert pipeline.state_of("erp:NO01:supplier_invoices:099") == ("parked", "suspected_duplicate")
    assert pipeline.state_of(KEY)[1] != "suspected_duplicate"
    assert pipeline.server.count("invoices") == 1


def test_a_document_in_the_target_still_has_no_duplicate_after_a_rule_left_its_newer_version_out(
    pipeline: Pipeline,
) -> None:
    guards = Guards(source_states=("open", "active"), cutover_date=date(2026, 10, 1))
    pipeline.run(S1, ("supplier_invoices", invoice("100", reference="A-1")), guards=guards)
    pipeline.run(("supplier_invoices", invoice("100", reference="A-1", status="Hold")), guards=guards)
    pipeline.run(("supplier_invoices", invoice("101", reference="A-1")), guards=guards)
    assert pipeline.state_of("erp:NO01:supplier_invoices:101") == ("parked", "suspected_duplicate")


def test_two_processes_that_meet_over_one_key_send_it_once(pipeline: Pipeline) -> None:
    other = replace(pipeline, name="other", states=[])

    class Slow(FakeSink):
        def check(self, effect: Any) -> Any:
            if not self.server.writes:
                other.run(S1)  # the other process is faster between our look and our write
            return super().check(effect)

    with pytest.raises(EnvironmentFault, match="another process"):
        pipeline.run(S1, sink=Slow(pipeline.server))
    assert max(pipeline.server.writes.values()) == 1
    assert pipeline.run(S1).counts == {"received": 1, "unchanged": 1}
