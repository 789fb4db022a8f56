"""The whole verb over real processes and real HTTP: what happened behind our back in either system is found."""

from __future__ import annotations

import json
from typing import Any

from ml_connector.store import open_store, tables

from tests.reconcile.conftest import Office, office

__all__ = ["office"]
KEY = "visma:NO01:supplier_invoices:Invoice/{}"
NOK = ("supplier_invoices", "NOK")


def nok(told: Any) -> dict[str, Any]:
    return next(each for each in told["balances"] if (each["record_type"], each["currency"]) == NOK)


def landed(office: Office, number: str, table: str = "sn_shop_invoice") -> list[dict[str, Any]]:
    return office.flow.servicenow.table(table, external_invoice_number=f"Invoice/{number}")


def writes(office: Office) -> int:
    return len(office.flow.servicenow.log.writes())


def events(office: Office, number: str) -> list[str]:
    store = open_store(office.flow.store_url)
    with store.reading() as connection:
        mine = tables.events.c.business_key == KEY.format(number)
        query = tables.events.select().where(mine).order_by(tables.events.c.seq)
        found = [row["kind"] for row in connection.execute(query).mappings()]
    store.close()
    return found


def test_what_changed_in_the_target_is_found_and_nothing_is_written(office: Office) -> None:
    servicenow, before = office.flow.servicenow, writes(office)
    balanced = office.told("--reread", "--census")
    assert balanced["exit_code"] == 4, balanced["points"]  # nothing but what waits
    assert {point["words"] for point in balanced["points"]} == {"9 records parked", "2 records refused"}
    ends = {kind: each["amount"] for kind, each in nok(balanced).items() if isinstance(each, dict)}
    assert ends == {
        "source": "9125595.27",
        "delivered": "8759054.86",
        "parked": "267078.97",
        "refused": "81732.57",
        "skipped": "17728.87",
    }
    assert balanced["target"]["counts"] == {"equal": office.flow.states()["delivered"]}
    assert all(each["ours"] == each["theirs"] for each in balanced["target"]["sums"])
    compared = {table["read_in"]: table["compared"] for table in balanced["target"]["tables"]}
    assert {"u_amount_invoiced", "u_supplier", "u_external_invoice_number"} <= set(compared["sn_shop_invoice"])
    assert {"u_gl_account", "u_cost_center", "u_line_amount_invoiced"} <= set(compared["sn_shop_invoice_line"])

    october = office.told("--period", "2026-10")
    assert nok(october)["delivered"]["amount"] == "8759054.86"
    assert nok(october)["skipped"] == {"count": 1, "amount": "14537.10"}, "the one before the cutover is of September"
    assert (october["gaps"]["without_period"], october["gaps"]["without_accounts"]) == (0, 0)
    assert {each["account"] for each in october["accounts"] if "parked" in each} >= {"6790", "1200"}

    (edited,), (deleted,) = landed(office, "100004"), landed(office, "100022")
    servicenow.update("sn_shop_invoice", edited["sys_id"], amount_invoiced="NOK;1.00")
    servicenow.delete("sn_shop_invoice", deleted["sys_id"])
    line = landed(office, "100005", "sn_shop_invoice_line")[0]
    servicenow.delete("sn_shop_invoice_line", line["sys_id"])
    moved = landed(office, "100006", "sn_shop_invoice_line")[0]
    other = next(row for row in servicenow.table("cmn_cost_center") if row["sys_id"] != moved["cost_center"])
    servicenow.update("sn_shop_invoice_line", moved["sys_id"], cost_center=other["sys_id"])
    told = office.told("--reread", "--html", "report.html")
    assert told["exit_code"] == 5
    found = {each["title"].split()[0]: each for each in told["target"]["changed"]}
    assert {key: each["words"] for key, each in found.items()} == {
        "100004": "differs",
        "100005": "rows missing",
        "100006": "differs",
        "100022": "missing",
    }
    assert list(found["100006"]["rows"][0]["differences"]) == ["u_cost_center"]
    assert found["100004"]["rows"][0]["differences"] == {"u_amount_invoiced": ["104982.00", "1.00"]}
    assert found["100004"]["next"] == f"ml-connector trace {KEY.format('100004')}"
    (sums,) = (each for each in told["target"]["sums"] if each["currency"] == "NOK" and each["count"] > 100)
    assert (sums["ours"], sums["theirs"]) == ("8759054.86", "8631518.83")
    assert "104,982.00 NOK" in (office.root / "report.html").read_text()
    assert writes(office) == before, "a reconciliation must not write"


