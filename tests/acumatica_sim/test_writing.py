"""PUT and DELETE (apis/acumatica.md §5)."""

from decimal import Decimal

import pytest
import requests
from ml_connector_simulators.acumatica import ENTITIES
from ml_connector_simulators.acumatica.contract import CONTRACTS, NESTED

from tests.acumatica_sim.conftest import NEWEST, Client, failure, wrap

LINE = {"InventoryID": "APPLES", "OrderQty": 10, "UnitCost": 2.5}
ORDER = {"VendorID": "ALLFRUITSW", "Hold": False, "VendorRef": "REQ-1", "Details": [LINE]}
BILL = {
    "Vendor": "HARBORPAPE",
    "VendorRef": "INV-1",
    "Date": "2026-11-02",
    "Hold": False,
    "Details": [{"Account": "61300", "Subaccount": "ADM-000", "Branch": "MAIN", "ExtendedCost": 120.5}],
}


def errors(node, path=""):
    """Every error in an echoed entity, by its path."""
    found = {path: node["error"]} if isinstance(node, dict) and "error" in node else {}
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, value in inner:
        found |= errors(value, f"{path}/{name}")
    return found


def test_an_order_is_numbered_and_added_up(client):
    answer = client.write(
        "PurchaseOrder", ORDER, expand="Details", select="OrderNbr,Details/LineNbr,Details/ExtendedCost"
    )
    assert answer.keys() == {"id", "note", "VendorID", "Hold", "VendorRef", "OrderNbr", "Details"}
    assert answer["OrderNbr"] == "PO000031"
    (line,) = answer["Details"]
    assert line.keys() == {"id", "note", "InventoryID", "OrderQty", "UnitCost", "LineNbr", "ExtendedCost"}
    assert (line["LineNbr"], line["ExtendedCost"]) == (1, 25)
    order = client.read("PurchaseOrder/Normal/PO000031")
    assert (order["Status"], order["OrderTotal"], order["Branch"], order["Terms"]) == ("Open", 25, "MAIN", "NET30")


def test_a_repeated_put_makes_a_second_document(client):
    numbers = [client.write("PurchaseOrder", ORDER, select="OrderNbr")["OrderNbr"] for _ in range(2)]
    assert numbers == ["PO000031", "PO000032"]
    again = client.write("PurchaseOrder", ORDER | {"OrderNbr": "PO999999"}, select="OrderNbr")
    assert again["OrderNbr"] == "PO000033"  # a number of our own is not kept
    client.sim.set(unknown_number="refuse")
    assert (
        failure(client.put("PurchaseOrder", ORDER | {"OrderNbr": "PO999999"}))
        == "NoEntitySatisfiesTheConditionException"
    )


def test_nested_rows_are_absent_unless_expanded(client):
    assert "Details" not in client.write("PurchaseOrder", ORDER)
    client.sim.set(put_answers="all")
    assert client.write("PurchaseOrder", ORDER)["OrderNbr"] == "PO000032"


def lines_of(client, number):
    return client.read(f"PurchaseOrder/Normal/{number}", expand="Details")["Details"]


def test_details_append_unless_named(client):
    client.write("PurchaseOrder", ORDER)
    keys = {"OrderNbr": "PO000031"}
    client.write("PurchaseOrder", keys | {"Details": [LINE]})
    first, second = lines_of(client, "PO000031")
    assert (first["LineNbr"], second["LineNbr"]) == (1, 2)
    client.write(
        "PurchaseOrder", keys | {"Details": [{"LineNbr": 1, "OrderQty": 3}, {"id": second["id"], "OrderQty": 4}]}
    )
    assert [row["OrderQty"] for row in lines_of(client, "PO000031")] == [3, 4]
    client.write("PurchaseOrder", keys | {"Details": [{"id": first["id"], "delete": True}]})
    (left,) = lines_of(client, "PO000031")
    assert left["id"] == second["id"]
    assert client.read("PurchaseOrder/Normal/PO000031")["OrderTotal"] == 10
    unknown = keys | {"Details": [{"id": first["id"], "OrderQty": 1}]}
    assert failure(client.put("PurchaseOrder", unknown)) == "NoEntitySatisfiesTheConditionException"


def test_bill_lines_have_only_their_id(client):
    bill = client.write("Bill", BILL, expand="Details", select="ReferenceNbr,Amount")
    assert bill["Amount"] == Decimal("120.5")
    keys = {"ReferenceNbr": bill["ReferenceNbr"]}
    client.write("Bill", keys | {"Details": [{"id": bill["Details"][0]["id"], "ExtendedCost": 100}]})
    assert client.read(f"Bill/Bill/{bill['ReferenceNbr']}")["Amount"] == 100
    client.write("Bill", keys | {"Details": BILL["Details"]})
    assert client.read(f"Bill/Bill/{bill['ReferenceNbr']}")["Amount"] == Decimal("220.5")


