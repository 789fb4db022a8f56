"""ServiceNow's purchase requests on their way to Acumatica: which may go, what they become, and that they foot."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_connector.errors import RecordParked, RecordRefused
from ml_connector.mapping import RowPlan
from ml_connector.mapping.nested import flat
from target_acumatica.contract import Contract

from tests.mapping.acumatica import Order, Request, left_out, mapped, shipped, target
from tests.mapping.maps import anything_goes

SPEC = Path(os.environ.get("SPECS_DIR", "/nonexistent")) / "acumatica" / "Default_24.200.001.openapi.json"
ONE = [("2", "10.50")]
QUANTITIES = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value="0.001", max_value=10**6).map(str)
PRICES = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=0, max_value=10**6).map(str)


def order(request: Request) -> RowPlan:
    [row] = target("acumatica").rows(request.map(), anything_goes)
    return row


def test_an_approved_request_becomes_one_order_with_its_lines_inside() -> None:
    row = order(Request([("2", "10.50"), ("1.5", "4.00")]))
    assert (row.table, row.via, row.name) == ("PurchaseOrder", "entity", "header")
    assert row.key == {"VendorRef": row.payload["VendorRef"]}
    assert row.payload["VendorRef"].startswith("PR0001001/")
    assert len(row.payload["VendorRef"]) <= 40
    assert {name: row.payload[name] for name in ("Type", "VendorID", "CurrencyID", "Hold", "Description")} == {
        "Type": "Normal",
        "VendorID": "V000001",
        "CurrencyID": "USD",
        "Hold": False,
        "Description": "Paper for the office",
    }
    assert [(str(row.payload[name])) for name in ("Date", "PromisedOn")] == ["2026-11-01", "2026-12-01"]
    first, second = row.payload["Details"]
    assert {name: first[name] for name in ("__row__", "InventoryID", "OrderQty", "UOM", "UnitCost", "Account")} == {
        "__row__": "1",
        "InventoryID": "PAPER",
        "OrderQty": Decimal(2),
        "UOM": "EA",
        "UnitCost": Decimal("10.5"),
        "Account": "61000",
    }
    assert (first["Subaccount"], second["Subaccount"]) == ("SAL", "ADM"), "a line's own cost centre goes first"


def test_the_subaccount_of_a_cost_centre_is_written_by_the_dimension() -> None:
    assert target("acumatica").dimensions["cost_center"].translate("dev1", "SAL", None) == "SAL-000"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(QUANTITIES, PRICES), min_size=1, max_size=5), st.booleans())
def test_requests_foot_and_order_what_was_asked_for(lines: list[tuple[str, str]], totals_told: bool) -> None:
    request = Request(lines)
    native = request.record()
    if not totals_told:
        native["total_amount"] = None
        for line in native["lines"]:
            line["total_line_amount"] = None
    record = mapped("purchase_requests", native, "tap_servicenow")
    assert record.amount == request.total
    [row] = target("acumatica").rows(record, anything_goes)
    ordered = [(line["OrderQty"], line["UnitCost"]) for line in row.payload["Details"]]
    assert ordered == [(Decimal(quantity), Decimal(price)) for quantity, price in lines]


def test_a_request_whose_lines_do_not_come_to_its_total_is_refused() -> None:
    with pytest.raises(RecordRefused, match=r"differ by 0\.01 USD"):
        Request(ONE, {"total_amount": Decimal("21.01")}).map()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"status": "draft"}, "not_approved"),
        ({"status": "pending_approval"}, "not_approved"),
        ({"status": None}, "not_approved"),
        ({"supplier_erp_source": "visma:NO01"}, "other_erp"),
    ],
)
def test_what_may_not_be_ordered_here_is_left_out(changes: dict[str, Any], rule: str) -> None:
    assert left_out("purchase_requests", Request(ONE, changes).record()) == rule


def test_another_company_of_the_erp_is_left_out_where_one_is_named() -> None:
    record = Request(ONE).record()
    assert left_out("purchase_requests", record, erp_company="US02") == "other_erp"
    assert mapped("purchase_requests", record, "tap_servicenow", erp_company="US01").fields["supplier"] == "V000001"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"supplier_number": None, "supplier_erp_source": None}, "no_supplier"),
        ({"supplier_erp_source": None}, "no_supplier"),
        ({"lines": []}, "no_lines"),
        ({"total_amount__currency": "EUR"}, "several_currencies"),
    ],
)
def test_what_a_person_must_complete_waits(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(RecordParked) as parked:
        shipped("tap_servicenow").apply("purchase_requests", Request(ONE, changes).record())
    assert parked.value.reason == reason


def test_a_request_cancelled_later_is_told_as_withdrawn() -> None:
    assert Request(ONE, {"status": "canceled"}).map().source_state == "voided"


def test_items_may_stand_in_another_column() -> None:
    assert Request(ONE).map(item_column="supplier_part_number").fields["lines"][0]["item"] == "NP-80"


def test_a_supplier_without_an_erp_becomes_a_vendor_and_no_other() -> None:
    native = {
        "_company": "dev1",
        "sys_id": "ef" * 16,
        "number": "SUP0001001",
        "legal_name": "Nordic Paper AS",
        "country": "NO",
        "email": "ap@nordicpaper.example",
    }
    record = mapped("sn_fin_supplier", native, "tap_servicenow")
    [row] = target("acumatica").rows(record, anything_goes)
    assert row.key["AccountRef"].startswith("SUP0001001/")
    assert flat(row.payload["MainContact"])["Address.Country"] == "NO"
    assert row.owners["VendorClass"] == "create_only"
    assert left_out("sn_fin_supplier", {**native, "erp_source": "acumatica:US01"}) == "of_an_erp"


def test_the_reference_comes_back_by_the_field_the_echo_is_known_by() -> None:
    reference = order(Request(ONE)).payload["VendorRef"]
    document = target("acumatica").record_types["purchase_requests"].documents[0]
    assert document.echo is not None
    assert document.echo.reference is not None
    read_back = mapped("purchase_orders", Order([("21.00", 0)], changes={"VendorRef": reference}).record())
    assert read_back.fields[document.echo.reference] == reference


@pytest.mark.skipif(not SPEC.is_file(), reason="SPECS_DIR does not hold Acumatica's OpenAPI file")
def test_every_column_is_one_the_contract_has() -> None:
    contract = Contract(json.loads(SPEC.read_text()))
    unknown = [
        f"{use.table}.{column}"
        for use in target("acumatica.example").tables.values()
        for column in use.columns
        if contract.kind(contract.entity(use.table), column) is None
    ]
    assert unknown == []
