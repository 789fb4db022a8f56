"""Suppliers that the instance had before us: taken over when it is sure, else left to a person, never doubled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ml_connector_simulators.kit import Fault, running
from ml_connector_simulators.servicenow import ServiceNowSimulator

from tests.target_servicenow.conftest import Bench
from tests.target_servicenow.flow import Flow, supplier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = "sn_fin_supplier"
DECISIONS = "company,value,target,valid_from,valid_to,note\n"


@pytest.fixture(scope="module")
def sim() -> Iterator[ServiceNowSimulator]:
    with running(ServiceNowSimulator()) as started:
        yield started


@pytest.fixture
def flow(sim: ServiceNowSimulator, tmp_path: Path) -> Flow:
    for table in (TABLE, "sn_fcms_intg_imp_supplier"):
        for row in sim.table(table):
            sim.delete(table, row["sys_id"])
    sim.faults.clear()
    sim.log.clear()
    return Flow(Bench(sim, patience=5), tmp_path)


def theirs(flow: Flow, **values: str) -> str:
    """Make a supplier as people of the instance did; return its id."""
    columns = {"legal_name": "Nordic Paper AS", "country": "NO", **values}
    return str(flow.bench.sim.instance.store.insert(TABLE, columns)["sys_id"])


def suppliers(flow: Flow) -> dict[str, tuple[str, str, str]]:
    """Id → whose it is, and its name."""
    return {
        row["sys_id"]: (row["erp_source"], row["supplier_number"], row["legal_name"])
        for row in flow.bench.sim.table(TABLE)
    }


def decide(flow: Flow, *lines: str) -> None:
    (flow.folder / "supplier_matches.csv").write_text(DECISIONS + "".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize("ours", [{"tax_id": "987"}, {"registration": "987"}, {"tax_id": "987", "registration": "987"}])
def test_one_that_agrees_in_number_and_country_is_taken_over(flow: Flow, ours: dict[str, str]) -> None:
    number = theirs(flow, tax_id="987", status="approved")
    flow.run(supplier("50", name="Nordic Paper", **ours))
    assert suppliers(flow) == {number: ("visma:NO01", "50", "Nordic Paper")}
    assert flow.told("50")["message"] == f"took over {number} (Nordic Paper AS), which the target had already"
    (event,) = [row for row in flow.rows("events") if row["kind"] == "delivered"]
    assert json.loads(event["data"])["rows"]["adoption"]["target_id"] == number
    writes = len(flow.bench.sim.log.writes())
    assert flow.run(supplier("50", name="Nordic Paper", **ours)).counts["unchanged"] == 1
    assert len(flow.bench.sim.log.writes()) == writes
    flow.run(supplier("50", name="Nordic Paper Holding", **ours))
    assert suppliers(flow) == {number: ("visma:NO01", "50", "Nordic Paper Holding")}
    assert flow.outcomes() == {"50": ("delivered", "")}
    assert {row["name"]: row["state"] for row in flow.rows("effects")} == {
        "adoption": "delivered",
        "header": "delivered",
    }


def test_a_number_of_ours_without_a_source_is_no_other_record_s_key(flow: Flow) -> None:
    number = theirs(flow, tax_id="987", supplier_number="50")
    flow.run(supplier("50", tax_id="987"))
    assert suppliers(flow) == {number: ("visma:NO01", "50", "Supplier 50")}


def test_none_is_made_and_with_creation_off_it_waits(flow: Flow) -> None:
    flow.run(supplier("50", tax_id="987"), create_unmatched=False)
    assert flow.outcomes() == {"50": ("parked", "supplier_unknown")}
    assert suppliers(flow) == {}
    flow.run()
    assert flow.outcomes() == {"50": ("delivered", "")}
    assert [row[:2] for row in suppliers(flow).values()] == [("visma:NO01", "50")]


def two_with_the_number(flow: Flow) -> list[str]:
    return [theirs(flow, tax_id="987"), theirs(flow, tax_id="987", legal_name="Nordic Paper Oslo")]


def one_by_each_number(flow: Flow) -> list[str]:
    return [theirs(flow, tax_id="987"), theirs(flow, tax_id="111")]


def in_another_country(flow: Flow) -> list[str]:
    return [theirs(flow, tax_id="987", country="Norway")]


def of_another_erp(flow: Flow) -> list[str]:
    return [theirs(flow, tax_id="987", erp_source="SAP", supplier_number="4711")]


@pytest.mark.parametrize("there", [two_with_the_number, one_by_each_number, in_another_country, of_another_erp])
def test_what_is_not_sure_waits_with_its_candidates_until_somebody_decides(flow: Flow, there: Any) -> None:
    candidates = there(flow)
    before = suppliers(flow)
    record = supplier("50", tax_id="987", registration="111")
    flow.run(record)
    told = flow.told("50")
    assert (told["state"], told["reason"]) == ("parked", "supplier_ambiguous")
    assert all(number in told["message"] and number in told["value"] for number in candidates)
    assert "`NO01,50,ID,,,`" in told["suggestion"]
    assert suppliers(flow) == before
    decide(flow, f"NO01,50,{candidates[-1]},,,it is this one")
    flow.run()
    assert flow.outcomes() == {"50": ("delivered", "")}
    assert suppliers(flow) == before | {candidates[-1]: ("visma:NO01", "50", "Supplier 50")}


def test_a_name_alone_proves_nothing_and_another_one_may_be_made_by_decision(flow: Flow) -> None:
    number = theirs(flow, tax_id="555")
    flow.run(supplier("50", name="NORDIC PAPER AS", tax_id="987"))
    told = flow.told("50")
    assert (told["state"], told["reason"], told["value"]) == ("parked", "supplier_name_match", number)
    decide(flow, "*,50,new,,,")
    flow.run(create_unmatched=False)
    assert flow.outcomes() == {"50": ("delivered", "")}
    assert sorted(row[:2] for row in suppliers(flow).values()) == [("", ""), ("visma:NO01", "50")]


def test_a_decision_for_a_row_that_is_gone_or_that_two_are_given_is_told(flow: Flow) -> None:
    number = theirs(flow)
    decide(flow, "NO01,50,0123,,,", f"NO01,51,{number},,,", f"NO01,52,{number},,,")
    flow.run(supplier("50"), supplier("51"), supplier("52"))
    assert set(flow.outcomes().values()) == {("parked", "supplier_ambiguous")}
    assert "names 0123" in flow.told("50")["message"]
    assert list(suppliers(flow)) == [number]


def test_two_that_agree_with_one_both_wait(flow: Flow) -> None:
    number = theirs(flow, tax_id="987")
    flow.run(supplier("50", tax_id="987"), supplier("51", tax_id="987"), supplier("52"))
    assert flow.outcomes() == {
        "50": ("parked", "supplier_ambiguous"),
        "51": ("parked", "supplier_ambiguous"),
        "52": ("delivered", ""),
    }
    assert suppliers(flow)[number][:2] == ("", "")


def test_another_company_s_supplier_is_none_of_ours(flow: Flow) -> None:
    flow.run(supplier("50", tax_id="987", name="Nordic Paper AS"))
    flow.run(supplier("50", _company="SE01", tax_id="987", name="Nordic Paper AS"))
    assert sorted(row[:2] for row in suppliers(flow).values()) == [("visma:NO01", "50"), ("visma:SE01", "50")]


def test_a_plan_shows_what_would_be_taken_over_and_writes_nothing(flow: Flow) -> None:
    number = theirs(flow, tax_id="987")
    (planned,) = flow.plan(supplier("50", tax_id="987")).records
    assert [row.name for row in planned.rows] == ["adoption", "header"]
    assert {name: cell.new for name, cell in planned.rows[0].columns.items()} == {
        "sys_id": number,
        "erp_source": "visma:NO01",
        "supplier_number": "50",
    }
    assert suppliers(flow)[number][:2] == ("", "")


def test_off_makes_a_second_one_as_before(flow: Flow) -> None:
    theirs(flow, tax_id="987")
    flow.run(supplier("50", tax_id="987"), match_existing=False)
    assert len(suppliers(flow)) == 2


def test_many_are_looked_up_together(flow: Flow) -> None:
    numbers = {theirs(flow, tax_id=f"{n:09}", legal_name=f"Theirs {n}"): n for n in range(100)}
    flow.bench.sim.log.clear()
    flow.run(*(supplier(str(n), tax_id=f"{n:09}") for n in range(0, 200, 2)))
    assert set(flow.outcomes().values()) == {("delivered", "")}
    assert {number for number, row in suppliers(flow).items() if row[0] and number in numbers} == {
        number for number, n in numbers.items() if n % 2 == 0
    }
    assert len(suppliers(flow)) == 150
    asked = flow.bench.sim.log.requests(f"/table/{TABLE}$", "GET")
    assert len(asked) < 20


@pytest.mark.parametrize("kind", ["commit_then_drop", "reset"])
def test_a_lost_answer_of_the_taking_over_makes_no_second_one(flow: Flow, kind: str) -> None:
    number = theirs(flow, tax_id="987")
    flow.bench.sim.faults.add(Fault(kind, path=f"/table/{TABLE}/", method="PATCH"))
    flow.run(supplier("50", tax_id="987"))
    flow.bench.clock.sleep(100)
    flow.run(supplier("50", tax_id="987"))
    flow.run()
    assert flow.outcomes() == {"50": ("delivered", "")}
    assert suppliers(flow) == {number: ("visma:NO01", "50", "Supplier 50")}