def test_derived_fields_are_dropped_without_a_word(client):
    answer = client.write("PurchaseOrder", ORDER | {"OrderTotal": 9, "Status": "Closed"})
    assert (answer["OrderTotal"], answer["Status"]) == (25, "Open")
    link = {"LedgerID": "ACTUAL", "Companies": [{"Company": "OTHER"}]}
    (company,) = client.write("Ledger", link, expand="Companies")["Companies"]
    assert company["Company"] == "RIVERBEND"


def test_found_by_id_key_or_filter(client):
    vendor = client.read("Vendor/HARBORPAPE")
    client.write("Vendor", {"id": vendor["id"], "Terms": "NET15"})
    client.write("Vendor", {"VendorID": "harborpape", "AccountRef": "4711"})
    client.write("Vendor", {"TaxRegistrationID": "1"}, filter="MainContact/Email eq 'ap@harborpaperproducts.example'")
    changed = client.read("Vendor/HARBORPAPE")
    assert [changed[name] for name in ("Terms", "AccountRef", "TaxRegistrationID")] == ["NET15", "4711", "1"]
    assert changed["LastModifiedDateTime"] > vendor["LastModifiedDateTime"]
    client.write("Vendor", {"VendorID": "HARBORPAPE", "AccountRef": None})
    assert client.get("Vendor/HARBORPAPE").json()["AccountRef"] == {}
    assert failure(client.put("Vendor", {"Terms": "NET15"}, filter="CurrencyID eq 'USD'")) == "PXException"
    assert len(client.read("Vendor")) == 40


def test_nothing_new_changes_nothing(client):
    before = client.read("Bill/Bill/000001")
    client.write("Bill", {"ReferenceNbr": "000001", "VendorRef": before["VendorRef"]})
    assert client.read("Bill/Bill/000001") == before


@pytest.mark.parametrize("entity", sorted(set(ENTITIES) - {"CompaniesStructure"}))
def test_what_was_read_can_be_written_back_and_changes_nothing(shared, entity):
    client = Client(shared)
    nested = [each.name for each in CONTRACTS[NEWEST].fields(entity).values() if each.type in NESTED]
    for row in client.get(entity, top=7).json():
        key = "/".join(row[name]["value"] for name in ENTITIES[entity].keys)
        before = shared.row(entity, key)
        whole = client.get(f"{entity}/{row['id']}", expand=",".join(nested)).json()
        answer = client.call("PUT", entity, json=whole)
        assert (answer.status_code, shared.row(entity, key)) == (200, before)


def test_conditions_of_headers(client):
    vendor = {"VendorID": "HARBORPAPE", "VendorName": "Harbor"}
    assert client.put("Vendor", vendor, {"If-None-Match": "*"}).status_code == 412
    assert client.put("Vendor", vendor, {"If-Match": "*"}).status_code == 200
    assert client.put("Vendor", vendor | {"VendorID": "NEW1"}, {"If-Match": "*"}).status_code == 412
    assert client.put("Vendor", vendor | {"VendorID": "NEW1"}, {"If-None-Match": "*"}).status_code == 200


def test_branch_and_date_of_headers(client):
    answer = client.put("PurchaseOrder", ORDER, {"PX-CbApiBranch": "WEST", "PX-CbApiBusinessDate": "2026/11/05"})
    order = client.sim.row("PurchaseOrder", "Normal/PO000031")
    assert (answer.status_code, order["Branch"], order["Date"]) == (200, "WEST", "2026-11-05")
    assert failure(client.put("PurchaseOrder", ORDER, {"PX-CbApiBranch": "NOWHERE"})) == "PXException"


def with_line(body, **line):
    """A document with one line, which is this."""
    return body | {"Details": [line]}


PAID = {"Vendor": "HARBORPAPE", "PaymentAmount": 5}
UNKNOWN = dict.fromkeys(("Account", "Subaccount", "CostCode", "Project"), "1")


