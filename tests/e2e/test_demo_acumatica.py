"""`ml-connector demo acumatica`: both ways through Meltano, and an approved request as exactly one purchase order."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import House, copy_of_the_project

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST = "servicenow:mlconnectordemo:purchase_requests:PR"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, dict[str, Any]]:
    """Run the demonstration once; what follows goes on with its data."""
    house = copy_of_the_project(tmp_path_factory.mktemp("demo"))
    done = house.cli("demo", "acumatica", "--json")
    assert done.code == 0, done.said
    return house, done.data


def _totals(account: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (total for kind, total in account.items() if isinstance(total, dict) and kind != "received")


def test_both_ways_run_and_balance(shown) -> None:
    first = shown[1]["first"]
    assert {run["pipeline"]: run["balance"] for run in first["runs"]} == {
        "tap-acumatica-to-target-servicenow": "in_balance",
        "tap-servicenow-to-target-acumatica": "in_balance",
    }
    kinds = {each["record_type"] for each in first["records"]}
    wanted = {"cost_centers", "gl_accounts", "suppliers", "purchase_orders", "supplier_invoices", "supplier_payments"}
    assert wanted <= kinds
    for account in first["records"]:
        assert account["received"]["count"] == sum(total["count"] for total in _totals(account))
        assert Decimal(account["received"]["amount"]) == sum(Decimal(total["amount"]) for total in _totals(account))
    bills = [each for each in first["records"] if each["record_type"] == "supplier_invoices"]
    assert sum(each.get("delivered", {}).get("count", 0) for each in bills) >= 70


def test_the_same_again_writes_nothing_on_either_side(shown) -> None:
    assert shown[1]["second"]["writes"] == {"ServiceNow": 0, "Acumatica": 0}


def test_an_approved_request_is_exactly_one_purchase_order(shown) -> None:
    request = shown[1]["request"]
    assert request["orders"] == 1
    assert request["writes"] == {"ServiceNow": 0, "Acumatica": 1}
    assert request["key"].startswith(REQUEST)


def test_our_own_order_is_an_echo_and_its_story_is_told_across_both(shown) -> None:
    echo = shown[1]["echo"]
    assert echo["writes"] == {"ServiceNow": 0, "Acumatica": 0}
    assert {each["rule"]: each["count"] for each in echo["skipped"]}["echo"] == 1
    (link,) = echo["story"]["links"]
    assert (link["kind"], link["state"], link["reason"]) == ("written_as", "skipped", "echo")
    house, _ = shown
    other = house.cli("trace", link["business_key"], "--json").data
    assert [(each["kind"], each["business_key"]) for each in other["links"]] == [
        ("written_of", shown[1]["request"]["key"])
    ]


def test_the_verbs_work_for_both_ways(shown) -> None:
    house, _ = shown
    status = house.cli("status", "--json")
    assert status.code == 4, status.said
    assert {each["reason"] for each in house.cli("dead", "list", "--json").data} >= {"gl_account_inactive"}
    assert house.cli("maps", "check", "--json").code == 0
    assert house.cli("audit", "verify", "--json").code == 0
    with house.both_ways() as (acumatica, servicenow):
        asked = house.cli("ping", "tap-acumatica", "target-servicenow", "tap-servicenow", "target-acumatica", "--json")
        assert asked.code == 0, asked.said
        planned = house.cli("plan", "acumatica-servicenow", "--json")
        assert planned.code in (0, 4), planned.said
        compared = house.cli("reconcile", "--reread", "--json")
        assert compared.code in (0, 4), compared.said
        assert [each for each in (acumatica, servicenow) if each.log.writes()] == []
