"""Verification on stores that real runs wrote; prove/p08_tampering.py attacks it at length."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from ml_connector.audit.check import check_store
from ml_connector.audit.spans import Spans
from ml_connector.cli.commands import cli
from ml_connector.delivery.sink import State
from ml_connector.store import open_store

from tests.audit.test_origin import feed
from tests.delivery.conftest import S1, Pipeline, invoice, supplier
from tests.delivery.fake_target import FakeSink, Killed

if TYPE_CHECKING:
    from pathlib import Path

    from ml_connector.audit.findings import Report

KEY = "erp:NO01:supplier_invoices:100"
OPEN = ("supplier_invoices", invoice("100"))  # its accounts are not in the target: it stays parked
BARE = ("supplier_invoices", invoice("101", lines=[]))


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    ready = Pipeline(tmp_path)
    ready.run(S1, OPEN, BARE)
    Pipeline(tmp_path, ready.server, name="other").run(("suppliers", supplier("S2")))
    return ready


def report(pipeline: Pipeline) -> Report:
    store = open_store(pipeline.url)
    with store.reading() as connection:
        found = check_store(connection)
    store.close()
    return found


def sql(pipeline: Pipeline, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(pipeline.folder / "store.db")) as connection:
        assert connection.execute(statement, values).rowcount > 0
        connection.commit()


def call(pipeline: Pipeline, *words: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--store", pipeline.url], catch_exceptions=False)


def answer(pipeline: Pipeline, *words: str) -> Any:
    return json.loads(call(pipeline, *words, "--json").stdout)


def test_what_nobody_touched_is_valid(pipeline: Pipeline) -> None:
    found = report(pipeline)
    assert found.findings == []
    assert (found.runs, found.deliveries) == (2, 4)
    assert found.events == 8
    assert sorted(found.heads) == ["other", "test"]


def test_a_run_that_was_killed_is_valid_now_and_after_the_next_one(pipeline: Pipeline) -> None:
    class Killing(FakeSink):
        def send(self, effects: Any) -> Any:
            list(super().send(effects))
            raise Killed

    with suppress(Killed):
        pipeline.run(("supplier_invoices", invoice("102", lines=[])), sink=Killing(pipeline.server))
    assert report(pipeline).findings == []
    pipeline.run()
    assert report(pipeline).findings == []


def test_an_amount_that_was_edited_is_named_with_its_place(pipeline: Pipeline) -> None:
    sql(pipeline, "UPDATE deliveries SET amount = '1.00' WHERE business_key = ?", KEY)
    done = call(pipeline, "audit", "verify")
    assert done.exit_code == 5
    assert "✗ The trail is not as it was written: 1 finding" in done.stdout
    (finding,) = answer(pipeline, "audit", "verify")["findings"]
    assert finding["business_key"] == KEY
    assert "amount" in finding["words"]


def test_the_newest_run_of_a_pipeline_is_missed_by_another(pipeline: Pipeline) -> None:
    (run,) = pipeline.rows("runs", pipeline="test")
    for table, column in (("events", "run_id"), ("tallies", "run_id"), ("runs", "id")):
        sql(pipeline, f"DELETE FROM {table} WHERE {column} = ?", run["id"])
    words = [finding.words for finding in report(pipeline).findings]
    assert any("of other saw it when it began" in each for each in words)


def test_one_pipeline_alone_can_be_verified(pipeline: Pipeline) -> None:
    sql(pipeline, "UPDATE events SET at = '2020' WHERE run_id IN (SELECT id FROM runs WHERE pipeline = 'other')")
    assert call(pipeline, "audit", "verify", "--pipeline", "test").exit_code == 0
    assert call(pipeline, "audit", "verify", "--pipeline", "other").exit_code == 5


def test_an_export_verifies_in_another_folder_and_its_head_in_the_store(pipeline: Pipeline, tmp_path: Path) -> None:
    told = answer(pipeline, "audit", "export", str(tmp_path / "out"))
    feed(pipeline, ("suppliers", supplier("S9")))
    copied = tmp_path / "auditor"
    copied.mkdir()
    for name in ("file", "head_file"):
        path = tmp_path / told[name]
        path.rename(copied / path.name)
    file, head = sorted(map(str, copied.iterdir()), key=lambda name: name.endswith(".head.json"))
    runner = CliRunner()
    for kept in (head, told["head"]):
        assert runner.invoke(cli, ["audit", "verify", "--file", file, "--head", kept]).exit_code == 0
        assert call(pipeline, "audit", "verify", "--head", kept).exit_code == 0
    assert call(pipeline, "audit", "verify", "--head", "0" * 64).exit_code == 5
    assert call(pipeline, "audit", "verify", "--head", "nothing").exit_code == 2
    assert call(pipeline, "audit", "verify", "--file", str(tmp_path / "none")).exit_code == 2


def test_an_export_of_some_days_says_so_and_verifies(pipeline: Pipeline, tmp_path: Path) -> None:
    nothing = answer(pipeline, "audit", "export", str(tmp_path / "a.jsonl"), "--to", "2020-01-01")
    assert nothing["runs"] == 1, "only the export itself"
    everything = answer(pipeline, "audit", "export", str(tmp_path / "b.jsonl"), "--from", "2020-01-01")
    assert everything["runs"] == 4
    for each in (nothing, everything):
        done = CliRunner().invoke(cli, ["audit", "verify", "--file", each["file"], "--head", each["head"]])
        assert done.exit_code == 0, done.output


def test_a_purge_leaves_a_tombstone_that_verifies_and_nothing_breaks(pipeline: Pipeline) -> None:
    changed = ("supplier_invoices", invoice("101", lines=[], reference="new"))
    pipeline.run(changed)
    done = answer(pipeline, "audit", "purge", "--older-than", "0d", "--reason", "kept long enough")
    assert done["payloads"] > 0
    assert done["events"] == 1, "the first word on 101; the last word on each record stays"
    found = report(pipeline)
    assert (found.findings, found.purged) == ([], 1)
    assert pipeline.rows("effects", state="delivered")[0]["payload"] == pipeline.rows("effects")[0]["key"]
    assert pipeline.run(S1, changed).counts == {"carried_in": 1, "received": 2, "unchanged": 2, State.PARKED: 1}
    pipeline.run(S1, changed, resend=True)
    assert report(pipeline).findings == []


def test_what_is_open_is_never_purged(pipeline: Pipeline) -> None:
    before = (pipeline.rows("dead_letters"), pipeline.rows("events", business_key=KEY))
    answer(pipeline, "audit", "purge", "--older-than", "0d", "--reason", "x", "--company", "NO01")
    assert (pipeline.rows("dead_letters"), pipeline.rows("events", business_key=KEY)) == before


def test_a_purge_of_one_company_leaves_the_other(pipeline: Pipeline) -> None:
    pipeline.run(("suppliers", supplier("S1", "SE01")))
    answer(pipeline, "audit", "purge", "--older-than", "0d", "--reason", "x", "--company", "SE01")
    purged = {row["id"] for row in pipeline.rows("effects") if row["payload"] == row["key"]}
    (swedish,) = pipeline.rows("deliveries", company="SE01")
    assert purged == {row["id"] for row in pipeline.rows("effects", delivery_id=swedish["id"])}


def test_data_taken_away_after_a_purge_is_found(pipeline: Pipeline) -> None:
    answer(pipeline, "audit", "purge", "--older-than", "0d", "--reason", "x")
    sql(pipeline, "UPDATE events SET data = NULL WHERE business_key = ?", KEY)
    assert "no purge says so" in report(pipeline).findings[0].words


def test_the_trail_holds_no_words_of_the_target(pipeline: Pipeline) -> None:
    told = "".join(row["data"] for row in pipeline.rows("events"))
    messages = [row["message"] for table in ("deliveries", "effects") for row in pipeline.rows(table) if row["message"]]
    assert messages
    assert not [words for words in messages if words in told]


def test_spans() -> None:
    spans = Spans.of([1, 2, 3, 7])
    assert str(spans) == "1-3,7"
    read = Spans.read("1-3,7", "nonsense", "9")
    assert [number for number in range(12) if number in read] == [1, 2, 3, 7, 9]


def test_all_of_it_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    on_server = Pipeline(tmp_path, store_url=postgres_url)
    changed = ("supplier_invoices", invoice("101", lines=[], tax=Decimal(30), total=Decimal(30)))
    on_server.run(S1, OPEN, BARE)
    Pipeline(tmp_path, on_server.server, name="other", store_url=postgres_url).run(("suppliers", supplier("S2")))
    on_server.run(changed)
    assert answer(on_server, "audit", "purge", "--older-than", "0d", "--reason", "x")["events"] == 1
    told = answer(on_server, "audit", "export", str(tmp_path / "trail.jsonl"))
    assert told["runs"] == 5
    found = report(on_server)
    assert (found.findings, found.purged, found.deliveries) == ([], 1, 4)
    for where in (["--store", postgres_url], ["--file", told["file"]]):
        done = CliRunner().invoke(cli, ["audit", "verify", "--head", told["head_file"], *where])
        assert done.exit_code == 0, done.output
    assert answer(on_server, "trace", "101")["record"]["state"] == "delivered"


def test_whatever_is_put_there_is_a_finding_not_a_fault(pipeline: Pipeline) -> None:
    columns = {
        "events": ("data", "business_key", "hash", "at"),
        "runs": ("message", "head", "exit_code"),
        "tallies": ("record_type", "count", "amount"),
    }
    for table, names in columns.items():
        for name in names:
            for odd in (b"\xff", "", "[]", '{"rows":[1],"gone":5,"heads":[1],"state":{}}', -1):
                line = f"rowid = (SELECT min(rowid) FROM {table})"
                with closing(sqlite3.connect(pipeline.folder / "store.db")) as connection:
                    (before,) = connection.execute(f"SELECT {name} FROM {table} WHERE {line}").fetchone()
                sql(pipeline, f"UPDATE {table} SET {name} = ? WHERE {line}", odd)
                assert not report(pipeline).valid, (table, name, odd)
                sql(pipeline, f"UPDATE {table} SET {name} = ? WHERE {line}", before)
    assert report(pipeline).valid


def test_names_with_characters_that_no_database_keeps_verify(tmp_path: Path) -> None:
    odd = Pipeline(tmp_path)
    odd.run(("suppliers", supplier("S\x00é")), ("supplier_invoices", invoice("1\x00", lines=[], currency="N\x00K")))
    assert odd.rows("deliveries")
    assert report(odd).findings == []
