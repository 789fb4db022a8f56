"""The short form of proof 13, and that its eyes are open."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from ml_connector_simulators.acumatica import AcumaticaSimulator
from ml_connector_simulators.servicenow import ServiceNowSimulator

from prove import buyers, order_seams, p13_requests
from prove.proof import Size
from prove.seams import find


@pytest.mark.parametrize("place", sorted({*(seam.place for seam in order_seams.SEAMS), order_seams.BEGUN}))
def test_a_seam_is_still_in_the_product(place: str) -> None:
    owner, name = find(place)
    assert callable(getattr(owner, name))


def test_every_seam_has_a_name_of_its_own() -> None:
    assert len(set(order_seams.NAMES)) == len(order_seams.NAMES)


def test_a_second_order_a_second_line_and_one_that_is_lost_are_seen() -> None:
    servicenow, acumatica = ServiceNowSimulator(), AcumaticaSimulator()
    servicenow.add("sn_fin_supplier", supplier_number="ALLFRUITSW", legal_name="A", erp_source="acumatica:US01")
    servicenow.add("cmn_cost_center", code="ADM", name="Administration", erp_source="acumatica:US01")
    people = buyers.Buyers(servicenow, random.Random(1), ("ALLFRUITSW",), ("APPLES",), parking=0)
    people.ask()
    (number,) = people.made
    assert [*buyers.faults(people, acumatica)] == [f"lost: {number} has no order"]
    ((name, item, quantity, price),) = list(people.wanted(number))[:1]
    line = {"LineDescription": name, "InventoryID": item, "OrderQty": quantity, "UnitCost": price}
    for order in ("PO900001", "PO900002"):
        row = {"Type": "Normal", "OrderNbr": order, "VendorRef": f"{number}/x", "Details": [line, line]}
        acumatica.add("PurchaseOrder", row)
    seen = {words.partition(":")[0] for words in buyers.faults(people, acumatica)}
    assert seen == {"second order", "second line", "other lines", "sums"}
    servicenow.close()
    acumatica.close()


@pytest.mark.slow
def test_no_kill_makes_a_second_order(tmp_path: Path) -> None:
    proof = p13_requests.run(Size.SHORT, 13, tmp_path)
    assert proof.failures == []
    assert proof.numbers["kills"] == p13_requests.KILLS[Size.SHORT]
    assert proof.numbers["kills after Acumatica was asked and before the outcome was kept"] > 0
