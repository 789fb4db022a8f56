"""A run that is held to a plan does that and nothing else, and notices whatever has changed since."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from ml_connector.delivery.sink import Effect, Outcome, State
from ml_connector.errors import ConfigError, PlanChanged
from ml_connector.plan.compare import differences
from ml_connector.plan.document import read_plan, save

from tests.delivery.conftest import KEY, S1, TARGET_MAP, invoice, supplier
from tests.delivery.fake_target import FakeSink
from tests.plan.conftest import Planner, plan_of, verdicts

if TYPE_CHECKING:
    from pathlib import Path

I100, I101 = ("supplier_invoices", invoice("100")), ("supplier_invoices", invoice("101"))
OTHER = ("supplier_invoices", invoice("100", currency="EUR"))


def test_what_was_planned_is_carried_out_row_for_row(pipeline: Planner) -> None:
    flow = pipeline.plan(S1, I100)
    report = pipeline.run_held(flow, S1, I100)
    assert report.counts == {"received": 2, "delivered": 2}
    assert pipeline.server.count("invoice_lines") == 2
    assert pipeline.rows("runs")[-1]["plan"] == plan_of(flow).hash
    assert verdicts(pipeline.plan(S1, I100)) == {"S1": "unchanged", "100": "unchanged"}


def test_a_store_on_postgresql_is_planned_on_as_well(pipeline: Planner, postgres_url: str) -> None:
    pipeline.store_url = postgres_url
    pipeline.run(S1, ("supplier_invoices", invoice("101", total=Decimal(1))))
    before = pipeline.everything()
    assert before["dead_letters"]
    flow = pipeline.plan(S1, I100)
    assert pipeline.everything() == before
    assert verdicts(flow) == {"S1": "unchanged", "100": "new", "101": "blocked"}
    pipeline.run_held(flow, S1, I100)
    assert pipeline.state_of(KEY) == ("delivered", None)


@pytest.mark.parametrize("intruder", [I101, OTHER], ids=["a new record", "other content"])
def test_what_was_not_planned_is_not_sent_and_state_does_not_pass_it(pipeline: Planner, intruder: Any) -> None:
    flow = pipeline.plan(S1, I100)
    with pytest.raises(PlanChanged, match=intruder[1]["number"]):
        pipeline.run_held(flow, S1, intruder, batch_rows=1)
    assert pipeline.server.count("suppliers") == 1
    assert pipeline.server.count("invoices") == 0
    assert pipeline.states == [{"at": 0}]
    assert pipeline.rows("deliveries", record_type="supplier_invoices") == []
    (run,) = [each for each in pipeline.rows("runs") if each["outcome"] == "stopped"]
    assert "ml-connector" not in (run["message"] or "")


def test_a_row_that_is_tried_again_is_still_planned(pipeline: Planner) -> None:
    flow = pipeline.plan(S1, I100)

    class Stumbling(FakeSink):
        stumbled = False

        def _one(self, effect: Effect) -> Outcome:
            if effect.name == "line:2" and not self.stumbled:
                self.stumbled = True
                return Outcome(effect, State.FAILED, reason="busy", message="try later")
            return super()._one(effect)

    sink = Stumbling(pipeline.server)
    report = pipeline.run_held(flow, S1, I100, sink=sink)
    assert report.counts == {"received": 2, "delivered": 2}
    assert [effect.name for effect in sink.sent] == ["header", "header", "line:1", "line:2", "line:2"]


def test_a_plan_holds_for_its_target_and_its_maps_only(pipeline: Planner) -> None:
    flow = pipeline.plan(S1, I100)
    with pytest.raises(PlanChanged, match="fake-2"):
        pipeline.run_held(flow, S1, sink=FakeSink(pipeline.server, name="fake-2"))
    with pytest.raises(PlanChanged, match="maps"):
        pipeline.run_held(flow, S1, target_map=TARGET_MAP.replace("line_number\n", "line_number + 1\n"))
    assert sum(pipeline.server.writes.values()) == 0
    pipeline.name = "another"
    with pytest.raises(PlanChanged, match="says nothing of another"):
        pipeline.run_held(flow, S1)


def test_a_file_that_was_touched_is_refused(pipeline: Planner, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    save(plan_of(pipeline.plan(S1, I100)), path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert verdicts(read_plan(path).flows[0]) == {"S1": "new", "100": "new"}
    text = path.read_text()
    for before, after in (('"125.00"', '"125.0"'), ('"blocked"', '"new"'), ('"made_by": "anna"', '"made_by": "eve"')):
        path.write_text(text.replace(before, after))
        if before in text:
            with pytest.raises(PlanChanged, match="was changed"):
                read_plan(path)
    for content in ("{}", "no JSON", json.dumps({**json.loads(text), "extra": 1})):
        path.write_text(content)
        with pytest.raises(ConfigError, match="no plan"):
            read_plan(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_plan(tmp_path / "absent.json")


def test_every_value_of_the_file_is_under_its_hash(pipeline: Planner, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    save(plan_of(pipeline.plan(S1, I100)), path)
    whole = json.loads(path.read_text())
    places = [at for at in _texts(whole) if at[-1] != "hash" or len(at) > 1]
    assert len(places) > 40
    for at in places:
        touched = json.loads(path.read_text())
        inner = touched
        for step in at[:-1]:
            inner = inner[step]
        inner[at[-1]] = f"{inner[at[-1]]}x"
        other = tmp_path / "touched.json"
        other.write_text(json.dumps(touched))
        with pytest.raises((PlanChanged, ConfigError)):
            read_plan(other)


def _texts(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [place for name, inner in value.items() for place in _texts(inner, (*at, name))]
    if isinstance(value, list):
        return [place for number, inner in enumerate(value) for place in _texts(inner, (*at, number))]
    return [at] if isinstance(value, str) else []


# what has changed between a plan and its run


def changes(pipeline: Planner, then: Any, *now: Any) -> list[tuple[str, str]]:
    found = differences(plan_of(then), plan_of(pipeline.plan(*now)))
    return [(each.about.split(" ")[0], each.why) for each in found]


def test_a_plan_that_holds_has_no_differences(pipeline: Planner) -> None:
    pipeline.run(S1, I101)
    flow = pipeline.plan(S1, I100, I101)
    assert changes(pipeline, flow, S1, I100, I101) == []
    assert changes(pipeline, flow, S1, I100, ("supplier_invoices", invoice("101", touched="yes"))) == []


def test_drift_in_the_source_is_named(pipeline: Planner) -> None:
    flow = pipeline.plan(S1, I100)
    assert changes(pipeline, flow, S1, OTHER) == [("100", "changed in the source")]
    assert changes(pipeline, flow, S1) == [("100", "new in the plan; it comes no more")]
    assert changes(pipeline, flow, S1, I100, I101) == [("101", "new now, and not in the plan")]
    wrong = ("supplier_invoices", invoice("100", total=Decimal(1)))
    assert changes(pipeline, flow, S1, wrong) == [("100", "new in the plan; blocked (does_not_foot) now")]


def test_drift_in_the_target_is_named(pipeline: Planner) -> None:
    pipeline.run(S1, I100)
    flow = pipeline.plan(OTHER)
    (row,) = pipeline.server.tables["invoices"].values()
    row["stage"] = "in work"
    found = changes(pipeline, flow, OTHER)
    assert [why for _, why in found] == ["changed in the target"]
    row["stage"] = "approved"
    assert ("100", "changed in the plan; blocked (frozen) now") in changes(pipeline, flow, OTHER)


def test_one_row_looked_at_for_two_reasons_is_no_difference(pipeline: Planner) -> None:
    pipeline.run(S1, I100)
    credit = ("supplier_invoices", invoice("200", original="100", lines=[], net=Decimal(0), total=Decimal(25)))
    flow = pipeline.plan(OTHER, credit)
    assert len([each for each in flow.seen if each.table == "invoices" and each.key["key"] == "100"]) == 2
    assert changes(pipeline, flow, OTHER, credit) == []


def test_a_master_that_has_gone_is_named(pipeline: Planner) -> None:
    flow = pipeline.plan(S1, I100)
    pipeline.server.masters["accounts"] = [
        each for each in pipeline.server.masters["accounts"] if each["code"] != "6300"
    ]
    found = changes(pipeline, flow, S1, I100)
    assert ("100", "new in the plan; blocked (account_missing) now") in found
    assert ("accounts", "changed in the target") in found


def test_carrying_it_out_twice_is_refused(pipeline: Planner) -> None:
    flow = pipeline.plan(S1, I100)
    pipeline.run_held(flow, S1, I100)
    assert {why for _, why in changes(pipeline, flow, S1, I100)} >= {"new in the plan; unchanged now"}


def test_another_pipeline_or_target_is_a_difference(pipeline: Planner) -> None:
    flow = pipeline.plan(S1)
    other = msgspec.structs.replace(flow, target_id="fake-2")
    assert [each.about for each in differences(plan_of(flow), plan_of(other))] == ["the target"]
    renamed = msgspec.structs.replace(flow, pipeline="another")
    assert len(differences(plan_of(flow), plan_of(renamed))) == 2


# require_plan


def test_never_seen_before_needs_a_plan(pipeline: Planner) -> None:
    with pytest.raises(ConfigError, match=r"target fake-1 is new.*ml-connector plan tap-erp target-fake"):
        pipeline.run_approved("first", S1, I100)
    assert sum(pipeline.server.writes.values()) == 0
    assert pipeline.states == []
    assert pipeline.rows("deliveries") == []


def test_a_new_company_a_new_target_and_new_maps_are_named(pipeline: Planner) -> None:
    pipeline.run(S1, I100)
    pipeline.run_approved("first", I101)
    with pytest.raises(ConfigError, match="company SE01 is new"):
        pipeline.run_approved("first", ("suppliers", supplier("S1", "SE01")))
    with pytest.raises(ConfigError, match="target fake-2 is new"):
        pipeline.run_approved("first", S1, sink=FakeSink(pipeline.server, name="fake-2"))
    changed = TARGET_MAP.replace("'ml-connector'", "'somebody else'")
    with pytest.raises(ConfigError, match=r"maps .* are new to company NO01"):
        pipeline.run_approved("first", ("supplier_invoices", invoice("102")), target_map=changed)
    assert pipeline.server.count("invoices") == 2


def test_what_waits_does_not_slip_out_under_new_maps(pipeline: Planner) -> None:
    lines = [{"nr": 1, "amount": Decimal(10), "account": "7777"}]
    pipeline.run(S1, ("supplier_invoices", invoice("100", lines=lines)))
    pipeline.server.masters["accounts"].append({"source": "erp:NO01", "code": "7777", "active": "true", "id": "x"})
    changed = TARGET_MAP.replace("'ml-connector'", "'somebody else'")
    with pytest.raises(ConfigError, match="maps"):
        pipeline.run_approved("first", target_map=changed)
    assert pipeline.server.count("invoices") == 0
    assert pipeline.run_approved("first").counts["delivered"] == 1


def test_always_means_every_run_but_a_replay(pipeline: Planner) -> None:
    pipeline.run(S1)
    with pytest.raises(ConfigError, match="`require_plan` is always"):
        pipeline.run_approved("always", I100)
    assert pipeline.run_approved("always", I100, replay=True).counts["delivered"] == 1


def test_a_plan_is_enough_where_one_is_required(pipeline: Planner) -> None:
    flow = pipeline.plan(S1, I100)
    assert pipeline.run_held(flow, S1, I100).counts["delivered"] == 2
    assert pipeline.state_of(KEY) == ("delivered", None)
