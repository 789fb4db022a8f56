"""Actions and long operations (apis/acumatica.md §5 Actions)."""

import pytest
from ml_connector_simulators.acumatica import Settings

from tests.acumatica_sim.conftest import Client, failure

HELD = "Bill/000012"


def status(client, entity, key):
    return client.sim.row(entity, key)["Status"]


def test_the_workflow_of_an_order(start):
    client = Client(start(settings=Settings(approvals=True)))
    keys = {"OrderNbr": "PO000007"}
    told = []
    for action in ("RemoveHold", "Approve", "PutOnHold", "ReleaseFromHold", "Reject"):
        answer = client.act("PurchaseOrder", action, keys)
        assert answer.status_code == 204
        told.append(status(client, "PurchaseOrder", "Normal/PO000007"))
    assert told == ["Pending Approval", "Open", "On Hold", "Pending Approval", "Rejected"]
    assert client.call("GET", answer.headers["Location"]).json()["OrderNbr"] == {"value": "PO000007"}
    assert failure(client.act("PurchaseOrder", "Approve", keys)) == "PXException"
    assert client.act("PurchaseOrder", "Nothing", keys).status_code == 404
    assert (
        failure(client.act("PurchaseOrder", "Approve", {"OrderNbr": "X"})) == "NoEntitySatisfiesTheConditionException"
    )
    assert client.call("POST", "PurchaseOrder/Approve", json={}).status_code == 400


def test_a_release_takes_its_time(client):
    assert client.act("Bill", "RemoveHold", {"ReferenceNbr": "000012"}).status_code == 204
    answer = client.act("Bill", "ReleaseBill", {"Type": "Bill", "ReferenceNbr": "000012"})
    assert answer.headers["Location"].startswith("/entity/Default/24.200.001/Bill/ReleaseBill/status/")
    assert status(client, "Bill", HELD) == "Balanced"
    assert failure(client.get("Bill")) == "PXException"  # the form is busy in this session
    assert client.get("Vendor").status_code == 200
    assert Client(client.sim).get("Bill").status_code == 200
    assert client.finish(answer) == [202, 202, 204]
    assert status(client, "Bill", HELD) == "Open"
    assert client.get("Bill").status_code == 200
    again = client.act("Bill", "ReleaseBill", {"ReferenceNbr": "000012"})
    last = client.call("GET", again.headers["Location"])
    assert (last.status_code, failure(client.call("GET", again.headers["Location"]))) == (202, "PXException")


def test_an_operation_ends_by_itself(client):
    client.act("Bill", "RemoveHold", {"ReferenceNbr": "000012"})
    client.act("Bill", "ReleaseBill", {"ReferenceNbr": "000012"})
    client.sim.clock.advance(61)
    assert client.get("Bill/Bill/000012").json()["Status"] == {"value": "Open"}


@pytest.fixture
def quick(start):
    return Client(start(settings=Settings(operation_polls=0, location_on_done=False)))


def test_checks_pay_and_are_voided(quick):
    bill = next(row for row in quick.sim.rows("Bill") if row["Status"] == "Open" and row["Type"] == "Bill")
    line = {"DocType": "Bill", "ReferenceNbr": bill["ReferenceNbr"], "AmountPaid": bill["Balance"].__float__()}
    body = {"Vendor": bill["Vendor"], "PaymentAmount": line["AmountPaid"], "PaymentRef": "77", "Details": [line]}
    check = quick.write("Check", body, select="ReferenceNbr,Status,UnappliedBalance")
    assert (check["Status"], check["UnappliedBalance"]) == ("Balanced", 0)
    keys = {"ReferenceNbr": check["ReferenceNbr"]}
    done = quick.act("Check", "ReleaseCheck", keys)
    assert (done.status_code, "location" in done.headers) == (204, False)
    key = f"Bill/{bill['ReferenceNbr']}"
    assert (status(quick, "Bill", key), quick.sim.row("Bill", key)["Balance"]) == ("Closed", 0)
    assert quick.act("Check", "VoidCheck", keys).status_code == 204
    assert quick.sim.row("Bill", key)["Balance"] == bill["Balance"]
    assert quick.sim.row("Check", f"Voided Payment/{keys['ReferenceNbr']}")["PaymentAmount"] == -bill["Balance"]
    over = body | {"PaymentAmount": 9**9, "Details": [line | {"AmountPaid": 9**9}]}
    assert quick.put("Check", over).status_code == 422


def test_receipts_are_received(quick):
    order = next(row for row in quick.sim.rows("PurchaseOrder") if row["Status"] == "Open")
    body = {"VendorID": order["VendorID"], "Hold": False, "Details": [{"POOrderNbr": order["OrderNbr"]}]}
    receipt = quick.write("PurchaseReceipt", body, select="ReceiptNbr", expand="Details")
    assert len(receipt["Details"]) == len(order["Details"])
    assert (
        quick.act("PurchaseReceipt", "ReleasePurchaseReceipt", {"ReceiptNbr": receipt["ReceiptNbr"]}).status_code == 204
    )
    assert status(quick, "PurchaseOrder", f"Normal/{order['OrderNbr']}") == "Completed"


def test_batches_and_invoices_are_released(quick):
    lines = [{"Account": "61000", "DebitAmount": 5}, {"Account": "10200", "CreditAmount": 5}]
    batch = quick.write("JournalTransaction", {"Hold": False, "Details": lines}, select="BatchNbr")
    assert quick.act("JournalTransaction", "ReleaseJournalTransaction", batch | {"Module": "GL"}).status_code == 204
    assert status(quick, "JournalTransaction", f"GL/{batch['BatchNbr']}") == "Posted"
    invoice = quick.write(
        "Invoice", {"Customer": "C000001", "Hold": False, "Details": [{"InventoryID": "APPLES"}]}, select="ReferenceNbr"
    )
    assert quick.act("Invoice", "ReleaseInvoice", invoice).status_code == 204
    assert status(quick, "Invoice", f"Invoice/{invoice['ReferenceNbr']}") == "Open"


def test_a_bill_is_reversed(quick):
    assert quick.act("Bill", "ReverseBill", {"ReferenceNbr": "000001"}).status_code == 204
    made = quick.sim.row("Bill", "Debit Adj./000081")
    assert made["Amount"] == quick.sim.row("Bill", "Bill/000001")["Amount"]
