"""A plan tells what a run would do, and does nothing of it."""

from __future__ import annotations

import json
import os

from tests.target_snowflake.conftest import record, schema, state

INVOICES = schema(
    "invoices",
    {"_company": {"type": "string"}, "id": {"type": "integer"}, "amount": "number", "currency": "string"},
    ["_company", "id"],
)
INVOICES["schema"]["x-control-total"] = {"amount": "amount", "currency": "currency"}


def invoice(number, amount, company="NO01"):
    return record("invoices", _company=company, id=number, amount=amount, currency="NOK")


def planned(loading, tmp_path, *messages, **settings):
    """Return the flow that a planning run writes."""
    loading.environment = {**os.environ, "ML_CONNECTOR_PLAN_TO": str(tmp_path / "plans")}
    done = loading.run(*messages, **settings)
    loading.environment = {}
    assert done.stdout == "", "STATE must not pass"
    return json.loads((tmp_path / "plans" / "singer-to-target-snowflake.json").read_text())


def rows(flow):
    return {(each["company"], each["verdict"]): (each["count"], each["amount"]) for each in flow["rows"]}


def tables(loading):
    return {row[1] for row in loading.rows("SHOW TABLES")}


def test_a_plan_of_a_first_load_counts_and_leaves_no_table(loading, tmp_path):
    loading.session.execute(f"CREATE SCHEMA IF NOT EXISTS {loading.config['schema']}")
    flow = planned(loading, tmp_path, INVOICES, invoice(1, 10.25), invoice(2, 5), state({"a": 1}))
    assert rows(flow) == {("NO01", "new"): (2, "15.25")}
    assert [each.split(" (")[0] for each in flow["statements"]] == ['CREATE TABLE IF NOT EXISTS "INVOICES"']
    loading.session.execute(f"USE SCHEMA {loading.config['schema']}")
    assert tables(loading) == set()


def test_a_plan_tells_new_changed_unchanged_and_what_would_be_refused(loading, tmp_path):
    loading.run(INVOICES, invoice(1, 10), invoice(2, 20), invoice(3, 30))
    loading.session.reopen()
    before = loading.rows('SELECT * FROM "INVOICES" ORDER BY ID')
    flow = planned(
        loading, tmp_path, INVOICES, invoice(1, 10), invoice(2, 21), invoice(4, 40), invoice(4, 41), invoice(5, "x")
    )
    assert rows(flow) == {
        ("NO01", "new"): (1, "41"),
        ("NO01", "changed"): (1, "21"),
        ("NO01", "unchanged"): (1, "10"),
        ("NO01", "skipped"): (1, "40"),
    }
    assert [(each["key"], each["verdict"], each["reason"]) for each in flow["records"]] == [
        ("singer:NO01:invoices:5", "blocked", "value_does_not_fit")
    ]
    assert flow["statements"] == []
    assert loading.rows('SELECT * FROM "INVOICES" ORDER BY ID') == before
    assert tables(loading) == {"INVOICES", "_ML_LOADS"}
    assert loading.rows('SELECT COUNT(*) FROM "_ML_LOADS"') == [(1,)]


def test_a_plan_of_a_replaced_table_does_not_replace_it(loading, tmp_path):
    loading.run(INVOICES, invoice(1, 10), load_method="overwrite")
    loading.session.reopen()
    flow = planned(loading, tmp_path, INVOICES, invoice(2, 20), load_method="overwrite")
    assert rows(flow) == {("NO01", "new"): (1, "20")}
    assert loading.rows('SELECT ID FROM "INVOICES"') == [(1,)]


def test_a_pipeline_that_requires_a_plan_does_not_run_without(loading):
    done = loading.run(INVOICES, invoice(1, 10), code=2, require_plan="always")
    assert "ml-connector plan" in done.stderr
    assert "INVOICES" not in tables(loading)
