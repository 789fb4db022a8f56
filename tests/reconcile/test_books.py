"""The ledger over a store made by hand: what it counts, what it sums, what it cannot place, and how it ends."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ml_connector.store import open_store
from ml_connector.store.tables import deliveries, effects
from sqlalchemy import insert

from tests.cli.conftest import NO, SE, House, house, october

__all__ = ["house", "october"]
REPORT = "report.html"


def balances(told: Any) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["company"], each["currency"]): each for each in told["balances"]}


def sums(balance: dict[str, Any]) -> dict[str, tuple[int, str]]:
    return {kind: (each["count"], each["amount"]) for kind, each in balance.items() if isinstance(each, dict)}


def test_every_record_stands_in_one_column(october: House) -> None:
    told = october.answer("reconcile")
    assert sums(balances(told)["NO01", "NOK"]) == {
        "source": (3, "1204330.50"),
        "delivered": (1, "1204129.50"),
        "parked": (1, "100.50"),
        "refused": (1, "100.50"),
    }
    assert told["exit_code"] == 4
    items = {item["business_key"].rpartition("/")[2]: item for item in told["open_items"]}
    assert {key: (item["reason"], item["owner"]) for key, item in items.items()} == {
        "2": ("cost_center_missing", "master data"),
        "3": ("does_not_foot", "finance"),
    }


def test_the_terminal_says_it_as_an_equation(october: House) -> None:
    done = october.call("reconcile")
    assert done.exit_code == 4
    said = " ".join(done.output.split())
    assert "Source 1,204,330.50 (3) = delivered 1,204,129.50 (1) + parked 100.50 (1) + refused 100.50 (1)" in said
    assert "in balance, with records that wait" in said
    assert said.endswith("next: ml-connector dead list")


def test_all_settled_ends_with_0(house: House) -> None:
    house.run("r1")
    house.delivery("1", "delivered", verified_at="2026-11-01T05:00:30.000000+00:00")
    done = house.call("reconcile")
    assert (done.exit_code, "✓ in balance" in done.output, "Nothing is left open" in done.output) == (0, True, True)


@pytest.mark.parametrize(
    ("state", "code"), [("sent", 4), ("failed", 4), ("in_doubt", 5), ("waived", 0), ("skipped", 0)]
)
def test_the_exit_code_follows_the_states(house: House, state: str, code: int) -> None:
    house.run("r1")
    house.delivery("1", state)
    told = house.answer("reconcile")
    assert told["exit_code"] == code
    assert sums(balances(told)["NO01", "NOK"])[state] == (1, "100.50")


def test_a_run_out_of_balance_ends_with_5(house: House) -> None:
    house.run("r1", balance="out_of_balance", message="supplier_invoices: 2 records without an outcome")
    house.delivery("1", "delivered")
    told = house.answer("reconcile")
    assert told["exit_code"] == 5
    assert "2 records without an outcome" in told["points"][0]["words"]


def test_books_that_contradict_themselves_end_with_5(house: House) -> None:
    house.run("r1")
    house.delivery("1", "delivered", id=1)
    row = {
        "delivery_id": 1,
        "phase": 1,
        "table_name": "t",
        "via": "x",
        "key": "{}",
        "payload": "{}",
        "payload_hash": "h",
    }
    house.add(effects, name="header", state="delivered", **row)
    house.add(effects, name="line:2", state="failed", **row)
    house.add(effects, name="line:3", state="skipped", **row)
    told = house.answer("reconcile")
    assert told["exit_code"] == 5
    assert [point["words"] for point in told["points"]] == [
        "visma:NO01:supplier_invoices:Invoice/1 is called delivered, but its row line:2 is failed"
    ]


def test_what_was_withdrawn_stands_apart(house: House) -> None:
    house.run("r1")
    house.delivery("1", "delivered", source_state="open")
    house.delivery("2", "delivered", source_state="voided")
    house.delivery("3", "delivered", source_state="vanished", currency="EUR", amount="-7.10")
    told = balances(house.answer("reconcile"))
    assert sums(told["NO01", "NOK"])["cancelled"] == (1, "100.50")
    assert sums(told["NO01", "EUR"]) == {"source": (1, "-7.10"), "cancelled": (1, "-7.10")}


def test_period_company_and_pipeline_narrow_and_what_has_no_period_is_said(house: House) -> None:
    house.run("r1")
    house.run("r22", pipeline=SE)
    house.delivery("1", "delivered", period="2026-10", accounts='{"6300":"60.25","6400":"40.25"}')
    house.delivery("2", "parked", period="2026-09")
    house.delivery("3", "delivered")
    house.delivery("4", "delivered", period="2026-10", company="SE01", pipeline=SE, currency="SEK")
    october = house.answer("reconcile", "--period", "2026-10", "--company", "NO01")
    assert sums(balances(october)["NO01", "NOK"]) == {"source": (1, "100.50"), "delivered": (1, "100.50")}
    assert october["open_items"] == []
    assert (october["exit_code"], october["gaps"]["without_period"]) == (4, 1)
    accounts = {each["account"]: each["delivered"]["amount"] for each in october["accounts"]}
    assert accounts == {"6300": "60.25", "6400": "40.25"}
    assert list(balances(house.answer("reconcile", "--pipeline", SE))) == [("SE01", "SEK")]
    assert house.answer("reconcile")["gaps"]["without_accounts"] == 3


def test_records_of_another_instance_are_not_added_up(house: House) -> None:
    house.run("r1")
    house.delivery("1", "delivered")
    house.delivery("2", "delivered", target_id="the instance before")
    told = house.answer("reconcile")
    assert sums(balances(told)["NO01", "NOK"])["source"] == (1, "100.50")
    assert told["gaps"]["elsewhere"] == 1


def test_what_a_map_leaves_out_is_told_as_of_the_last_run(house: House) -> None:
    house.run("r1")
    house.delivery("1", "skipped", reason="before_cutover")
    house.tally("r1", "skipped", 1, "100.50", reason="before_cutover")
    house.tally("r1", "skipped", 4, "900.00", reason="internal_sales")
    told = house.answer("reconcile")
    assert [(each["rule"], each["count"], each["amount"]) for each in told["skipped"]] == [
        ("before_cutover", 1, "100.50")
    ]
    assert [(each["rule"], each["count"], each["amount"]) for each in told["not_kept"]] == [
        ("internal_sales", 4, "900.00")
    ]
    assert house.answer("reconcile", "--period", "2026-10")["not_kept"] == []


@pytest.mark.parametrize("period", ["2026", "10-2026", "2026-19", "x"])
def test_a_period_that_is_none_is_refused(october: House, period: str) -> None:
    done = october.call("reconcile", "--period", period)
    assert done.exit_code == 2
    assert "Write year and month" in " ".join(done.output.split())


def test_without_a_run_there_is_nothing_to_reconcile(house: House) -> None:
    assert house.call("reconcile").exit_code == 2
    assert house.call("reconcile", "--apply").exit_code == 2


# the report


def report(house: House, *words: str) -> str:
    house.call("reconcile", "--html", REPORT, *words)
    return (house.root / REPORT).read_text()


def test_the_report_stands_alone_and_says_who_made_it_of_what(october: House) -> None:
    text = report(october)
    assert not re.findall(r"""(?:src|href|@import|url\()\s*=?\s*["']?(?:https?:|//)""", text)
    assert "<script" not in text
    for words in (
        "1,204,330.50",
        "In balance; 2 records not delivered",
        "tap_visma servicenow-s2p",
        "m1",
        NO,
        "master data",
    ):
        assert words in text
    assert "not listed afresh" in text
    assert "not read again" in text


def test_names_cannot_break_out_of_the_report(october: House) -> None:
    attack = "</td><script>alert(1)</script>"
    october.delivery("4", "parked", title=attack, message=attack, reason="x' onmouseover='y", value=attack)
    text = report(october)
    assert "<script" not in text
    assert "' onmouseover='" not in text
    assert text.count("&lt;script&gt;alert(1)") == 2


def test_bank_and_personal_values_are_masked_everywhere(october: House) -> None:
    iban = "NO9386011117947"
    october.delivery("4", "parked", title=f"Pay to {iban}", message=f"{iban} is not there", value=iban)
    shown = report(october), october.call("reconcile").output, json.dumps(october.answer("reconcile"))
    for text in shown:
        assert iban not in text
        assert "***" in text


def test_sums_over_ten_thousand_records_are_exact(house: House) -> None:
    house.run("r1")
    house.delivery("0", "delivered", amount="0.01")
    store = open_store(house.store_url)
    with store.transaction() as connection:
        row = dict(connection.execute(deliveries.select()).mappings().one())
        rows = [row | {"id": None, "business_key": f"k{number}"} for number in range(10_000)]
        connection.execute(insert(deliveries), [{k: v for k, v in each.items() if k != "id"} for each in rows])
    store.close()
    assert sums(balances(house.answer("reconcile"))["NO01", "NOK"])["delivered"] == (10_001, "100.01")
