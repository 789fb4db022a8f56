"""The command line over bulk runs: what waits, its replay through the same target, and the story of a batch."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from ml_connector.errors import ConfigError
from ml_connector.store import open_store

from tests.bulk.conftest import KEY, NOK, STREAM, Pipeline, record, refusal
from tests.cli.conftest import House

FLOW = "tap-visma-no-to-target-snowflake"
MELTANO_YML = """
plugins:
  extractors:
  - {name: tap-visma-no, namespace: tap_visma, executable: tap-visma}
  loaders:
  - {name: target-snowflake, namespace: target_snowflake, config: {database: FINANCE}}
jobs:
- {name: load, tasks: [tap-visma-no target-snowflake]}
"""
TARGET = """
    from decimal import Decimal
    from pathlib import Path
    from ml_connector.bulk.books import BulkBooks
    from ml_connector.bulk.keys import BusinessKeys
    from ml_connector.bulk.load import BulkSettings, Load, Refusal
    from ml_connector.bulk.totals import BulkTotals
    from ml_connector.delivery.sink import Identity
    from ml_connector.store import open_store
    from ml_connector.store.text import decode
    Path("meltano.log").open("a").write(f"{sys.argv[3:]} {os.environ.get('TARGET_SNOWFLAKE_RESEND')}\\n")
    if "target-snowflake" not in sys.argv:
        print(json.dumps({"type": "SCHEMA"}))
        sys.exit(0)
    url = f"sqlite:///{os.environ['MELTANO_PROJECT_ROOT']}/.ml-connector/store.db"
    settings = BulkSettings(
        "tap-visma-no-to-target-snowflake",
        replay=os.environ.get("TARGET_SNOWFLAKE_REPLAY") == "true",
        replay_of=os.environ["TARGET_SNOWFLAKE_REPLAY_OF"],
    )
    store = open_store(url)
    identity = Identity("xy12345/FINANCE/RAW", "snowflake demo")
    books = BulkBooks.open(store=store, store_url=url, settings=settings, identity=identity)
    for line in sys.stdin:
        message = decode(line)
        if "schema" in message:
            stream, keys = message["stream"], message["key_properties"]
            books.stream(stream, message["schema"], keys)
        if "record" not in message:
            continue
        raw, total = message["record"], message["record"]["total"]
        books.received(stream, "NO01", "NOK", 1, total)
        key = BusinessKeys(stream, keys).of(raw)
        if total < 0:
            given = {"reason": "value_does_not_fit", "message": "no", "amount": total, "currency": "NOK"}
            books.refuse([Refusal(stream, raw, key, "NO01", **given)])
        else:
            arrived = [key] if key in books.waiting(stream) else []
            sums = [("delivered", "NO01", "NOK", 1, total)]
            books.loaded(Load("replayed", stream, "T", 1, 1, 0, 0, 0, 0, sums=sums, arrived=arrived))
    books.finish(BulkTotals())
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    (tmp_path / "meltano.yml").write_text(MELTANO_YML)
    monkeypatch.chdir(tmp_path)
    for name in ("MELTANO_PROJECT_ROOT", "MELTANO_ENVIRONMENT", "ML_CONNECTOR_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    return House(tmp_path)


@pytest.fixture
def pipeline(house: House) -> Pipeline:
    """Two records are in the warehouse, two are not: one would be taken now, the other is still too small."""
    (house.root / ".ml-connector").mkdir()
    ready = Pipeline(f"sqlite:///{house.root / '.ml-connector' / 'store.db'}", FLOW)
    with ready.books() as books:
        books.receive(2)
        books.bring("20261101-7", delivered=2, table='"FINANCE"."RAW"."SUPPLIER_INVOICES"')
        books.receive(1)
        books.receive(1, Decimal(-5))
        books.refuse(
            [
                refusal(record(), title="100 Nordic Paper AS"),
                refusal(record("200", total=Decimal(-5)), business_key=KEY.replace("100", "200")),
            ]
        )
        books.passed('{"bookmarks":{}}')
    return ready


@pytest.mark.usefixtures("pipeline")
def test_status_and_list_tell_a_bulk_run_like_any_other(house: House) -> None:
    shown = house.call("status")
    assert shown.exit_code == 4
    assert "next: ml-connector dead replay --cause value_does_not_fit" in shown.stdout
    told = house.answer("status")
    cells = told["records"][0]
    assert {kind: cells[kind]["count"] for kind in ("received", "delivered", "refused")} == {
        "received": 4,
        "delivered": 2,
        "refused": 2,
    }
    letters = house.answer("dead", "list", "--cause", "value_does_not_fit")
    assert [letter["id"] for letter in letters] == [1, 2]
    assert {letter["owner"] for letter in letters} == {"finance"}
    assert letters[0]["amount"] == "12.50"


@pytest.mark.usefixtures("pipeline")
def test_show_says_that_there_are_no_finance_words(house: House) -> None:
    shown = " ".join(house.call("dead", "show", "1").stdout.split())
    assert "loads records as they are, without maps" in shown
    assert '"number": "100"' in shown
    assert house.answer("dead", "show", "1")["canonical"] == {}


def test_an_edit_is_refused_and_changes_nothing(house: House, pipeline: Pipeline) -> None:
    done = house.call("dead", "edit", "1", "--set", "total=5", "--reason", "x")
    assert done.exit_code == ConfigError.exit_code
    words = " ".join(done.stderr.split())
    assert "correct the source, the schema or the target's settings, then replay the record" in words
    assert "next: ml-connector dead replay 1" in words
    assert pipeline.rows("decisions") == []
    assert [run["kind"] for run in pipeline.rows("runs")] == ["run"]


def test_a_replay_feeds_the_same_target_and_tells_what_became_of_each(
    house: House, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.meltano(monkeypatch, TARGET)
    done = house.call("dead", "replay", "--cause", "value_does_not_fit", "--json")
    assert done.exit_code == 4, done.output
    assert [each["state"] for each in json.loads(done.stdout)["records"]] == ["delivered", "refused"]
    run = pipeline.rows("runs")[-1]
    assert (run["kind"], run["replay_of"]) == ("replay", pipeline.rows("runs")[0]["id"])
    counts = {row["kind"]: row["count"] for row in pipeline.rows("tallies", run_id=run["id"])}
    assert counts == {"carried_in": 2, "received": 2, "delivered": 1, "superseded": 2, "refused": 1}
    assert "out of balance" not in str(run["message"])
    assert [letter["closed_by"] for letter in pipeline.rows("dead_letters")] == ["settled", None]
    assert house.call("audit", "verify").exit_code == 0


def test_a_dropped_record_is_waived_and_comes_back(
    house: House, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert house.call("dead", "drop", "1", "2", "--reason", "test data").exit_code == 0
    with pipeline.books() as books:
        assert books.waiting(STREAM) == {KEY, KEY.replace("100", "200")}
    assert pipeline.counts == {}
    house.meltano(monkeypatch, TARGET)
    assert house.call("dead", "replay", "1").exit_code == 0
    assert [row["state"] for row in pipeline.rows("deliveries")] == ["delivered", "waived"]
    with pipeline.books() as books:
        books.receive()
        sums = [("delivered", "NO01", NOK, 1, Decimal("12.50"))]
        books.bring("b", delivered=1, sums=sums, arrived=[KEY.replace("100", "200")])
    assert pipeline.counts == {"received": 1, "delivered": 1}
    assert house.answer("dead", "list") == []
    assert house.call("audit", "verify").exit_code == 0


def test_a_run_is_read_again_but_nothing_can_be_resent(
    house: House, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = pipeline.rows("runs")[0]["id"]
    done = house.call("replay", "--run", run_id, "--resend")
    assert done.exit_code == ConfigError.exit_code
    assert f"next: ml-connector replay --run {run_id}" in done.stderr
    assert house.answer("replay", "--run", run_id, "--dry-run")["run"] == run_id
    house.meltano(monkeypatch, TARGET)
    done = house.call("replay", "--run", run_id)
    assert done.exit_code == 4, done.output
    assert (pipeline.rows("runs")[-1]["kind"], pipeline.rows("runs")[-1]["replay_of"]) == ("replay", run_id)


def test_a_refused_record_has_a_story(house: House, pipeline: Pipeline) -> None:
    told = house.answer("trace", "100")
    assert [step["what"] for step in told["steps"]] == ["read", "refused: value_does_not_fit, field total"]
    assert "taken as it came" in " ".join(told["steps"][0]["details"])
    assert "kept as dead letter 1" in " ".join(told["steps"][1]["details"])
    with pipeline.books() as books:
        books.receive()
        books.bring("20261102-1", delivered=1, arrived=[KEY])
    shown = " ".join(house.call("trace", "#1").stdout.split())
    assert "was loaded with batch 20261102-1" in shown
    assert "counts as superseded" in shown
    assert "in the source" not in shown


def test_a_batch_has_a_story_and_says_how_to_see_its_rows(house: House, pipeline: Pipeline) -> None:
    told = house.answer("trace", "20261101-7")
    run = pipeline.rows("runs")[0]
    assert told["run"]["id"] == run["id"]
    assert told["told"]["query_ids"] == {"copy": "01b2-0001", "insert": "01b2-0002"}
    assert told["select"] == ('SELECT * FROM "FINANCE"."RAW"."SUPPLIER_INVOICES" WHERE _ML_BATCH_ID = \'20261101-7\'')
    shown = " ".join(house.call("trace", "20261101-7").stdout.split())
    for words in (run["id"], "2 staged: 2 new", "100 … 199", "01b2-0002", "4,711 bytes", "WHERE _ML_BATCH_ID ="):
        assert words in shown
    for unknown in ("20261101-8", "20261101"):
        assert house.call("trace", unknown).exit_code == ConfigError.exit_code


def test_a_reconciliation_tells_what_of_a_bulk_pipeline_waits(house: House, pipeline: Pipeline) -> None:
    done = house.call("reconcile", "--pipeline", pipeline.name)
    assert done.exit_code == 4
    assert "refused on the way to a table" in " ".join(done.stdout.split())


def test_books_of_both_shapes_stand_in_one_store(house: House, pipeline: Pipeline) -> None:
    with Pipeline(pipeline.url, "another", target_id="elsewhere").books() as books:
        books.receive()
        books.bring("other-1", delivered=1)
    place = house.root / "trail.jsonl"
    assert house.call("audit", "export", str(place)).exit_code == 0
    head = str(place.with_suffix(".head.json"))
    assert house.call("audit", "verify", "--file", str(place), "--head", head).exit_code == 0
    assert house.call("audit", "purge", "--older-than", "0d", "--reason", "retention").exit_code == 0
    assert house.call("audit", "verify", "--head", head).exit_code == 0
    assert house.call("trace", "other-1").exit_code == 0
    store = open_store(pipeline.url)
    with store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM dead_letters WHERE record = '{}'").scalar() == 0
    store.close()
