"""Lists, records, expansion, order (apis/acumatica.md §1, §3)."""

from datetime import datetime
from itertools import chain

import pytest
import requests
from ml_connector_simulators.acumatica import ENTITIES, VERSIONS, Settings

from tests.acumatica_sim.conftest import Client, failure


def test_the_endpoints(start):
    sim = start(path="/AcumaticaERP")
    answer = requests.get(f"{sim.url}/AcumaticaERP/entity", timeout=10).json()
    assert [each["version"] for each in answer["endpoints"]] == list(VERSIONS)
    assert answer["endpoints"][0]["href"] == "/AcumaticaERP/entity/Default/22.200.001/"
    sim.set(bare_list=True)
    assert requests.get(f"{sim.url}/AcumaticaERP/entity", timeout=10).json() == answer["endpoints"]
    client = Client(sim)
    client.root = "/AcumaticaERP" + client.root
    (vendor,) = client.get("Vendor", top=1).json()
    assert client.call("GET", vendor["_links"]["self"]).json()["id"] == vendor["id"]


@pytest.mark.parametrize("path", ["/entity/Default/19.200.001/Vendor", "/entity/Other/24.200.001/Vendor", "Vendr"])
def test_what_is_not_there(reader, path):
    assert reader.get(path).status_code == 404


def test_a_record_is_wrapped(reader):
    vendor = reader.get("Vendor/HARBORPAPE").json()
    assert vendor["VendorName"] == {"value": "Harbor Paper Products"}
    assert vendor["AccountRef"] == {}
    assert vendor["MaxReceipt"] == {"value": 100}
    assert "MainContact" not in vendor
    assert '"MaxReceipt":{"value":100.000000}' in reader.get("Vendor/HARBORPAPE").text
    assert reader.get(f"Vendor/{vendor['id']}").json() == vendor


def test_a_missing_record_is_a_500(reader):
    assert failure(reader.get("Vendor/NOBODY")) == "NoEntitySatisfiesTheConditionException"
    assert failure(reader.get("Bill/Bill/9")) == "NoEntitySatisfiesTheConditionException"


def test_keys_may_be_joined_by_a_bar(reader):
    assert reader.read("Bill/Bill|000013")["ReferenceNbr"] == "000013"


def test_expansion_and_selection(reader):
    (vendor,) = reader.read("Vendor", top=1, expand="MainContact")
    assert "Address" not in vendor["MainContact"]
    (vendor,) = reader.read("Vendor", top=1, expand="MainContact,MainContact/Address")
    assert vendor["MainContact"]["Address"]["Country"] == "US"
    wanted = "VendorID,MainContact/Email"
    (vendor,) = reader.read("Vendor", top=1, expand="MainContact", select=wanted)
    assert vendor.keys() == {"id", "note", "VendorID", "MainContact"}
    assert vendor["MainContact"].keys() == {"id", "note", "Email"}
    (bill,) = reader.read("Bill", top=1, expand="Details,TaxDetails", select="ReferenceNbr,Details")
    assert bill.keys() == {"id", "note", "ReferenceNbr", "Details"}
    assert reader.get("Bill", select="Nothing").status_code == 500
    assert reader.get("Bill", expand="Vendor").status_code == 500


def test_pages(reader):
    every = [row["ReferenceNbr"] for row in reader.read("Bill")]
    pages = [[row["ReferenceNbr"] for row in reader.read("Bill", top=30, skip=skip)] for skip in (0, 30, 60, 90)]
    assert [len(page) for page in pages] == [30, 30, 20, 0]
    assert list(chain.from_iterable(pages)) == every
    assert len(set(every)) == 80
    assert reader.get("Bill", top="x").status_code == 500


def test_types_come_in_the_order_of_their_codes(reader):
    types = list(dict.fromkeys(row["Type"] for row in reader.read("Bill", select="Type")))
    assert types == ["Credit Adj.", "Debit Adj.", "Bill", "Prepayment"]
    later = reader.read("Bill", filter="Type gt 'Bill'", select="Type")
    assert {row["Type"] for row in later} == {"Prepayment"}


def test_other_orders(client):
    client.sim.set(types_by="label")
    types = list(dict.fromkeys(row["Type"] for row in client.read("Bill", select="Type")))
    assert types == ["Bill", "Credit Adj.", "Debit Adj.", "Prepayment"]
    numbers = [row["ReferenceNbr"] for row in client.read("Bill")]
    client.sim.set(order="shuffled")
    shuffled = [row["ReferenceNbr"] for row in client.read("Bill")]
    assert shuffled != numbers
    assert sorted(shuffled) == sorted(numbers)


