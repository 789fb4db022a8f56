"""What a table held when a run looked last, beside what it holds now and what the source lists now."""

from __future__ import annotations

import json
import subprocess

import pytest
from ml_connector.cli.reconcile_pictures import reconciliation_picture
from ml_connector.delivery.balance import Sum
from ml_connector.reconcile.bulk_view import BOOKS, SOURCE, TARGET, Place, read_bulk
from ml_connector.reconcile.ledger import Ledger
from ml_connector.reconcile.reconciliation import Maker, Reconciliation
from ml_connector.reconcile.report import render
from ml_connector.reconcile.scope import Scope, newest_runs
from ml_connector.store import open_store
from rich.console import Console

from tests.target_snowflake.conftest import PROGRAM, record, schema

PIPELINE = "singer-to-target-snowflake"
INVOICES = schema(
    "invoices",
    {"_company": {"type": "string"}, "id": {"type": "integer"}, "amount": "number", "currency": {"type": "object"}},
    ["_company", "id"],
)
INVOICES["schema"]["x-control-total"] = {"amount": "amount", "currency": "currency.id"}
NO_NOK, NO_EUR, SE_SEK = (
    Place(PIPELINE, "INVOICES", company, currency)
    for company, currency in (("NO01", "NOK"), ("NO01", "EUR"), ("SE01", "SEK"))
)


def invoice(number, amount, currency="NOK", company="NO01"):
    return record("invoices", _company=company, id=number, amount=amount, currency={"id": currency})


@pytest.fixture
def loaded(loading):
    loading.run(
        INVOICES,
        invoice(1, 10.25),
        invoice(2, 0.1),
        invoice(3, 7, "EUR"),
        invoice(4, 5, "SEK", "SE01"),
        invoice(5, "x"),
    )
    return loading


def asked(loading, question, *lines, scope="{}"):
    command = [str(PROGRAM), "--config", str(loading.folder / "config.json"), question, scope]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line, parse_float=str) for line in done.stdout.splitlines()]


def view(loading, *told, scope=None):
    store = open_store(loading.config["store_url"])
    with store.reading() as connection:
        runs = newest_runs(connection, scope or Scope())
        found = read_bulk(connection, runs, scope or Scope())
    store.close()
    found.take(PIPELINE, told)
    maker = Maker("me", "here", "2026-11-28T10:00:00+00:00", "1")
    made = Reconciliation(Scope(), maker, runs, {}, Ledger(), bulk=found)
    return found, made


def test_the_books_know_what_each_table_held(loaded):
    found, made = view(loaded)
    assert {place: sides[BOOKS] for place, sides in found.sums.items()} == {
        NO_NOK: Sum(2, made.bulk.sums[NO_NOK][BOOKS].amount),
        NO_EUR: Sum(1, 7),
        SE_SEK: Sum(1, 5),
    }
    assert str(found.sums[NO_NOK][BOOKS].amount) == "10.35"
    assert [(point.code, point.step) for point in made.points] == [(4, "ml-connector dead list")]
    assert [item.business_key for item in made.open_items] == ["singer:NO01:invoices:5"]


def test_a_table_that_nobody_touched_agrees(loaded):
    found, made = view(loaded, *asked(loaded, "--reread"))
    assert found.sides == [BOOKS, TARGET]
    assert found.differing(TARGET) == []
    assert made.exit_code == 4, "one record is refused"


def test_rows_that_somebody_changed_or_deleted_are_out_of_balance(loaded):
    loaded.session.execute('UPDATE "INVOICES" SET "AMOUNT" = "AMOUNT" + 1 WHERE "ID" = 1')
    loaded.session.execute('DELETE FROM "INVOICES" WHERE "ID" = 4')
    found, made = view(loaded, *asked(loaded, "--reread"))
    assert found.differing(TARGET) == [NO_NOK, SE_SEK]
    assert made.exit_code == 5
    assert made.points[0].words == (
        "INVOICES NO01 holds 2 rows, 11.35 NOK; when a run looked last it held 2 rows, 10.35 NOK"
    )
    assert made.points[0].step == "meltano run --full-refresh singer target-snowflake"
    console = Console(width=200, record=True)
    console.print(reconciliation_picture(made))
    assert "✗" in console.export_text()
    page = render(made.as_data())
    assert "Tables loaded in bulk" in page
    assert "differs" in page


def test_a_company_is_looked_at_alone(loaded):
    lines = asked(loaded, "--reread", scope='{"company": "SE01"}')
    assert [(line["company"], line["table"]) for line in lines if "loaded" in line] == [("SE01", "INVOICES")]
    found, _ = view(loaded, scope=Scope(company="SE01"))
    assert list(found.sums) == [SE_SEK]


def test_what_the_source_lists_is_compared_with_what_was_seen_last(loaded):
    heading = {"stream": "invoices", "pass": 1}
    listed = [{**heading, "record": message["record"]} for message in (invoice(1, 10.25), invoice(2, 0.1))]
    listed += [{**heading, "record": invoice(3, 8, "EUR")["record"]}]
    lines = [{**heading, "keys": ["id"]}, *listed, {**heading, "company": "NO01", "complete": True}]
    found, made = view(loaded, *asked(loaded, "--census", *lines))
    assert found.differing(SOURCE) == [NO_EUR, SE_SEK]
    assert made.exit_code == 4
    assert any("the source has 1 row, 8" in point.words for point in made.points)


def test_of_a_set_that_moved_only_the_last_pass_counts_and_an_unfinished_list_is_told(loaded):
    first = [{"stream": "invoices", "pass": 1, "record": invoice(number, 1)["record"]} for number in range(9)]
    second = [{"stream": "invoices", "pass": 2, "record": invoice(1, 10.35)["record"]}]
    end = {"stream": "invoices", "pass": 2, "company": "NO01", "complete": False}
    found, made = view(loaded, *asked(loaded, "--census", *first, *second, end))
    assert found.sums[NO_NOK][SOURCE] == Sum(1, found.sums[NO_NOK][BOOKS].amount)
    assert found.unlisted == ["invoices"]
    assert any("not listed whole: invoices" in point.words for point in made.points)


def test_rows_marked_as_deleted_are_not_held(loaded):
    loaded.run(INVOICES, record("invoices", _company="NO01", id=2, _sdc_deleted_at="2026-10-01T00:00:00Z"))
    found, _ = view(loaded)
    assert found.sums[NO_NOK][BOOKS].count == 1
