"""What comes out of a run: everything the tenant has, unwrapped, once, with its sums."""

from collections import defaultdict
from decimal import Decimal

import pytest
from ml_connector_simulators.acumatica.store import key_of
from tap_acumatica.streams import STREAMS

from tests.tap_acumatica.conftest import lists, run, sync, tap_of

ENTITIES = [stream for stream in STREAMS if stream.is_entity]
KEYS = {stream.name: stream.keys for stream in STREAMS}


def keys_of(output, stream):
    return sorted("/".join(record[name] for name in KEYS[stream]) for record in output.records[stream])


def stored(sim, entity):
    return sorted(key_of(entity, row) for row in sim.rows(entity))


@pytest.fixture(scope="module")
def whole(shared):
    return sync(shared, page_size=7)


def test_every_record_comes_once(shared, whole):
    for stream in ENTITIES:
        assert keys_of(whole, stream.name) == stored(shared, stream.path), stream.name
        assert {record["_company"] for record in whole.records[stream.name]} == {"DEMO"}


def test_order_is_masters_first(whole):
    order = list(dict.fromkeys(stream for kind, stream in whole.order if kind == "RECORD"))
    assert order.index("vendors") < order.index("purchase_orders") < order.index("bills") < order.index("checks")


def test_the_sums_are_those_of_the_company(shared, whole):
    for stream in (each for each in ENTITIES if each.amount):
        sums = defaultdict(Decimal)
        for row in shared.rows(stream.path):
            sums[row[stream.currency]] += Decimal(str(row[stream.amount]))
        told = whole.totals(stream.name)["sums"]
        assert {name: Decimal(total) for name, total in told.items()} == sums, stream.name


def test_values_are_plain(whole):
    bill = next(each for each in whole.records["bills"] if each["TaxDetails"])
    assert len(bill["Date"]) == 10
    assert bill["LastModifiedDateTime"].endswith("+00:00")
    assert isinstance(bill["Amount"], Decimal)
    assert bill["Details"][0]["rowNumber"] == 1
    assert "_links" not in bill
    assert "Applications" not in bill
    vendor = whole.records["vendors"][0]
    assert vendor["MainContact"]["Address"]["Country"]
    assert "PaymentInstructions" not in vendor
    assert not {"DateOfBirth", "Gender"} & vendor["MainContact"].keys()


def test_single_keys_page_by_key_and_others_by_skip(shared, whole):
    assert [query.get("$skip") for query in lists(shared, "Vendor")] == [None] * 6
    assert lists(shared, "Vendor")[1]["$filter"] == f"VendorID gt '{stored(shared, 'Vendor')[6]}'"
    assert [query["$skip"] for query in lists(shared, "PurchaseOrder")] == ["0", "6", "13", "20", "27"]


def test_a_second_run_asks_for_changes_only(sim):
    state = sync(sim, "vendors", "bills", "customers", "subaccounts").states[-1]
    sim.clock.advance(3600 * 24)
    sim.edit("Vendor", sim.rows("Vendor")[3]["VendorID"], VendorName="Renamed")
    sim.edit("Customer", sim.rows("Customer")[2]["CustomerID"], CustomerName="Renamed")
    sim.log.clear()
    again = sync(sim, "vendors", "bills", "customers", "subaccounts", state=state)
    assert [each["VendorName"] for each in again.records["vendors"]].count("Renamed") == 1
    assert len(again.records["vendors"]) < 5
    assert any(each["CustomerName"] == "Renamed" for each in again.records["customers"])
    assert len(again.records["subaccounts"]) == len(sim.rows("Subaccount"))
    (query,) = lists(sim, "Vendor")
    assert query["$filter"].startswith("LastModifiedDateTime ge datetimeoffset'2026-")
    assert query["$filter"].endswith("+00:00'")
    bookmarks = again.states[-1]["bookmarks"]
    assert bookmarks["vendors"]["replication_key_value"] > state["bookmarks"]["vendors"]["replication_key_value"]


def test_a_filter_never_joins_two_views(sim):
    """The customer's key and stamp are in two views, over which a filter may find nothing without a word (§3)."""
    sync(sim, "customers", "vendors", page_size=6, start_date="2020-01-01T00:00:00Z")
    assert all(" gt " not in query["$filter"] for query in lists(sim, "Customer"))
    assert any(" gt " in query["$filter"] for query in lists(sim, "Vendor"))