def test_versions_know_other_fields(shared):
    receipts = {v: Client(shared, v).get("PurchaseReceipt", top=1).json()[0] for v in VERSIONS}
    assert [("LastModifiedDateTime" in row) for row in receipts.values()] == [False, True, True]
    items = {v: Client(shared, v).get("StockItem", top=1).json()[0] for v in VERSIONS}
    assert [("LastModifiedDateTime" in row) for row in items.values()] == [False, False, True]
    assert all("LastModified" in row for row in items.values())
    old = Client(shared, "22.200.001")
    assert old.get("PurchaseReceipt", filter="LastModifiedDateTime gt date'2026-01-01'").status_code == 500


def test_dates_are_midnights_of_the_servers_zone(client):
    bill = client.read("Bill/Bill/000013")
    assert bill["Date"][10:] == "T00:00:00-04:00"
    stored = client.sim.row("Bill", "Bill/000013")
    assert bill["Date"][:10] == stored["Date"]
    moment = datetime.fromisoformat(bill["LastModifiedDateTime"])
    assert moment == datetime.fromisoformat(stored["LastModifiedDateTime"])
    client.sim.edit("Bill", "Bill/000013", Description="x")
    assert client.read("Bill/Bill/000013")["LastModifiedDateTime"].endswith("-05:00")  # winter time has begun


def test_what_is_forbidden_or_not_set_up(client):
    client.sim.forbid("Subaccount")
    client.sim.set(not_set_up=["CostCode"])
    assert client.get("Subaccount").status_code == 403
    assert failure(client.get("CostCode")) == "PXSetupNotEnteredException"
    client.sim.permit("Subaccount")
    assert client.get("Subaccount").status_code == 200


def test_archived_rows_are_shown_on_demand(client):
    client.sim.archive("Bill", "Bill/000013")
    assert len(client.read("Bill")) == 79
    answer = client.call("GET", "Bill", headers={"PX-ApiArchive": "SHOW"})
    assert len(answer.json()) == 80


def test_a_list_cannot_bring_what_is_code(client):
    answer = client.get("Payment", expand="DocumentsToApply")
    assert failure(answer) == "CannotOptimizeException"
    assert "\r\nReferenceNbr: View Adjustments has BQL delegate\r\n" in answer.json()["exceptionMessage"]
    (line,) = client.read("Payment/Payment/000001", expand="DocumentsToApply")["DocumentsToApply"]
    assert line["DocType"] == "Invoice"
    client.sim.set(unoptimized={"Bill": {"Balance": "Document", "Details": "Transactions"}})
    assert client.get("Payment", expand="DocumentsToApply").status_code == 200
    assert "\r\nBalance: View Document has" in client.get("Bill").json()["exceptionMessage"]
    assert client.get("Bill", select="ReferenceNbr").status_code == 200
    assert failure(client.get("Bill", select="ReferenceNbr,Details", expand="Details")) == "CannotOptimizeException"


def test_an_inquiry_is_put(reader):
    assert failure(reader.get("CompaniesStructure")) == "CannotOptimizeException"
    results = reader.write("CompaniesStructure", {}, expand="Results")["Results"]
    assert [row["BranchID"] for row in results] == ["MAIN", "WEST"]
    assert not reader.sim.log.writes("CompaniesStructure")


def test_rows_without_notes_have_ids_of_a_session(shared):
    def ids(client, name):
        return [row["id"] for row in client.read("Bill/Bill/000001", expand=name)[name]]

    first, second = Client(shared), Client(shared)
    assert ids(first, "Details") == ids(second, "Details")
    assert ids(first, "TaxDetails") == ids(first, "TaxDetails") != ids(second, "TaxDetails")


@pytest.mark.parametrize("entity", sorted(set(ENTITIES) - {"CompaniesStructure"}))
def test_every_entity_is_listed(reader, entity):
    rows = reader.read(entity, top=3)
    assert rows
    assert all(row[key] for row in rows for key in ENTITIES[entity].keys)


def test_joined_views_may_find_nothing(start):
    client = Client(start(settings=Settings(joined_views_find_nothing=True)))
    both = "VendorID eq 'HARBORPAPE' and MainContact/Email eq 'ap@harborpaperproducts.example'"
    assert client.read("Vendor", filter=both) == []
    assert len(client.read("Vendor", filter=both.partition(" and ")[2])) == 1
