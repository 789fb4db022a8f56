"""Every row of a company arrives once, as it is, and the bookmarks move by the rule."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from ml_connector_simulators.visma import NO01
from tap_visma.streams import STREAMS

from tests.tap_visma.conftest import run, sync, tap_of

RESOURCES = {stream.name: stream.path.rpartition("/")[2] for stream in STREAMS if "{" not in stream.path}
# Keys that the tap puts beside the row, read again from the rows as they are stored.
INJECTED = {
    "general_ledger_balances": lambda row: (
        row["branch"]["number"],
        row["ledger"]["id"],
        row["financialPeriod"],
        row["account"]["number"],
        row["subaccountId"],
        row.get("currencyId", ""),
    ),
    "budgets": lambda row: (
        row["_branch"],
        row["_ledger"],
        row["financialYear"],
        row["account"]["number"],
        row["subaccount"]["id"],
    ),
}
BY_NAME = {stream.name: stream for stream in STREAMS}


@pytest.fixture(scope="module")
def everything(shared):
    return sync(shared)


@pytest.mark.parametrize("stream", RESOURCES)
def test_every_row_arrives_once_with_company_and_key(shared, everything, stream):
    key = INJECTED.get(stream, lambda row: tuple(row[name] for name in BY_NAME[stream].keys))
    there = [("NO01", *key(row)) for row in shared.rows("NO01", RESOURCES[stream])]
    assert there
    assert sorted(everything.keys(stream)) == sorted(there)
    assert everything.totals(stream)["complete"] is True
    assert everything.totals(stream)["fetched"] == everything.totals(stream)["emitted"] == str(len(there))


def test_dimensions_come_apart_into_streams(shared, everything):
    dimensions = shared.rows("NO01", "dimension")
    values = [
        ("NO01", dimension["id"], segment["segmentId"], value["valueId"])
        for dimension in dimensions
        for segment in dimension["segments"]
        for value in segment["segmentValues"]
    ]
    assert sorted(everything.keys("dimension_segment_values")) == sorted(values)
    assert len(everything.records["dimension_segments"]) == sum(len(d["segments"]) for d in dimensions)
    assert [r for r in everything.records["dimensions"] if "segments" in r] == []
    centres = [value[3] for value in values if value[1:3] == ("SUBACCOUNT", 1)]
    assert sorted(record["valueId"] for record in everything.records["cost_centers"]) == sorted(centres)
    assert len(centres) == 12


def test_the_ledger_says_the_same_by_line_by_balance_and_by_batch(everything):
    lines, balances = everything.records["general_ledger_transactions"], everything.records["general_ledger_balances"]
    batches = everything.records["journal_transactions"]
    debit = sum(row["debitAmount"] for row in lines)
    assert debit == sum(row["periodToDateDebit"] for row in balances) == sum(row["debitTotal"] for row in batches) > 0
    assert sum(row["yearToDateBalance"] for row in balances) == 0
    assert {row["ledger"]["id"] for row in lines} == {"1"}


def test_open_items_of_customers_are_the_balance_of_their_account(everything):
    sign = {"Invoice": 1, "DebitNote": 1, "CreditNote": -1}
    documents = [row for row in everything.records["customer_documents"] if row["documentType"] in sign]
    owed = sum(sign[row["documentType"]] * row["balance"] for row in documents)
    balances = everything.records["general_ledger_balances"]
    assert owed == sum(row["yearToDateBalance"] for row in balances if row["accountNumber"] == "1500") > 0


def test_budgets_are_asked_for_by_branch_budget_ledger_and_year(shared, everything):
    assert {(row["branch"], row["ledger"]) for row in everything.records["budgets"]} == {("10", "BUDGET")}
    asked = [request.query for request in shared.log.requests() if request.path == "/v1/budget"]
    assert {(q["branch"], q["ledger"], q["financialYear"]) for q in asked} == {
        ("10", "BUDGET", "2026"),
        ("20", "BUDGET", "2026"),
    }


def test_amounts_are_exact_and_summed_per_currency(shared, everything):
    sums = defaultdict(Decimal)
    for row in shared.rows("NO01", "supplierInvoice"):
        sums[row["currencyId"]] += row["amount"]
    told = {currency: Decimal(text) for currency, text in everything.totals("supplier_invoices")["sums"].items()}
    emitted = defaultdict(Decimal)
    for record in everything.records["supplier_invoices"]:
        emitted[record["currencyId"]] += record["amount"]
    assert len(told) == 2
    assert told == sums == emitted


def test_the_currency_of_a_sum_may_be_inside_an_object(shared, everything):
    sums = defaultdict(Decimal)
    for row in shared.rows("NO01", "supplierPayment"):
        sums[row["currency"]["id"]] += row["paymentAmount"]
    told = everything.totals("supplier_payments")["sums"]
    assert {currency: Decimal(text) for currency, text in told.items()} == sums


def test_records_are_the_rows_without_paging_data(shared, everything):
    rows = {row["referenceNumber"]: row for row in shared.rows("NO01", "supplierInvoice")}
    for record in everything.records["supplier_invoices"]:
        row = rows[record["referenceNumber"]]
        assert "metadata" not in record
        shown = {name: value for name, value in row.items() if name in record}
        assert record == {**shown, "_company": "NO01"}
        assert len(record["invoiceLines"]) == len(row["invoiceLines"])


def test_streams_run_in_tiers_and_schemas_come_first(everything):
    order = [stream for kind, stream in everything.order if kind == "SCHEMA"]
    tiers = [BY_NAME[stream].tier for stream in order]
    assert tiers == sorted(tiers)
    assert order.index("cost_centers") < order.index("suppliers") < order.index("supplier_invoices")
    for stream in order:
        kinds = [kind for kind, name in everything.order if name == stream]
        assert kinds[0] == "SCHEMA"
        assert kinds.count("SCHEMA") == 1


def test_the_schema_names_keys_control_total_and_no_private_field(everything):
    schema = everything.schemas["supplier_invoices"]
    assert schema["key_properties"] == ["_company", "documentType", "referenceNumber"]
    assert schema["schema"]["x-control-total"] == {"amount": "amount", "currency": "currencyId"}
    assert "supplierPaymentMethodDetails" not in everything.schemas["suppliers"]["schema"]["properties"]


def test_state_comes_after_each_stream_and_about_every_thousand_records(shared):
    output = sync(shared, "supplier_invoices", page_size=50)
    assert len(output.states) == 2  # at the start and after the stream, none between: 240 records
    tap = tap_of(shared, "supplier_invoices", page_size=50)
    tap.streams["supplier_invoices"].STATE_MSG_FREQUENCY = 100
    output = run(tap)
    counts = [s["ml_connector"]["streams"]["supplier_invoices"]["emitted"] for s in output.states]
    assert counts == ["0", "100", "200", "240"]
    assert [s["bookmarks"].get("supplier_invoices", {}) for s in output.states[:-1]] == [{}, {}, {}]


def test_a_stream_never_reached_counts_as_unfinished(shared):
    first = sync(shared, "branches", "supplier_invoices").states[0]
    assert first["ml_connector"]["streams"]["supplier_invoices"]["complete"] is False


# Incremental


def test_the_bookmark_is_the_largest_value_less_the_look_back_and_no_clock(shared, everything):
    modified = [row["lastModifiedDateTime"] for row in shared.rows("NO01", "supplierInvoice")]
    expected = datetime.fromisoformat(max(modified)) - timedelta(minutes=120)
    bookmark = everything.states[-1]["bookmarks"]["supplier_invoices"]
    assert datetime.fromisoformat(bookmark["replication_key_value"]) == expected.replace(
        microsecond=expected.microsecond // 1000 * 1000
    )
    assert datetime.fromisoformat(bookmark["replication_key_value"]).tzinfo is None


def test_the_next_run_reads_only_what_changed(sim):
    first = sync(sim, "supplier_invoices")
    sim.clock.advance(86_400)
    key = first.records["supplier_invoices"][7]["referenceNumber"]
    sim.edit("NO01", "supplierInvoice", f"Invoice/{key}", description="changed")
    second = sync(sim, "supplier_invoices", state=first.states[-1])
    changed = {r["referenceNumber"]: r["description"] for r in second.records["supplier_invoices"]}
    assert changed[key] == "changed"
    assert len(changed) < 10
    third = sync(sim, "supplier_invoices", state=second.states[-1])
    assert list(third.keys("supplier_invoices")) == [("NO01", "Invoice", key)]
    assert third.states[-1]["bookmarks"] == second.states[-1]["bookmarks"]


def test_nothing_new_leaves_the_bookmark_where_it_is(sim):
    first = sync(sim, "suppliers").states[-1]
    for row in sim.rows("NO01", "supplier"):
        sim.remove("NO01", "supplier", row["number"])
    assert sync(sim, "suppliers", state=first).states[-1]["bookmarks"] == first["bookmarks"]


def test_a_start_date_is_widened_by_a_day_and_gives_way_to_a_bookmark(sim):
    output = sync(sim, "supplier_invoices", start_date="2026-10-20T00:00:00Z")
    asked = sim.log.requests(path="/v1/supplierInvoice")[-1].query
    assert asked["lastModifiedDateTime"] == "2026-10-19T00:00:00.000"
    assert asked["lastModifiedDateTimeCondition"] == ">="
    sync(sim, "supplier_invoices", start_date="2026-10-20T00:00:00Z", state=output.states[-1])
    assert sim.log.requests(path="/v1/supplierInvoice")[-1].query["lastModifiedDateTime"] > "2026-10-30"


def test_full_table_by_catalog_ignores_the_bookmark(sim):
    state = sync(sim, "suppliers").states[-1]
    tap = tap_of(sim, "suppliers", state=state)
    tap.streams["suppliers"].forced_replication_method = "FULL_TABLE"
    output = run(tap)
    assert len(output.records["suppliers"]) == 80
    assert "lastModifiedDateTime" not in sim.log.requests(path="/v1/supplier")[-1].query


def test_two_companies_do_not_touch_each_other(shared):
    output = sync(shared, "supplier_invoices", company="SE01")
    assert {record["_company"] for record in output.records["supplier_invoices"]} == {"SE01"}
    assert len(output.records["supplier_invoices"]) == len(shared.rows("SE01", "supplierInvoice"))


def test_the_tenant_id_is_the_label_where_none_is_set(shared):
    output = sync(shared, "branches", company="NO01", client_id="isv_ml_connector_demo")
    assert output.keys("branches")[0][0] == "NO01"
    tap = tap_of(shared, "branches")
    tap._config.pop("company")
    assert run(tap).keys("branches")[0][0] == NO01.tenant_id


# Journal


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_batches_cut_by_pages_are_whole_again(sim, size):
    for row in sim.rows("NO01", "journaltransaction")[12:]:
        sim.remove("NO01", "journaltransaction", f"{row['module']}/{row['batchNumber']}")
    output = sync(sim, "journal_transactions", page_size=size)
    there = {
        (row["module"], row["batchNumber"]): row["journalTransactionLines"]
        for row in sim.rows("NO01", "journaltransaction")
    }
    records = output.records["journal_transactions"]
    come = {(record["module"], record["batchNumber"]): record["journalTransactionLines"] for record in records}
    assert Counter(output.keys("journal_transactions")).most_common(1)[0][1] == 1
    assert {key: [line["lineNumber"] for line in lines] for key, lines in come.items()} == {
        key: [line["lineNumber"] for line in lines] for key, lines in there.items()
    }
    assert output.totals("journal_transactions")["complete"] is True