@pytest.mark.parametrize(
    ("version", "stamps"),
    [
        ("22.200.001", {"purchase_receipts": None, "stock_items": "LastModified", "subaccounts": None}),
        ("23.200.001", {"purchase_receipts": "LastModifiedDateTime", "stock_items": "LastModified"}),
        ("24.200.001", {"purchase_receipts": "LastModifiedDateTime", "stock_items": "LastModifiedDateTime"}),
    ],
)
def test_the_last_modified_field_follows_the_version(shared, version, stamps):
    shared.log.clear()
    output = sync(shared, *stamps, endpoint_version=version, start_date="2020-01-01T00:00:00Z")
    found = {name: output.states[-1]["bookmarks"][name].get("replication_key") for name in stamps}
    assert found == stamps
    assert len(output.records["purchase_receipts"]) == len(shared.rows("PurchaseReceipt"))
    assert all(f"/{version}/" in each.path for each in shared.log.requests() if "/Default/" in each.path)


def test_only_what_is_selected_is_asked_for(shared):
    choice = {"Applications": True, "Details": False, "TaxDetails": False, "Description": False}
    tap = tap_of(shared, "bills", choice=choice, extra_parts=True)
    shared.log.clear()
    output = run(tap)
    (query,) = lists(shared, "Bill")
    assert query["$expand"] == "Applications"
    assert "Description" not in query["$select"].split(",")
    assert {"Type", "ReferenceNbr", "LastModifiedDateTime"} <= set(query["$select"].split(","))
    assert "Details" not in output.records["bills"][0]
    assert output.records["bills"][0]["Applications"] is not None


def test_archived_records_come_on_demand(sim):
    sim.archive("Bill", key_of("Bill", sim.rows("Bill")[0]))
    assert len(sync(sim, "bills").records["bills"]) == len(sim.rows("Bill")) - 1
    assert len(sync(sim, "bills", include_archived=True).records["bills"]) == len(sim.rows("Bill"))


def test_custom_fields_are_asked_for(shared):
    shared.log.clear()
    fields = {"Vendor": ["BAccount.UsrRating"]}
    schema = sync(shared, "vendors", custom_fields=fields).schemas["vendors"]["schema"]
    (request,) = [each for each in shared.log.requests() if each.path.endswith("/Vendor")]
    assert request.query["$custom"] == "BAccount.UsrRating"
    assert "custom" in schema["properties"]


CENTRES = {
    "segment": ({"cost_center_segment": 1}, "ADM", True),
    "second segment": ({"cost_center_segment": 2}, "020", True),
    "whole subaccount": ({"cost_center_segment": None}, "ADM-000", True),
    "branch": ({"cost_center_source": "branch"}, "MAIN", True),
    "cost code": ({"cost_center_source": "cost_code"}, None, None),
}


@pytest.mark.parametrize("case", CENTRES)
def test_cost_centres_are_what_the_tenant_uses_as_such(shared, case):
    changes, code, active = CENTRES[case]
    records = sync(shared, "cost_centers", **changes).records["cost_centers"]
    codes = [record["code"] for record in records]
    assert codes == sorted(set(codes))
    if code:
        found = next(record for record in records if record["code"] == code)
        assert found["active"] is active
        assert found["description"]
    else:
        assert codes == [row["CostCodeID"] for row in shared.rows("CostCode")]


def test_a_forbidden_stream_stops_or_is_skipped(sim):
    sim.forbid("Subaccount")
    sim.settings.not_set_up.add("Project")
    output = sync(sim, "subaccounts", "projects", "vendors", on_forbidden="skip")
    assert set(output.records) == {"vendors"}
    checks = {check.name: check for check in tap_of(sim, "subaccounts", "projects", "vendors").ping()}
    assert not checks["subaccounts"].ok
    assert not checks["projects"].ok
    assert "Set the form up" in checks["projects"].detail
    assert checks["vendors"].ok


def test_is_as_read_takes_one_request(sim):
    tap = tap_of(sim, "bills", "subaccounts")
    record = run(tap).records["bills"][0]
    stream = tap.streams["bills"]
    sim.log.clear()
    assert stream.is_as_read(record)
    assert len([each for each in sim.log.requests() if "/Bill/" in each.path]) == 1
    sim.edit("Bill", "/".join((record["Type"], record["ReferenceNbr"])), Description="Another")
    assert not stream.is_as_read(record)
    sim.remove("Bill", "/".join((record["Type"], record["ReferenceNbr"])))
    assert not stream.is_as_read(record)
    assert not tap.streams["subaccounts"].is_as_read({"id": "x"})
    tap.close()


def test_a_wildcard_selects_no_extra_part_and_nothing_private(shared):
    every = {name for stream in ENTITIES for name in stream.types()}
    shared.log.clear()
    record = sync(shared, "vendors", "payments", choice=dict.fromkeys(every, True)).records["vendors"][0]
    assert [query["$expand"] for query in lists(shared, "Vendor")] == ["MainContact,MainContact/Address"]
    assert all("$expand" not in query for query in lists(shared, "Payment"))
    assert "RemittanceContact" not in record
    choice = dict.fromkeys(every, True)
    record = sync(shared, "vendors", choice=choice, extra_parts=True, include_private=True).records["vendors"][0]
    assert {"RemittanceContact", "PaymentInstructions"} <= record.keys()