@pytest.mark.parametrize(
    ("entity", "body", "paths"),
    [
        ("PurchaseOrder", {"Details": [LINE]}, {"/VendorID"}),
        ("PurchaseOrder", ORDER | {"VendorID": "NOBODY"}, {"/VendorID"}),
        ("PurchaseOrder", ORDER | {"VendorID": "OLDMILLSTA"}, {"/VendorID"}),
        ("PurchaseOrder", ORDER | {"Branch": "EAST"}, {"/Branch", "/Details/0/BranchID"}),
        ("PurchaseOrder", ORDER | {"CurrencyID": "XXX"}, {"/CurrencyID"}),
        ("PurchaseOrder", ORDER | {"Details": [LINE, LINE | {"InventoryID": "NOTHING"}]}, {"/Details/1/InventoryID"}),
        ("PurchaseOrder", ORDER | {"Details": [LINE | {"InventoryID": "OLDMIXER"}]}, {"/Details/0/InventoryID"}),
        ("PurchaseOrder", ORDER | {"Details": [LINE | {"OrderQty": -1}]}, {"/Details/0/OrderQty"}),
        ("Bill", BILL | {"Vendor": "NOBODY"}, {"/Vendor"}),
        ("Bill", BILL | {"PostPeriod": "092026"}, {"/PostPeriod"}),
        ("Bill", BILL | {"Date": "2026-09-30"}, {"/PostPeriod"}),
        ("Bill", with_line(BILL, Account="69900", Subaccount="ADM-000"), {"/Details/0/Account"}),
        ("Bill", with_line(BILL, Account="61300", Subaccount="OLD-000"), {"/Details/0/Subaccount"}),
        ("Bill", with_line(BILL, **UNKNOWN), {f"/Details/0/{name}" for name in UNKNOWN}),
        ("Bill", BILL | {"Details": [{"ExtendedCost": 1}]}, {"/Details/0/Account", "/Details/0/Subaccount"}),
        ("Vendor", {"VendorID": "F1", "VendorName": "F", "VendorClass": "FOREIGN"}, {"/MainContact/Address/Country"}),
        ("Vendor", {"VendorID": "F1", "VendorName": "F", "Status": "Sleepy"}, {"/Status"}),
        ("Vendor", {"VendorID": "OBSTHOFBOD", "VendorClass": "X"}, {"/VendorClass"}),
        ("Vendor", {"VendorName": "F"}, {"/VendorID"}),
        ("Bill", BILL | {"Type": "INV"}, {"/Type"}),
        ("Check", with_line(PAID, ReferenceNbr="999999"), {"/Details/0/ReferenceNbr"}),
        ("JournalTransaction", {"Hold": False, "Details": [{"Account": "61000", "DebitAmount": 5}]}, set()),
        ("Account", {"AccountCD": "77777", "Description": "x", "Type": "Thing"}, {"/Type"}),
    ],
)  # fmt: skip
def test_what_cannot_be_is_echoed_with_errors(client, entity, body, paths):
    answer = client.put(entity, body)
    assert answer.status_code == 422
    assert errors(answer.json()).keys() == {"", *paths}
    number = {"PurchaseOrder": "OrderNbr", "Bill": "ReferenceNbr"}.get(entity)
    assert number is None or answer.json()[number] == {"value": "<NEW>"}


def test_messages_pad_segmented_keys(client):
    answer = client.put("Bill", BILL | {"Details": [BILL["Details"][0] | {"Project": "TES2323T"}]})
    project = answer.json()["Details"][0]["Project"]
    assert project == {"value": "TES2323T", "error": "Project 'TES2323T  ' cannot be found in the system."}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"VendorID": "X"}',
        b'{"Details": {}}',
        b'{"Details": [1]}',
        b'{"id": "x"}',
        b'{"Details": [{"OrderQty": {"value": "many"}}]}',
        b'{"Hold": {"value": "perhaps"}}',
        b'{"Date": {"value": "soon"}}',
    ],
)
def test_what_is_no_entity(client, body):
    answer = client.call("PUT", "PurchaseOrder", data=body)
    assert answer.status_code == 400
    assert answer.json().keys() == {"message", "modelState"}


def test_unknown_fields_are_ignored_or_refused(client):
    assert client.put("PurchaseOrder", ORDER | {"Colour": "red"}).status_code == 200
    client.sim.set(unknown_fields="refuse")
    answer = client.put("PurchaseOrder", ORDER | {"Colour": "red"})
    assert list(answer.json()["modelState"]) == ["entity.Colour"]


def test_finished_documents_are_locked(client):
    paid = next(row for row in client.sim.rows("Bill") if row["Status"] == "Closed")
    keys = {"Type": paid["Type"], "ReferenceNbr": paid["ReferenceNbr"]}
    assert failure(client.put("Bill", keys | {"Description": "x"})) == "PXException"
    assert failure(client.call("DELETE", f"Bill/Bill/{paid['ReferenceNbr']}")) == "PXException"
    assert client.call("DELETE", "Bill/Bill/000012").status_code == 204
    assert failure(client.get("Bill/Bill/000012")) == "NoEntitySatisfiesTheConditionException"
    assert client.call("PATCH", "Bill", json={}).status_code == 405


