"""Attacks on the books of bulk runs: kills, faults, takeovers, forgeries, secrets, and sheer numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ml_connector.audit.check import check_export
from ml_connector.audit.export import export
from ml_connector.audit.purge import purge
from ml_connector.bulk import refusals, waiting
from ml_connector.bulk.books import BulkBooks
from ml_connector.bulk.keys import BusinessKeys, source_system
from ml_connector.bulk.load import BulkSettings, is_bulk
from ml_connector.delivery.sink import Identity
from ml_connector.errors import EnvironmentFault
from ml_connector.store import open_store
from ml_connector.store.fence import Fence
from ml_connector.store.text import stamp, utc_now
from sqlalchemy import event

from tests.bulk.conftest import COMPANY, KEY, NOK, STREAM, House, Killed, Pipeline, load, record, refusal

SECRETS = {
    "bankAccount": "97101212345",
    "contact": {"email": "kari.nordmann@example.no"},
    "note": "pay NO93 8601 1117 947 now",
    "description": "Konfidensiell avtale med Nordmann",
}


NEW = refusal(record("300"))


# kills and faults


def refuse(books: House) -> None:
    books.receive()
    books.refuse([refusal(record())])


def bring(books: House) -> None:
    books.receive()
    books.bring("b2", delivered=1, arrived=[KEY])


@pytest.mark.parametrize("steps", [[], [refuse], [refuse, bring], [bring], [bring, refuse]])
def test_a_run_killed_anywhere_leaves_books_that_the_next_one_balances(
    pipeline: Pipeline, steps: list[Callable[[House], None]]
) -> None:
    with pipeline.books() as books:
        books.receive(2)
        books.refuse([refusal(record()), refusal(record("200"))])
    with pipeline.books() as books:
        for step in steps:
            step(books)
        raise Killed
    assert pipeline.findings() == []
    open_ = {row["business_key"] for row in pipeline.rows("dead_letters", closed_at=None)}
    with pipeline.books() as books:  # STATE did not pass: what the killed run had read comes again
        assert books.waiting(STREAM) == open_
        books.receive()
        books.bring("b3", unchanged=1, arrived=[KEY])
    assert pipeline.reports[-1].differences == []
    assert pipeline.counts["carried_in"] == len(open_)
    assert [row["business_key"] for row in pipeline.rows("dead_letters", closed_at=None)] == [KEY.replace("100", "200")]
    assert pipeline.findings() == []


@pytest.mark.parametrize(
    ("place", "name"),
    [(refusals.deadletters, "open_letters"), (refusals, "news"), (waiting, "close_letters")],
)
def test_a_fault_inside_a_step_undoes_all_of_it(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, place: Any, name: str
) -> None:
    with pipeline.books() as books:
        books.receive()
        books.refuse([refusal(record())])
    before = [pipeline.rows(table) for table in ("dead_letters", "shapes")]

    def fail(*_: Any) -> None:
        raise EnvironmentFault("the disk is full")

    with pipeline.books() as books:
        books.receive(3)
        monkeypatch.setattr(place, name, fail)
        step = books.bring if place is waiting else books.refuse
        given = {"batch": "b", "delivered": 1, "arrived": [KEY]} if place is waiting else {"refusals": [NEW]}
        with pytest.raises(EnvironmentFault):
            step(**given)
        monkeypatch.undo()
        assert books.waiting(STREAM) >= {KEY}
        books.abort("the disk is full", 3)
    assert [pipeline.rows(table) for table in ("dead_letters", "shapes")] == before
    assert pipeline.rows("events", kind="batch_loaded") == []
    assert pipeline.findings() == []
    counts = {row["kind"]: row["count"] for row in pipeline.rows("tallies", run_id=pipeline.rows("runs")[-1]["id"])}
    assert counts["received"] + counts["carried_in"] == sum(
        count for kind, count in counts.items() if kind not in ("received", "carried_in")
    )


def test_a_process_whose_pipeline_was_taken_writes_nothing_more(pipeline: Pipeline) -> None:
    with pipeline.books() as books:
        books.prove()
        books.receive(2)
        other = open_store(pipeline.url)
        with other.transaction() as connection:
            Fence.take(connection, pipeline.name, "another machine")
        other.close()
        for step in (
            books.prove,
            lambda: books.bring("b", delivered=1),
            lambda: books.refuse([refusal(record())]),
            lambda: books.abort("", 3),
        ):
            with pytest.raises(EnvironmentFault, match="taken over"):
                step()
    assert [row["kind"] for row in pipeline.rows("events")] == ["run_started"]
    assert pipeline.rows("deliveries") == []


def test_one_process_at_a_time_has_the_books(pipeline: Pipeline) -> None:
    with pipeline.books():
        store = open_store(pipeline.url)
        with pytest.raises(EnvironmentFault, match="another process"):
            BulkBooks.open(
                store=store,
                store_url=pipeline.url,
                settings=BulkSettings(pipeline.name),
                identity=Identity("x", "x"),
            )
        store.close()
    assert len(pipeline.rows("runs")) == 1


def test_books_that_cannot_be_opened_hold_nothing(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise EnvironmentFault("down")

    with monkeypatch.context() as patch:
        patch.setattr("ml_connector.delivery.ends.begin", fail)
        with pytest.raises(EnvironmentFault, match="down"), pipeline.books():
            pass
    with pipeline.books():
        pass
    assert pipeline.counts == {}


# the trail


def test_a_batch_is_one_event_of_ids_counts_and_keys(pipeline: Pipeline) -> None:
    with pipeline.books() as books:
        books.receive(3)
        books.bring("batch-1", delivered=2, unchanged=1)
    (told,) = pipeline.rows("events", kind="batch_loaded")
    assert told["business_key"] == "batch-1"
    assert json.loads(told["data"]) == {
        "stream": STREAM,
        "table": "SUPPLIER_INVOICES",
        "staged": 3,
        "new": 2,
        "changed": 0,
        "unchanged": 1,
        "superseded": 0,
        "deleted": 0,
        "arrived": 0,
        "first_key": "100",
        "last_key": "199",
        "files": 1,
        "bytes": 4711,
        "query_ids": {"copy": "01b2-0001", "insert": "01b2-0002"},
    }


def test_a_batch_has_no_other_outcomes(local: Pipeline) -> None:
    with local.books() as books, pytest.raises(ValueError, match="no outcome refused"):
        books.bring("b", sums=[("refused", COMPANY, NOK, 1, Decimal(1))])
    assert local.rows("events", kind="batch_loaded") == []


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE events SET data = replace(data, '\"new\":2', '\"new\":3') WHERE kind = 'batch_loaded'",
        "DELETE FROM events WHERE kind = 'batch_loaded'",
        "UPDATE events SET business_key = 'batch-2' WHERE kind = 'batch_loaded'",
        "UPDATE tallies SET count = count + 1 WHERE kind = 'delivered'",
        "UPDATE deliveries SET state = 'delivered' WHERE state = 'refused'",
        "UPDATE deliveries SET amount = '1250'",
        "DELETE FROM deliveries",
        "UPDATE runs SET balance = 'in_balance'",
    ],
)
def test_a_forgery_of_the_books_is_found(pipeline: Pipeline, forgery: str) -> None:
    with pipeline.books() as books:
        books.receive(3)
        books.bring("batch-1", delivered=2)
        books.refuse([refusal(record())])
    assert pipeline.findings() == []
    store = open_store(pipeline.url)
    with store.transaction() as connection:
        assert connection.exec_driver_sql(forgery).rowcount > 0
    store.close()
    assert pipeline.findings() != []


def test_exported_books_verify_and_purged_ones_too(pipeline: Pipeline, tmp_path: Path) -> None:
    with pipeline.books() as books:
        books.receive(2)
        books.bring("batch-1", delivered=1)
        books.refuse([refusal(record())])
    with pipeline.books() as books:
        books.receive()
        books.bring("batch-2", delivered=1, arrived=[KEY])
    store = open_store(pipeline.url)
    done = purge(store, pipeline.url, stamp(utc_now() + timedelta(days=1)), "retention")
    assert (done.records, done.events) == (1, 1)
    head = export(store, pipeline.url, tmp_path / "trail.jsonl")
    store.close()
    assert check_export(tmp_path / "trail.jsonl", head).valid
    assert pipeline.findings() == []
    assert pipeline.rows("dead_letters")[0]["record"] == "{}"
    assert all(row["data"] for row in pipeline.rows("events", kind="batch_loaded"))


def test_no_value_of_a_record_is_in_the_books_but_in_its_dead_letter(pipeline: Pipeline) -> None:
    raw = record(**SECRETS)
    said = f"cannot read {raw['bankAccount']}: {raw['note']}"
    told = {"message": said, "field": "bankAccount", "value": raw["bankAccount"], "title": "100 NO9386011117947"}
    with pipeline.books() as books:
        books.receive()
        books.refuse([refusal(raw, **told)])
    books_text = "".join(
        str(row) for table in ("runs", "deliveries", "events", "tallies") for row in pipeline.rows(table)
    )
    for private in ("97101212345", "kari.nordmann", "NO93", "Konfidensiell"):
        assert private not in books_text
    (letter,) = pipeline.rows("dead_letters")
    assert "97101212345" not in letter["record"]
    assert "kari" not in letter["record"]
    assert "Konfidensiell" in letter["record"]
    assert "12.50" in letter["record"]


def test_a_value_beside_a_reason_is_cut(local: Pipeline) -> None:
    with local.books() as books:
        books.receive()
        books.refuse([refusal(record(), value="x" * 20_000_000)])
    assert len(local.rows("deliveries")[0]["value"]) == 501


# keys


@pytest.mark.parametrize(
    ("keys", "raw", "expected"),
    [
        (
            ["_company", "type", "number"],
            {"_company": "NO01", "type": "Invoice", "number": 7},
            "visma:NO01:s:Invoice/7",
        ),
        (["id"], {"id": Decimal("1.50")}, "visma::s:1.50"),
        (["a", "b"], {"a": "x/y", "b": "z%"}, "visma::s:x%2Fy//z%25"),
        (["id"], {"id": "half \ud83d nul \0", "_company": "N\0"}, "visma:N\ufffd:s:half \ufffd nul \ufffd"),
    ],
)
def test_a_business_key_is_the_engines(keys: list[str], raw: dict[str, Any], expected: str) -> None:
    assert BusinessKeys("s", keys, "visma").of(raw) == expected


@pytest.mark.parametrize("keys", [[], ["_company"], ["id", "other"]])
def test_a_record_without_key_is_told_by_its_hash(keys: list[str]) -> None:
    made = BusinessKeys("s", keys, "visma")
    one, same, other = made.of({"id": 1, "x": 2}), made.of({"x": 2, "id": 1}), made.of({"id": 1, "x": 3})
    assert one == same
    assert one.startswith("visma::s:without key ")
    assert one != other


@pytest.mark.parametrize(
    ("namespace", "system"),
    [("tap_visma", "visma"), ("tap_acumatica", "acumatica"), ("visma", "visma"), ("", "singer"), ("tap_", "singer")],
)
def test_the_source_system_is_the_taps(monkeypatch: pytest.MonkeyPatch, namespace: str, system: str) -> None:
    monkeypatch.setenv("MELTANO_EXTRACTOR_NAMESPACE", namespace)
    assert source_system() == system
    monkeypatch.delenv("MELTANO_EXTRACTOR_NAMESPACE")
    assert source_system() == "singer"


def test_odd_keys_find_their_letters_again(pipeline: Pipeline) -> None:
    odd = [record("nul \0"), record("half \ud83d"), record(None), record("a'b"), record("æøå/100")]
    with pipeline.books() as books:
        books.receive(len(odd))
        books.refuse([refusal(each) for each in odd])
    keys = BusinessKeys(STREAM, ["_company", "number"], "visma")
    with pipeline.books() as books:
        assert books.waiting(STREAM) == {keys.of(each) for each in odd}
        books.receive(len(odd))
        books.bring("b", delivered=len(odd), arrived=books.waiting(STREAM))
    assert pipeline.reports[-1].differences == []
    assert pipeline.rows("dead_letters", closed_at=None) == []


# numbers


def test_five_hundred_batches_cost_an_event_each(local: Pipeline) -> None:
    statements: list[int] = []
    with local.books() as books:
        engine = books._run.store._engine
        count = [0]

        @event.listens_for(engine, "before_cursor_execute")
        def _count(*_: Any) -> None:
            count[0] += 1

        for number in range(500):
            count[0] = 0
            books.receive(4000)
            books.bring(f"b{number}", delivered=4000)
            statements.append(count[0])
        assert len(books._run.tally.lines) == 2
    assert max(statements[1:]) == min(statements[1:]) <= 8
    assert local.counts == {"received": 2_000_000, "delivered": 2_000_000}
    assert local.rows("deliveries") == []
    assert len(local.rows("tallies")) == 2
    assert len(local.rows("events")) == 502
    assert local.findings() == []


def test_many_refusals_and_arrivals_at_once(pipeline: Pipeline) -> None:
    raws = [record(str(number)) for number in range(12_000)]
    keys = BusinessKeys(STREAM, ["_company", "number"], "visma")
    with pipeline.books() as books:
        books.receive(len(raws))
        books.refuse([refusal(each) for each in raws])
    with pipeline.books() as books:
        books.receive(len(raws))
        books.loaded(load("b", delivered=len(raws), arrived={keys.of(each) for each in raws}))
    assert pipeline.counts == {"carried_in": 12_000, "received": 12_000, "delivered": 12_000, "superseded": 12_000}
    assert pipeline.reports[-1].differences == []


def test_a_label_says_that_nothing_was_mapped() -> None:
    for label, kept in {"": "bulk", "bulk": "bulk", "upsert": "bulk upsert", "bulk upsert": "bulk upsert"}.items():
        assert BulkSettings("p", label).as_engine().mapping == kept
        assert is_bulk(kept)
    assert not is_bulk("tap_visma servicenow-s2p")
    assert not is_bulk(None)