def test_what_the_source_lost_is_cancelled_or_waits_for_a_person(office: Office) -> None:
    visma, servicenow = office.flow.visma, office.flow.servicenow
    visma.remove("NO01", "supplierInvoice", "Invoice/100013")
    visma.remove("NO01", "supplierInvoice", "Invoice/100014")
    visma.edit("NO01", "supplierInvoice", "Invoice/100015", status="Voided")
    twin = visma.row("NO01", "supplierInvoice", "Invoice/100016")
    hole = {"referenceNumber": "109001", "supplierReference": "F1", "lastModifiedDateTime": "2026-10-02T09:00:00.5"}
    visma.add("NO01", "supplierInvoice", twin | hole)
    visma.edit("NO01", "supplierInvoice", "Invoice/100017", description="Later")
    (approved,) = landed(office, "100014")
    servicenow.update("sn_shop_invoice", approved["sys_id"], state="approved")
    before = writes(office)
    told = office.told("--census")
    assert told["exit_code"] == 5
    found = {each["title"].split()[0]: (each["finding"], each["waits"]) for each in told["source"]["findings"]}
    assert found == {
        "100013": ("vanished", False),
        "100014": ("vanished", False),
        "100015": ("voided", True),
        "109001": ("never_read", False),
        "100017": ("changed", True),
    }
    assert nok(told)["never_read"]["count"] == 1
    assert writes(office) == before, "without --apply nothing is written"

    applied = office.told("--census", "--apply")
    assert sorted(words.split()[0] for words in applied["applied"]) == ["100013", "100014"]
    assert [landed(office, number)[0]["state"] for number in ("100013", "100014")] == ["canceled", "approved"]
    assert events(office, "100013")[-1] == "cancelled"
    assert [(each["record_type"], each["cancelled"]["count"]) for each in applied["vanished"]] == [
        ("supplier_invoices", 1)
    ]
    waits = {each["reason"]: each for each in applied["open_items"]}["vanished"]
    assert (waits["business_key"], waits["owner"]) == (KEY.format("100014"), "finance")
    assert office.flow.last_run()["balance"] != "out_of_balance"

    code, log = office.flow.run()  # brings what is newer, and the voided one
    assert code == 0, log
    assert office.flow.last_run()["balance"] == "in_balance"
    assert landed(office, "100015")[0]["state"] == "canceled"
    after = office.told("--census", "--reread")
    assert [each["finding"] for each in after["source"]["findings"]] == ["never_read"]
    assert after["target"]["counts"] == {"equal": office.flow.states()["delivered"]}
    servicenow.update("sn_shop_invoice", approved["sys_id"], state="draft")
    office.flow.run()
    assert landed(office, "100014")[0]["state"] == "canceled"
    assert events(office, "100014")[-2:] == ["parked", "cancelled"]


def test_too_many_at_once_are_a_fault_and_not_deletions(office: Office) -> None:
    rows = office.flow.visma.rows("NO01", "supplierInvoice")
    gone = [row for row in rows if landed(office, row["referenceNumber"])][:30]
    for row in gone:
        office.flow.visma.remove("NO01", "supplierInvoice", f"{row['documentType']}/{row['referenceNumber']}")
    office.flow.visma.remove("NO01", "supplier", "50003")
    before = writes(office)
    told = office.told("--census", "--apply")
    assert told["exit_code"] == 5
    (doubt,) = told["source"]["doubts"]
    assert (doubt["missing"], doubt["allowed"]) == (30, int(doubt["held"] * 0.05))
    assert [each["business_key"] for each in told["source"]["findings"]] == ["visma:NO01:suppliers:50003"]
    assert writes(office) == before, "nothing at all is cancelled while a list is not believed"


def test_faults_of_tap_and_target_end_with_their_words_and_codes(office: Office) -> None:
    office.flow.visma.forbid("NO01", "supplierInvoice")
    done = office.reconcile("--census")
    assert done.exit_code == 3
    assert "tap-visma-no could not answer" in done.output
    office.flow.visma.permit("NO01", "supplierInvoice")
    office.flow.target_settings["expected_instance"] = "another"
    done = office.reconcile("--reread")
    assert done.exit_code == 2
    assert "expected_instance" in done.output
    assert json.loads(office.reconcile("--reread", "--json").stdout)["error"]["code"] == "config"
