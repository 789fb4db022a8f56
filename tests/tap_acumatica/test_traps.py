"""What goes wrong between pages and in lists, and that no record is lost over it (apis/acumatica.md §3, §7)."""

import pytest
from ml_connector.errors import BadAnswer, ConfigError
from ml_connector_simulators.kit import Fault

from tests.tap_acumatica.conftest import lists, run, sync, tap_of
from tests.tap_acumatica.test_sync import keys_of, stored

BLOCKED = {"Details": "Transactions"}


def between(stream, page, act):
    """Do something once, right before a page of a stream is fetched."""
    fetch, fetched = stream.get_page, []

    def get_page(since, paging):
        fetched.append(paging)
        if len(fetched) == page:
            act()
        return fetch(since, paging)

    stream.get_page = get_page


def test_a_row_deleted_between_skipped_pages_is_noticed_and_read_again(sim):
    tap = tap_of(sim, "purchase_orders", page_size=8)
    first = stored(sim, "PurchaseOrder")[0]
    between(tap.streams["purchase_orders"], 3, lambda: sim.remove("PurchaseOrder", first))
    output = run(tap)
    assert set(stored(sim, "PurchaseOrder")) <= set(keys_of(output, "purchase_orders"))
    totals = output.totals("purchase_orders")
    assert totals["complete"]
    assert totals["fetched"] == totals["emitted"] == str(len(output.records["purchase_orders"]))
    assert int(totals["fetched"]) > len(stored(sim, "PurchaseOrder")) + 1


def test_a_row_added_between_skipped_pages_is_noticed_and_read_again(sim):
    tap = tap_of(sim, "bills", page_size=20)
    new = {"Type": "Bill", "ReferenceNbr": "000000"}
    between(tap.streams["bills"], 3, lambda: sim.add("Bill", new))
    assert set(stored(sim, "Bill")) <= set(keys_of(run(tap), "bills"))


def test_by_key_a_deleted_row_costs_nothing(sim):
    tap = tap_of(sim, "vendors", page_size=10)
    first = stored(sim, "Vendor")[0]
    between(tap.streams["vendors"], 2, lambda: sim.remove("Vendor", first))
    output = run(tap)
    assert len(output.records["vendors"]) == len(stored(sim, "Vendor")) + 1
    assert len(lists(sim, "Vendor")) == 5


def test_a_set_that_never_rests_is_told_and_its_bookmark_stays(sim, caplog):
    sim.settings.order = "shuffled"
    output = sync(sim, "vendors", page_size=5)
    assert output.totals("vendors")["complete"] is False
    assert "replication_key_value" not in output.states[-1]["bookmarks"].get("vendors", {})
    assert "kept changing" in caplog.text


def test_rows_out_of_order_fall_back_to_skipping(sim):
    """One page holds everything, so their order does no harm once keys are not relied on."""
    sim.settings.order = "shuffled"
    output = sync(sim, "vendors")
    assert sorted(set(keys_of(output, "vendors"))) == stored(sim, "Vendor")
    assert output.totals("vendors")["complete"]
    assert [query.get("$skip") for query in lists(sim, "Vendor")] == [None, "0"]


def test_a_list_that_cannot_be_optimised_is_read_record_by_record(sim):
    expected = sync(sim, "bills").records["bills"]
    sim.settings.unoptimized["Bill"] = BLOCKED
    sim.log.clear()
    output = sync(sim, "bills", page_size=50)
    assert output.records["bills"] == expected
    requests = [each for each in sim.log.requests() if "/Bill" in each.path]
    assert len(requests) == 1 + 2 + len(expected) + 1  # the lists, and one row that overlaps
    assert all("$expand" not in each.query for each in requests[1:] if each.path.endswith("/Bill"))


def test_fields_nobody_wants_are_left_out_of_the_query(sim, caplog):
    sim.settings.unoptimized["Account"] = {"CashAccount": "AccountRecords"}
    output = sync(sim, "gl_accounts", choice={"CashAccount": False})
    assert len(output.records["gl_accounts"]) == len(stored(sim, "Account"))
    assert len(lists(sim, "Account")) == 1
    output = sync(sim, "gl_accounts", on_cannot_optimize="leave_out")
    assert len(output.records["gl_accounts"]) == len(stored(sim, "Account"))
    assert "CashAccount" not in output.records["gl_accounts"][0]
    assert "is read without CashAccount" in caplog.text
    assert "CashAccount" not in lists(sim, "Account")[-1]["$select"].split(",")


def test_fields_of_parts_that_may_go_leave_those_of_the_record_alone(sim):
    sim.settings.unoptimized["Bill"] = BLOCKED
    output = sync(sim, "bills", on_cannot_optimize="leave_out")
    assert len(output.records["bills"]) == len(stored(sim, "Bill"))
    assert all("Details" not in record and record["Amount"] for record in output.records["bills"])
    assert lists(sim, "Bill")[-1]["$expand"] == "TaxDetails"


def test_details_of_customer_payments_come_one_by_one(sim):
    output = sync(sim, "payments", choice={"DocumentsToApply": True}, extra_parts=True)
    assert len(output.records["payments"]) == len(stored(sim, "Payment"))
    assert any(record["DocumentsToApply"] for record in output.records["payments"])


def test_a_key_that_cannot_be_read_in_a_list_is_told(sim):
    sim.settings.unoptimized["Bill"] = {"ReferenceNbr": "Document"}
    with pytest.raises(BadAnswer, match="Optimization cannot be performed"):
        sync(sim, "bills")
    assert sim.sessions.all() == []


def test_a_version_that_is_not_offered_is_told_with_those_that_are(sim):
    with pytest.raises(ConfigError, match=r"does not offer .* 19\.200\.001.* 22\.200\.001, 23\.200\.001, 24\.200\.001"):
        sync(sim, "vendors", endpoint_version="19.200.001")
    assert sim.sessions.all() == []


def test_old_builds_tell_their_endpoints_as_a_bare_list(sim):
    sim.settings.bare_list = True
    assert sync(sim, "ledgers").records["ledgers"]


@pytest.mark.parametrize("kind", ["status", "reset", "html", "truncated", "token_expiry"])
def test_faults_of_a_page_are_read_over(sim, at_once, kind):
    times = 1 if kind == "token_expiry" else 2  # a new token that is refused at once ends the run
    sim.faults.add(Fault(kind, path="/PurchaseOrder", after=1, times=times, status=503))
    output = sync(sim, "purchase_orders", page_size=8)
    assert keys_of(output, "purchase_orders") == stored(sim, "PurchaseOrder")
    assert sim.sessions.all() == [] or kind == "token_expiry"


def test_one_odd_value_is_kept_and_told(sim, caplog):
    sim.edit("Bill", stored(sim, "Bill")[30], Amount="not a number")
    records = sync(sim, "bills", page_size=20).records["bills"]
    assert len(records) == len(stored(sim, "Bill"))
    assert [record["Amount"] for record in records].count("not a number") == 1
    assert "bills.Amount: a str where the schema has another type" in caplog.text
