"""Both target maps bring one company's month to the same totals, in the store and in ServiceNow's own tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e.conftest import copy_of_the_project

if TYPE_CHECKING:
    from pathlib import Path

LANDED = {
    "target-servicenow": ("sn_shop_invoice", "sn_shop_invoice_line"),
    "target-servicenow-apo": ("sn_apo_ap_invoice", "sn_apo_ap_invoice_line"),
}


def month(folder: Path, loader: str) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Deliver NO01's month by one target; return what the store says of invoices, and what ServiceNow holds."""
    house = copy_of_the_project(folder)
    header, line = LANDED[loader]
    with house.simulators() as (_, servicenow):
        done = house.cli("run", "tap-visma-no", loader, "--json")
        assert done.code == 4, done.said
        assert [run["balance"] for run in done.data["runs"]] == ["in_balance"]
        sums = {"invoiced": servicenow.sums(header, "amount_invoiced"), "lines": len(servicenow.table(line))}
        assert servicenow.table(header, erp_source="visma:SE01") == []
    told = {
        (each["record_type"], each["currency"]): {
            kind: total for kind, total in each.items() if isinstance(total, dict)
        }
        for each in done.data["records"]
        if each["record_type"] == "supplier_invoices"
    }
    return told, sums


def test_both_maps_bring_the_same_totals(tmp_path: Path) -> None:
    s2p, apo = (month(tmp_path / loader, loader) for loader in LANDED)
    assert s2p[0] == apo[0]
    assert s2p[1] == apo[1]
    assert s2p[1]["invoiced"]["NOK"] > 1_000_000
    assert s2p[1]["lines"] > 200
