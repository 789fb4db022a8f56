"""References are proven by what the target has now, not by what it had when the run began (L4)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.delivery.conftest import KEY, S1, TARGET_MAP, Pipeline, invoice, supplier
from tests.delivery.fake_target import FakeSink

REFUSING = TARGET_MAP.replace("missing: omit", "missing: refuse")


def credit(number: str, original: str) -> tuple[str, dict[str, object]]:
    return ("supplier_invoices", invoice(number, original=original, lines=[], net=Decimal(0), total=Decimal(25)))


def test_a_reference_on_its_way_waits_even_where_a_missing_one_refuses(pipeline: Pipeline) -> None:
    report = pipeline.run(S1, credit("200", "100"), ("supplier_invoices", invoice("100")), target_map=REFUSING)
    assert report.counts == {"received": 3, "delivered": 3}


def test_a_record_that_refers_to_itself_does_not_wait_for_itself(pipeline: Pipeline) -> None:
    assert pipeline.run(S1, credit("200", "200")).counts == {"received": 2, "delivered": 2}


def test_a_master_switched_off_or_on_in_this_run_counts_as_it_is_now(pipeline: Pipeline) -> None:
    pipeline.run(("suppliers", supplier("S1", status="Closed")))
    report = pipeline.run(("supplier_invoices", invoice("100")), S1, batch_rows=1)
    assert report.counts["delivered"] == 2
    off = ("suppliers", supplier("S1", status="Closed"))
    pipeline.run(("supplier_invoices", invoice("101")), off, ("supplier_invoices", invoice("102")), batch_rows=1)
    assert pipeline.state_of("erp:NO01:supplier_invoices:102") == ("parked", "supplier_inactive")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_batch_that_ends_where_its_record_type_ends_hides_nothing(pipeline: Pipeline, asynchronous: bool) -> None:
    refusing = TARGET_MAP.replace("missing: park\n    inactive: park", "missing: refuse\n    inactive: refuse")
    pipeline.run(("supplier_invoices", invoice("99")), target_map=refusing)
    sink = FakeSink(pipeline.server, asynchronous=asynchronous)
    messages = [("suppliers", supplier("S2")), S1, ("supplier_invoices", invoice("100"))]
    assert pipeline.run(*messages, sink=sink, target_map=refusing, batch_rows=2).counts["delivered"] == 3


def test_records_of_two_types_taking_turns_are_sent_in_whole_batches(pipeline: Pipeline) -> None:
    sink = FakeSink(pipeline.server)
    calls = []
    sink.before_send = lambda effects: calls.append(len(effects))
    messages = [
        message
        for n in range(20)
        for message in (("suppliers", supplier(f"S{n}")), ("supplier_invoices", invoice(str(n))))
    ]
    assert pipeline.run(*messages, sink=sink).counts == {"received": 40, "delivered": 40}
    assert calls == [20, 20, 40]


def test_a_second_choice_in_an_expression_is_proven_too(pipeline: Pipeline) -> None:
    either = TARGET_MAP.replace(
        "original: dimension('original', original_document, company, document_date)",
        "original: dimension('original', original_document, company, document_date) or "
        "dimension('original', supplier_invoice_number, company, document_date)",
    )
    pipeline.run(S1, ("supplier_invoices", invoice("100")))
    message = ("supplier_invoices", invoice("200", original="404", reference="100"))
    pipeline.run(message, target_map=either)
    (row,) = (row for row in pipeline.server.tables["invoices"].values() if row["key"] == "200")
    assert row["original"] == "100"


def test_a_document_people_took_over_half_delivered_is_not_changed(pipeline: Pipeline) -> None:
    class HalfRefused(FakeSink):
        def _one(self, effect):
            self.refuse = {KEY: "bad"} if effect.name == "line:2" else {}
            return super()._one(effect)

    pipeline.run(S1, ("supplier_invoices", invoice("100")), sink=HalfRefused(pipeline.server))
    assert pipeline.state_of(KEY)[0] == "refused"
    (header,) = pipeline.server.tables["invoices"].values()
    header["stage"] = "approved"
    pipeline.run(("supplier_invoices", invoice("100", currency="EUR")))
    assert pipeline.state_of(KEY) == ("parked", "frozen")
