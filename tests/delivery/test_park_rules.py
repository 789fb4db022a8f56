"""A source map may let a record wait: it is kept, shown, never sent, and goes when its source has changed."""

from __future__ import annotations

from tests.delivery.conftest import KEY, ONLY_SQLITE, S1, SOURCE_MAP, Pipeline, invoice
from tests.delivery.fake_target import FakeSink

pytestmark = ONLY_SQLITE
PARKS = SOURCE_MAP.replace(
    "  supplier_invoices:\n    __key_properties__: [number]\n",
    "  supplier_invoices:\n    __key_properties__: [number]\n    __park__: {incomplete_in_source: errorInfo}\n",
)


def test_a_record_its_source_could_not_give_whole_waits_until_it_can(pipeline: Pipeline) -> None:
    assert PARKS != SOURCE_MAP
    sink = FakeSink(pipeline.server)
    broken = ("supplier_invoices", invoice("100", errorInfo="Could not serialise"))
    report = pipeline.run(S1, broken, source_map=PARKS, sink=sink)
    assert report.counts == {"received": 2, "delivered": 1, "parked": 1}
    assert report.differences == []
    assert pipeline.state_of(KEY) == ("parked", "incomplete_in_source")
    assert [row["amount"] for row in pipeline.rows("deliveries", business_key=KEY)] == ["125.00"]
    assert {effect.business_key for effect in sink.sent} == {"erp:NO01:suppliers:S1"}
    assert pipeline.run(broken, source_map=PARKS).counts["parked"] == 1
    whole = ("supplier_invoices", invoice("100", errorInfo=None))
    assert pipeline.run(whole, source_map=PARKS).counts["delivered"] == 1
    assert all(letter["closed_at"] for letter in pipeline.rows("dead_letters"))


def test_a_delivered_record_that_comes_incomplete_is_not_overwritten(pipeline: Pipeline) -> None:
    pipeline.run(S1, ("supplier_invoices", invoice("100")), source_map=PARKS)
    broken = ("supplier_invoices", invoice("100", currency="EUR", errorInfo="Could not serialise"))
    pipeline.run(broken, source_map=PARKS)
    assert pipeline.state_of(KEY) == ("parked", "incomplete_in_source")
    (header,) = pipeline.server.tables["invoices"].values()
    assert header["currency"] == "NOK"


SKIPPING = SOURCE_MAP.replace(
    "    title: number\n", "    title: number\n    __skip__: {retracted: reference == 'retracted'}\n"
)


def test_a_delivered_record_that_a_rule_then_leaves_out_waits_for_a_person(pipeline: Pipeline) -> None:
    kept = ("supplier_invoices", invoice("1"))
    pipeline.run(S1, kept, source_map=SKIPPING)
    changed = ("supplier_invoices", invoice("1", reference="retracted"))
    for _ in range(2):
        pipeline.run(changed, source_map=SKIPPING)
        assert _state(pipeline, "1") == ("parked", "left_out_after_delivery")
    pipeline.run(source_map=SKIPPING)
    assert _state(pipeline, "1") == ("parked", "left_out_after_delivery")
    writes = sum(pipeline.server.writes.values())
    pipeline.run(kept, source_map=SKIPPING)
    assert _state(pipeline, "1")[0] in ("delivered", "unchanged")
    assert sum(pipeline.server.writes.values()) == writes, "it is as it was delivered"


def test_one_that_was_never_delivered_is_skipped_without_a_word_more(pipeline: Pipeline) -> None:
    pipeline.run(("supplier_invoices", invoice("2", reference="retracted")), source_map=SKIPPING)
    assert not pipeline.rows("deliveries")


def test_a_new_rule_leaves_what_was_delivered_where_it_is(pipeline: Pipeline) -> None:
    record = ("supplier_invoices", invoice("3", reference="retracted"))
    pipeline.run(S1, record)
    pipeline.run(record, source_map=SKIPPING)
    assert _state(pipeline, "3") == ("skipped", "retracted")


def _state(pipeline: Pipeline, number: str) -> tuple[str, str | None]:
    return pipeline.state_of(f"erp:NO01:supplier_invoices:{number}")