def test_bills_of_orders_and_receipts(client):
    order = client.sim.row("PurchaseOrder", "Normal/PO000003")
    line = {"POOrderType": "Normal", "POOrderNbr": "PO000003", "POLine": 1, "Qty": 2}
    bill = client.write("Bill", {"Vendor": order["VendorID"], "Details": [line]}, expand="Details")
    assert bill["Details"][0]["ExtendedCost"] == 2 * order["Details"][0]["UnitCost"]
    receipt = client.sim.row("PurchaseReceipt", "Receipt/000001")
    bill = client.write(
        "Bill",
        {"Vendor": receipt["VendorID"], "Details": [{"POReceiptNbr": "000001", "POReceiptLine": 1}]},
        expand="Details",
    )
    assert bill["Details"][0]["Qty"] == receipt["Details"][0]["ReceiptQty"]
    answer = client.put("Bill", {"Vendor": order["VendorID"], "Details": [line | {"POLine": 99}]})
    assert "/Details/0/POLine" in errors(answer.json())


def test_taxes_by_zone_or_as_sent(client):
    vendor = next(row["VendorID"] for row in client.sim.rows("Vendor") if row["TaxZone"] == "CAZONE")
    body = BILL | {"Vendor": vendor, "Details": [{**BILL["Details"][0], "ExtendedCost": 100, "TaxCategory": "TAXABLE"}]}
    bill = client.write("Bill", body, select="TaxTotal,Amount")
    assert (bill["TaxTotal"], bill["Amount"]) == (Decimal("7.25"), Decimal("107.25"))
    sent = {"IsTaxValid": True, "TaxDetails": [{"TaxID": "CASTATETAX", "TaxableAmount": 100, "TaxAmount": 7}]}
    assert client.write("Bill", body | sent, select="Amount")["Amount"] == 107


def test_a_vendors_number_may_have_to_be_new(client):
    client.write("Bill", BILL)
    client.write("Bill", BILL)
    client.sim.set(duplicate_refs="refuse")
    assert "/VendorRef" in errors(client.put("Bill", BILL).json())


def test_vendors_may_be_numbered(client):
    client.sim.set(number_vendors=True)
    answer = client.write("Vendor", {"VendorName": "New"}, select="VendorID")
    assert answer["VendorID"] == "V000001"
    assert client.write("Vendor", {"VendorID": "V000001", "VendorName": "Newer"})["id"] == answer["id"]


def test_a_date_with_an_offset_is_the_servers_day(client):
    for sent, kept in (
        ("2026-11-05", "2026-11-05"),
        ("2026-11-05T00:00:00+00:00", "2026-11-04"),
        ("11/05/2026", "2026-11-05"),
    ):
        client.write("PurchaseOrder", {"OrderNbr": "PO000007", "PromisedOn": sent})
        assert client.sim.row("PurchaseOrder", "Normal/PO000007")["PromisedOn"] == kept


def test_notes_and_custom_fields(client):
    custom = {"Document": {"AttributeX": {"type": "CustomStringField", "value": "K-1"}}}
    body = wrap(ORDER) | {"note": {"value": "by hand"}, "custom": custom}
    shown = client.call("PUT", "PurchaseOrder?$custom=Document.AttributeX", json=body).json()
    assert (shown["note"], shown["custom"]) == ({"value": "by hand"}, custom)
    found = client.get("PurchaseOrder", filter="cf.String(f='Document.AttributeX') eq 'K-1'").json()
    assert [row["custom"] for row in found] == [{}]


def test_the_log_tells_writes(client):
    client.put("PurchaseOrder", ORDER)
    client.get("PurchaseOrder", top=1)
    assert [(each.method, each.status) for each in client.sim.log.writes()] == [("PUT", 200)]
    edit = {"edit": "edit", "entity": "Vendor", "key": "HARBORPAPE", "changes": {"MainContact.Email": "new@x.example"}}
    assert requests.post(f"{client.sim.url}/_sim/edit", json=edit, timeout=10).status_code == 200
    assert client.read("Vendor/HARBORPAPE", expand="MainContact")["MainContact"]["Email"] == "new@x.example"
    client.sim.remove("Vendor", "HARBORPAPE")
    client.sim.add("Vendor", {"VendorID": "ADDED"})
    assert {row["VendorID"] for row in client.read("Vendor")} >= {"ADDED"}
