"""Dead letters from end to end: real `meltano`, real processes, simulators over HTTP, one month of one company."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ml_connector.store import open_store, tables
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import VismaSimulator
from sqlalchemy import select

from tests.e2e.conftest import Done, House, copy_of_the_project

RUN = ("run", "tap-visma-no", "target-servicenow", "--json")
PIPELINE = "tap-visma-no-to-target-servicenow"


@dataclass
class Month:
    """A project that has run once, with what waits since."""

    house: House
    visma: VismaSimulator
    servicenow: ServiceNowSimulator
    first: dict[str, Any]

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        chosen = tables.metadata.tables[table]
        store = open_store(f"sqlite:///{self.house.root / '.ml-connector' / 'demo' / 'store.db'}")
        with store.reading() as connection:
            query = select(chosen).where(*(chosen.c[name] == value for name, value in where.items()))
            found = [dict(row) for row in connection.execute(query).mappings()]
        store.close()
        return found

    def letter(self, reason: str) -> dict[str, Any]:
        (found,) = [each for each in self.house.cli("dead", "list", "--json").data if each["reason"] == reason]
        return dict(found)

    def dead(self, *words: str) -> Done:
        return self.house.cli("dead", *words)

    def landed(self, key: str) -> list[dict[str, Any]]:
        number = key.partition("supplier_invoices:")[2]
        return self.servicenow.table("sn_shop_invoice", erp_source="visma:NO01", external_invoice_number=number)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    house = copy_of_the_project(tmp_path_factory.mktemp("dead") / "project")
    with house.simulators() as (visma, servicenow):
        done = house.cli(*RUN)
        assert done.code == 4, done.said
        yield Month(house, visma, servicenow, done.data)


def test_an_edit_is_replayed_and_delivered_with_its_trail(month: Month) -> None:
    letter = month.letter("gl_account_inactive")
    assert (letter["owner"], letter["value"]) == ("master data", "6790")
    number, key = str(letter["id"]), letter["business_key"]
    shown = month.dead("show", number, "--json").data
    index = next(i for i, line in enumerate(shown["canonical"]["lines"]) if line["account"] == "6790")
    path = f"lines[{index}].account"
    assert path in shown["editable"]
    edited = month.dead("edit", number, "--set", f"lines[{index}].gl_account=6705", "--reason", "account closed")
    assert edited.code == 0, edited.said
    assert "6790 → 6705" in edited.out
    tried = month.dead("replay", number, "--dry-run", "--json")
    assert (tried.data[0]["source"], tried.data[0]["changes"]) == ("unchanged", {path: ["6790", "6705"]})
    assert month.landed(key) == []

    done = month.dead("replay", number, "--reason", "account corrected", "--json")
    assert done.code == 0, done.said
    assert [each["state"] for each in done.data["records"]] == ["delivered"]
    assert len(month.landed(key)) == 1
    (account,) = month.servicenow.table("sn_fin_gl_account", erp_source="visma:NO01", gl_account="6705")
    lines = month.servicenow.table("sn_shop_invoice_line", erp_source="visma:NO01")
    mine = [line for line in lines if line["external_invoice_number"] == key.partition("supplier_invoices:")[2]]
    assert len(mine) == len(shown["canonical"]["lines"])
    assert [line["ledger_account"] for line in mine].count(account["sys_id"]) >= 1

    told = {row["kind"]: row["data"] for row in month.rows("events", business_key=key)}
    assert {"edit", "replay", "delivered"} <= told.keys()
    assert "account closed" in told["edit"]
    assert '"6705"' in told["edit"]
    assert f'"letter":{number}' in told["replay"]
    assert month.first["runs"][0]["id"] in told["replay"]
    (run,) = month.rows("runs", kind="replay", replay_of=month.first["runs"][0]["id"])
    assert run["pipeline"] == PIPELINE
    history = month.dead("show", number, "--json").data["history"]
    assert [each["why"] for each in history if each["why"]] == ["account closed", "account corrected"]


def test_a_changed_source_is_told_and_its_newest_version_replayed(month: Month) -> None:
    letter = month.letter("cost_center_missing")
    number, key = str(letter["id"]), letter["business_key"]
    assert month.dead("edit", number, "--set", "title=Audit 2026", "--reason", "clearer").code == 0
    document = key.partition("supplier_invoices:")[2]
    month.visma.edit("NO01", "supplierinvoice", document, description="Corrected")
    writes = len(month.servicenow.log.writes())
    held = month.dead("replay", number)
    assert held.code == 4, held.said
    assert "has changed since (description" in " ".join(held.out.split())
    assert "--newest" in held.out
    assert len(month.servicenow.log.writes()) == writes

    lines = month.visma.row("NO01", "supplierinvoice", document)["invoiceLines"]
    line = next(i for i, each in enumerate(lines) if each["subaccount"]["segments"][0]["segmentValue"] == "990")
    change = {f"invoiceLines.{line}.subaccount.segments.0.segmentValue": "430"}
    month.visma.edit("NO01", "supplierinvoice", document, **change)
    done = month.dead("replay", number, "--newest", "--json")
    assert done.code == 0, done.said
    assert len(month.landed(key)) == 1
    assert [row["kind"] for row in month.rows("events", business_key=key)].count("edit_void") == 1
    assert month.rows("dead_letters", id=letter["id"])[0]["closed_at"]


def test_a_dropped_record_is_waived_and_in_the_balance(month: Month) -> None:
    letter = month.letter("does_not_foot")
    number = str(letter["id"])
    refused = month.dead("edit", number, "--set", "description=x", "--reason", "try")
    assert refused.code == 2
    assert "could not be delivered" in refused.err
    assert month.dead("drop", number, "--reason", "paid by hand").code == 0
    assert month.rows("deliveries", business_key=letter["business_key"])[0]["state"] == "waived"
    again = month.house.call("meltano", "run", "--full-refresh", "tap-visma-no", "target-servicenow")
    assert again.code == 0, again.said
    run = max(month.rows("runs", kind="run"), key=lambda row: row["started_at"])
    assert run["balance"] == "in_balance"
    waived = [row for row in month.rows("tallies", run_id=run["id"]) if row["kind"] == "waived"]
    assert [(row["count"], row["amount"]) for row in waived] == [(1, letter["amount"])]
    assert month.rows("deliveries", business_key=letter["business_key"])[0]["state"] == "waived"


def test_a_window_read_again_writes_nothing_twice(month: Month) -> None:
    run_id = month.first["runs"][0]["id"]
    state = month.house.meltano("state", "get", f"demo:{PIPELINE}").out
    row = month.servicenow.table("sn_shop_invoice", erp_source="visma:NO01")[0]
    month.servicenow.delete("sn_shop_invoice", row["sys_id"])
    writes = len(month.servicenow.log.writes())
    done = month.house.cli("replay", "--run", run_id, "--json")
    assert done.code == 4, done.said
    (told,) = done.data["runs"]
    assert (told["kind"], told["balance"]) == ("replay", "in_balance")
    assert sum(each.get("unchanged", {}).get("count", 0) for each in done.data["records"]) > 100
    assert len(month.servicenow.log.writes()) == writes  # what is unchanged is not sent, wherever it is read
    assert month.rows("runs", id=told["id"])[0]["replay_of"] == run_id

    before = month.servicenow.table("sn_shop_invoice")
    sent = month.house.cli("replay", "--run", run_id, "--resend", "--json")
    assert sent.code == 4, sent.said
    after = month.servicenow.table("sn_shop_invoice")
    assert len(month.servicenow.log.writes()) > writes
    assert len(after) == len(before) + 1  # the deleted row is back, and nothing is there twice
    keys = [(each["erp_source"], each["external_invoice_number"]) for each in after]
    assert len(set(keys)) == len(keys)
    assert month.house.meltano("state", "get", f"demo:{PIPELINE}").out == state
