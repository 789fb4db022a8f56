"""`ml-connector demo`, then a month's problems worked off, all through Meltano."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from ml_connector_simulators.servicenow.installation import Installation
from ml_connector_simulators.visma.seed.problems import PROBLEMS, UNKNOWN_COST_CENTRE_VALUE

from tests.e2e.conftest import House, copy_of_the_project

if TYPE_CHECKING:
    from ml_connector_simulators.servicenow import ServiceNowSimulator

LONGER = {("sn_fcms_intg_imp_supplier", "legal_name"): 300, ("sn_fin_supplier", "legal_name"): 300}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, dict[str, Any]]:
    """Run the demonstration once; what follows goes on with its data."""
    house = copy_of_the_project(tmp_path_factory.mktemp("demo"))
    done = house.cli("demo", "--json")
    assert done.code == 0, done.said
    return house, done.data


def invoices(servicenow: ServiceNowSimulator, company: str) -> list[dict[str, Any]]:
    return servicenow.table("sn_shop_invoice", erp_source=f"visma:{company}")


def by_kind(summary: dict[str, Any], company: str, kind: str) -> int:
    return sum(each.get(kind, {}).get("count", 0) for each in summary["records"] if each["company"] == company)


def test_the_first_run_delivers_and_balances(shown) -> None:
    first = shown[1]["first"]
    assert [run["balance"] for run in first["runs"]] == ["in_balance", "in_balance"]
    assert {run["pipeline"] for run in first["runs"]} == {
        "tap-visma-no-to-target-servicenow",
        "tap-visma-se-to-target-servicenow",
    }
    assert first["writes"] > 0
    documents = [each for each in first["records"] if each["record_type"] == "supplier_invoices"]
    assert sum(each["received"]["count"] for each in documents) >= 400
    assert {each["currency"] for each in documents} == {"NOK", "SEK", "EUR"}
    for account in first["records"]:
        came = account["received"]
        went = [total for kind, total in account.items() if isinstance(total, dict) and kind != "received"]
        assert came["count"] == sum(total["count"] for total in went)
        assert Decimal(came["amount"]) == sum(Decimal(total["amount"]) for total in went)


def test_the_honest_problems_wait_by_cause_and_leave_the_other_company_alone(shown) -> None:
    causes = {each["reason"]: each for each in shown[1]["first"]["causes"]}
    expected = (
        "cost_center_missing gl_account_inactive supplier_missing suspected_duplicate unmapped_type other_entity "
    )
    assert set(causes) == {*expected.split(), "does_not_foot", "too_long"}
    assert {each["company"] for each in causes.values()} == {"NO01"}
    assert all(each["next"].startswith("ml-connector ") for each in causes.values())
    assert {each["rule"] for each in shown[1]["first"]["skipped"]} >= {"before_cutover", "source_state_draft"}


def test_the_second_run_writes_nothing(shown) -> None:
    second = shown[1]["second"]
    assert second["writes"] == 0
    assert sum(each.get("unchanged", {}).get("count", 0) for each in second["records"]) > 0


def test_an_edit_writes_exactly_that_record(shown) -> None:
    edit = shown[1]["edit"]
    assert len(edit["delivered"]) == 1
    assert edit["writes"] == 1


def test_problems_are_worked_off(shown) -> None:
    """A full re-read writes nothing; the missing cost centre frees its invoice; a replay delivers what was refused."""
    house, _ = shown
    with house.simulators() as (visma, servicenow):
        other = invoices(servicenow, "SE01")
        assert house.meltano("run", "--full-refresh", "visma-to-servicenow").code == 0
        assert servicenow.log.writes() == []

        company, document = PROBLEMS["unknown_cost_centre"]
        assert not servicenow.table("sn_shop_invoice", erp_source="visma:NO01", external_invoice_number=document)
        visma.add_segment_value(company, UNKNOWN_COST_CENTRE_VALUE, "Projects")
        done = house.cli("run", "tap-visma-no", "target-servicenow", "--json")
        assert done.code == 4, done.said
        assert "cost_center_missing" not in {cause["reason"] for cause in done.data["causes"]}
        assert len(servicenow.table("sn_shop_invoice", erp_source="visma:NO01", external_invoice_number=document)) == 1
        assert invoices(servicenow, "SE01") == other

        waiting = house.cli("dead", "replay", "--cause", "too_long")
        assert waiting.code == 4, waiting.said

    with house.simulators(installation=Installation(max_lengths=LONGER)) as (visma, servicenow):
        for (table, column), length in LONGER.items():
            for entry in servicenow.table("sys_dictionary", name=table, element=column):
                servicenow.update("sys_dictionary", entry["sys_id"], max_length=str(length))
        replayed = house.cli("dead", "replay", "--cause", "too_long", "--json")
        assert replayed.code == 0, replayed.said
        assert [each["state"] for each in replayed.data["records"]] == ["delivered"]
        (supplier,) = servicenow.table("sn_fin_supplier", erp_source="visma:NO01", supplier_number="50042")
        assert len(supplier["legal_name"]) > 190
        left = {each["reason"] for each in house.cli("dead", "list", "--json").data}
        assert "too_long" not in left


def test_ping_is_green_and_names_what_is_missing(shown) -> None:
    house, _ = shown
    with house.simulators() as (_, servicenow):
        good = house.cli("ping", "--json", "tap-visma-no", "target-servicenow", "tap-visma-se")
        assert good.code == 0, good.said
        assert [answer["plugin"] for answer in good.data] == ["tap-visma-no", "target-servicenow", "tap-visma-se"]
        servicenow.restrict("read", "sys_dictionary")
        bad = house.cli("ping", "target-servicenow")
        assert bad.code == 3
        assert "sys_dictionary" in bad.out
        assert servicenow.log.writes() == []


def test_status_and_maps_check_need_no_vendor(shown) -> None:
    house, _ = shown
    status = house.cli("status")
    assert status.code == 4
    assert "does not foot" in status.out
    checked = house.cli("maps", "check")
    assert checked.code == 0, checked.said
