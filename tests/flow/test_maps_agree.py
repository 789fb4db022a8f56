"""Both target maps bring the same totals, and the two companies do not touch each other's records."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from ml_connector_simulators.servicenow import ServiceNowSimulator

from tests.flow.conftest import Flow, open_flow

INVOICES = {"servicenow-s2p": "sn_shop_invoice", "servicenow-apo": "sn_apo_ap_invoice"}
ORDERS = {"servicenow-s2p": ("sn_shop_purchase_order", "total_amount"), "servicenow-apo": ("proc_po", "total_cost")}
Totals = dict[str, dict[str, tuple[int, Decimal]]]


def both_companies(folder: Path, target_map: str) -> tuple[Totals, Totals, dict[str, int]]:
    """Run both companies into one instance; return invoice and order totals per company and currency, and states."""
    with open_flow(folder, target_settings={"mapping": ["tap_visma", target_map]}) as flow:
        states: dict[str, int] = {}
        for company in ("NO01", "SE01"):
            flow.company = company
            (flow.folder / "state.json").unlink(missing_ok=True)
            code, log = flow.run()
            assert code == 0, log
            assert flow.last_run()["balance"] == "in_balance"
        states = flow.states()
        invoices = totals(flow.servicenow, INVOICES[target_map], "amount_invoiced")
        return invoices, totals(flow.servicenow, *ORDERS[target_map]), states


def totals(servicenow: ServiceNowSimulator, table: str, column: str) -> Totals:
    found: Totals = {}
    for company in ("NO01", "SE01"):
        rows = servicenow.table(table, erp_source=f"visma:{company}")
        for row in rows:
            currency, amount = money(row, column)
            count, total = found.setdefault(company, {}).get(currency, (0, Decimal(0)))
            found[company][currency] = (count + 1, total + amount)
    return found


def money(row: dict[str, str], column: str) -> tuple[str, Decimal]:
    """Read an amount of either kind of ServiceNow money column."""
    if f"{column}.amount" in row:
        return row[f"{column}.currency"], Decimal(row[f"{column}.amount"])
    currency, _, amount = row[column].partition(";")
    return currency, Decimal(amount)


def test_both_maps_bring_the_same_totals(tmp_path: Path) -> None:
    s2p = both_companies(tmp_path / "s2p", "servicenow-s2p")
    apo = both_companies(tmp_path / "apo", "servicenow-apo")
    assert s2p == apo
    invoices, orders, states = s2p
    assert set(invoices) == set(orders) == {"NO01", "SE01"}
    assert sum(count for company in invoices.values() for count, _ in company.values()) > 400
    assert states["delivered"] > 800


def test_a_company_s_second_run_leaves_the_other_s_rows_alone(flow: Flow) -> None:
    for company in ("NO01", "SE01"):
        flow.company = company
        (flow.folder / "state.json").unlink(missing_ok=True)
        assert flow.run()[0] == 0
    before = {row["sys_id"]: row for row in flow.servicenow.table("sn_shop_invoice", erp_source="visma:NO01")}
    for row in flow.visma.rows("SE01", "supplierInvoice")[:20]:
        key = f"{row['documentType']}/{row['referenceNumber']}"
        flow.visma.edit("SE01", "supplierInvoice", key, supplierReference=f"edited {row['referenceNumber']}")
    flow.servicenow.log.clear()
    assert flow.run()[0] == 0
    assert flow.servicenow.log.writes()
    assert before == {row["sys_id"]: row for row in flow.servicenow.table("sn_shop_invoice", erp_source="visma:NO01")}
    assert not {row["erp_source"] for row in flow.servicenow.table("sn_shop_invoice")} - {"visma:NO01", "visma:SE01"}
