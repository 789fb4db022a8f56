"""One record's story, by whatever a person has in hand."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from ml_connector.audit.actions import action
from ml_connector.cli.commands import cli
from ml_connector.delivery.work import Origin
from ml_connector.store import open_store

from tests.audit.test_origin import PAGE, feed
from tests.delivery.conftest import Pipeline, invoice, supplier

if TYPE_CHECKING:
    from pathlib import Path

KEY = "erp:NO01:supplier_invoices:Invoice/100"
IBAN = "NO9386011117947"


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """Return a store in which invoice 100 waited for its supplier, was delivered, changed, and replayed."""
    ready = Pipeline(tmp_path)
    first = invoice("Invoice/100", lines=[])
    feed(ready, ("supplier_invoices", first))
    feed(ready, ("suppliers", supplier("S1")), origin=Origin("/v1/supplier page 1", "2026-11-22T07:00:00.000+00:00"))
    later = Origin("/v1/supplierInvoice page 1", "2026-11-23T07:00:00.000+00:00")
    feed(ready, ("supplier_invoices", first | {"tax": Decimal(30), "total": Decimal(30)}), origin=later)
    store = open_store(ready.url)
    with action(store, ready.url, "test", "dead replay") as doing:
        doing.note("replay", KEY, {"reason": "asked by the supplier", "letter": 1})
    store.close()
    return ready


def call(pipeline: Pipeline, *words: str) -> Result:
    return CliRunner().invoke(cli, ["trace", *words, "--store", pipeline.url], catch_exceptions=False)


def answer(pipeline: Pipeline, key: str) -> Any:
    return json.loads(call(pipeline, key, "--json").stdout)


def test_every_handle_leads_to_the_same_story(pipeline: Pipeline) -> None:
    (header,) = pipeline.rows("effects", table_name="invoices")
    (letter,) = pipeline.rows("dead_letters")
    for handle in (KEY, "Invoice/100", "100", header["remote_id"], f"#{letter['id']}"):
        assert answer(pipeline, handle)["record"]["business_key"] == KEY, handle


def test_the_story_is_whole_and_in_order(pipeline: Pipeline) -> None:
    steps = answer(pipeline, KEY)["steps"]
    assert [step["what"] for step in steps] == [
        *("read", "parked: supplier_missing, field supplier"),
        *("delivered", "read", "delivered", "replay"),
    ]
    read = [step for step in steps if step["what"] == "read"]
    assert read[0]["details"][0] == f"from {PAGE.place}"
    assert read[0]["at"] == PAGE.extracted_at
    assert any("version" in line and "erp fake" in line for line in read[0]["details"])
    delivered = next(step for step in steps if step["what"] == "delivered")
    (header,) = pipeline.rows("effects", table_name="invoices")
    assert any(f"header → invoices: created, id {header['remote_id']}" in line for line in delivered["details"])
    (replayed,) = [step for step in steps if step["what"] == "replay"]
    assert replayed["why"] == "asked by the supplier"
    assert replayed["who"]


def test_the_balance_it_counts_in_is_told(pipeline: Pipeline) -> None:
    (line,) = answer(pipeline, KEY)["balance"]
    run = pipeline.rows("runs", kind="run")[-1]
    assert (line["run_id"], line["kind"], line["count"]) == (run["id"], "delivered", 1)


def test_the_picture_says_it_in_words(pipeline: Pipeline) -> None:
    told = call(pipeline, "100").stdout
    for words in ("Invoice/100", "from /v1/supplierInvoice page 3", "all checks passed", "counts as delivered", "NOK"):
        assert words in told


def test_several_hits_are_listed_with_a_way_to_narrow(pipeline: Pipeline) -> None:
    feed(pipeline, ("supplier_invoices", invoice("Invoice/100", "SE01", lines=[])))
    done = call(pipeline, "100")
    assert done.exit_code == 2
    assert "means 2 records" in done.stdout
    assert f"ml-connector trace {KEY}" in done.stdout
    assert len(answer(pipeline, "100")["hits"]) == 2


def test_an_unknown_key_ends_with_the_next_command(pipeline: Pipeline) -> None:
    done = call(pipeline, "100%")
    assert done.exit_code == 2
    assert "next: ml-connector" in done.stderr


def test_an_account_number_is_masked(pipeline: Pipeline) -> None:
    feed(pipeline, ("suppliers", supplier("S7", name=f"pays to {IBAN}", status="Active")))
    for told in (call(pipeline, "S7").stdout, call(pipeline, "S7", "--json").stdout):
        assert "S7" in told
        assert IBAN not in told
