"""Where and when a record was read travels beside it, and readers that do not know of it pass it by."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.work import UNKNOWN, Origin
from singer_sdk.singerlib.encoding.simple import SimpleSingerReader

from tests.delivery.conftest import STREAMS, Pipeline, invoice, supplier
from tests.delivery.fake_target import FakeSink

if TYPE_CHECKING:
    from pathlib import Path

PAGE = Origin("/v1/supplierInvoice page 3", "2026-11-21T07:00:00.000+00:00")
KEY = "erp:NO01:supplier_invoices:100"


def test_the_sdk_reads_a_message_with_an_origin() -> None:
    line = {"type": "RECORD", "stream": "s", "record": {"a": 1}, "time_extracted": "t", "origin": "/v1/s page 3"}
    got: list[dict[str, Any]] = []
    SimpleSingerReader().process_lines(io.StringIO(json.dumps(line) + "\n"), {"RECORD": got.append})
    assert got == [line]


def test_a_foreign_tap_that_means_something_else_by_our_name_does_no_harm() -> None:
    assert Origin.of_message({"origin": {"city": "Oslo"}, "time_extracted": 7}) == UNKNOWN
    assert Origin.of_message({}) == UNKNOWN


def feed(pipeline: Pipeline, *records: tuple[str, dict[str, Any]], origin: Origin = PAGE) -> None:
    engine = pipeline.engine(FakeSink(pipeline.server))
    engine.start()
    for stream, keys in STREAMS.items():
        engine.stream(stream, {"properties": {}}, keys)
    for stream, record in records:
        engine.record(stream, record, origin=origin)
    engine.finish()


def test_the_store_knows_where_a_record_was_read(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    feed(pipeline, ("supplier_invoices", invoice("100")))
    (delivery,) = pipeline.rows("deliveries")
    (letter,) = pipeline.rows("dead_letters")
    (event,) = pipeline.rows("events", business_key=KEY)
    assert delivery["state"] == "parked"
    told = json.loads(event["data"])
    for row in (delivery, letter, told):
        assert (row["origin"], row["extracted_at"]) == PAGE


def test_a_record_tried_again_from_its_dead_letter_keeps_its_origin(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    feed(pipeline, ("supplier_invoices", invoice("100", lines=[])))
    later = Origin("/v1/supplier page 1", "2026-11-22T07:00:00.000+00:00")
    feed(pipeline, ("suppliers", supplier("S1")), origin=later)
    events = pipeline.rows("events", business_key=KEY)
    assert [event["kind"] for event in events] == ["parked", "delivered"]
    assert json.loads(events[1]["data"])["origin"] == PAGE.place
    assert pipeline.rows("deliveries", business_key=KEY)[0]["origin"] == PAGE.place


def test_a_row_keeps_its_answers_status_and_time(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    feed(pipeline, ("suppliers", supplier("S1")))
    (effect,) = pipeline.rows("effects")
    assert effect["state"] == "delivered"
    assert effect["settled_at"] >= effect["sent_at"]
