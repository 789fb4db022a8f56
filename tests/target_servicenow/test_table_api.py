"""`via: table`: look up by key, then POST or PATCH; never two rows of one key."""

from __future__ import annotations

import pytest
from ml_connector.delivery.sink import State
from ml_connector.errors import Forbidden
from ml_connector_simulators.kit import Fault
from ml_connector_simulators.servicenow import Installation

from tests.target_servicenow.conftest import make

TABLE = "cmn_cost_center"
DELIVERED, IN_DOUBT, FAILED, PARKED = State.DELIVERED, State.IN_DOUBT, State.FAILED, State.PARKED


def center(it, code, name="Sales", **more):
    key = {"erp_source": "visma:NO01", "code": code}
    return make(TABLE, key, {**key, "name": name, **more}, via="table", sent_at=it.clock.now())


@pytest.mark.parametrize("mode", ["single", "batch", "auto"])
def test_created_then_updated_then_unchanged_without_a_write(bench, mode):
    it = bench(mode=mode)
    first = it.send(center(it, "101", valid_from="2026-01-01"), center(it, "102"))
    assert it.states(first) == [(DELIVERED, "created")] * 2
    second = it.send(center(it, "101", "Renamed"), center(it, "102"))
    assert it.states(second) == [(DELIVERED, "updated"), (DELIVERED, "unchanged")]
    assert [o.target_id for o in first] == [o.target_id for o in second]
    writes = len(it.sim.log.writes())
    assert it.states(it.send(center(it, "101", "Renamed"), center(it, "102"))) == [(DELIVERED, "unchanged")] * 2
    assert len(it.sim.log.writes()) == writes
    assert sorted((r["code"], r["name"]) for r in it.sim.table(TABLE)) == [("101", "Renamed"), ("102", "Sales")]


def test_an_emptied_value_empties_the_column(bench):
    it = bench()
    it.send(center(it, "101", valid_to="2026-12-31"))
    assert it.states(it.send(center(it, "101", valid_to=None))) == [(DELIVERED, "updated")]
    assert it.sim.table(TABLE)[0]["valid_to"] == ""


def test_two_rows_of_one_key_park_instead_of_a_guess(bench):
    it = bench()
    for _ in range(2):
        it.sim.instance.store.insert(TABLE, {"erp_source": "visma:NO01", "code": "101"})
    assert it.states(it.send(center(it, "101"))) == [(PARKED, "ambiguous_key")]
    assert it.sim.log.writes() == []


def test_a_column_the_account_may_not_write_is_told(bench):
    it = bench()
    it.sim.restrict("create", TABLE, column="name")
    it.sim.restrict("write", TABLE, column="name")
    (outcome,) = it.send(center(it, "101"))
    assert (outcome.state, outcome.reason, outcome.field) == (PARKED, "column_not_written", "name")
    (outcome,) = it.send(center(it, "101", "Other"))
    assert (outcome.state, outcome.field) == (PARKED, "name")


def test_a_row_the_account_may_not_change_parks(bench):
    it = bench()
    it.send(center(it, "101"))
    it.sim.restrict("write", TABLE)
    assert it.states(it.send(center(it, "101", "Renamed"))) == [(PARKED, "update_forbidden")]


def test_a_role_missing_for_new_rows_stops_and_leaves_nothing_behind(bench):
    it = bench(mode="single")
    it.sim.restrict("create", TABLE)
    effects = [center(it, "101"), center(it, "102")]
    outcomes = []
    with pytest.raises(Forbidden, match="create rows"):
        outcomes.extend(it.sink.send(effects))
    assert it.states(outcomes) == [(IN_DOUBT, "answer_lost"), (FAILED, "not_sent")]
    assert it.sim.table(TABLE) == []


def test_written_but_answered_403_is_found_by_looking(bench):
    """KB2697679: a POST may answer 403 although the row was written."""
    it = bench(mode="single")
    effect = center(it, "101")
    it.sink.lookup(TABLE, ("erp_source", "code"), [("visma:NO01", "101")], ["name", "sys_updated_on"])
    access = it.sim.instance.access
    may = access.may
    # Readable when it is looked up, not when the new row is to be shown.
    access.may = lambda roles, verb, table: may(roles, verb, table) and not (verb == "read" and it.sim.log.writes())
    outcomes = []
    with pytest.raises(Forbidden):
        outcomes.extend(it.sink.send([effect]))
    access.may = may
    assert it.states(outcomes) == [(IN_DOUBT, "answer_lost")]
    assert it.states(it.settle(outcomes)) == [(DELIVERED, "created")]
    assert len(it.sim.table(TABLE)) == 1


@pytest.mark.parametrize("mode", ["single", "batch"])
@pytest.mark.parametrize("kind", ["commit_then_drop", "truncated", "reset", "html"])
def test_a_lost_answer_is_settled_by_looking_and_never_doubled(bench, mode, kind):
    it = bench(mode=mode, patience=300)
    path = "/batch$" if mode == "batch" else f"/table/{TABLE}$"
    it.sim.faults.add(Fault(kind, path=path, method="POST"))
    outcomes = it.send(*(center(it, str(n)) for n in range(1 if mode == "single" else 3)))
    assert {o.state for o in outcomes} == {IN_DOUBT}
    committed = kind in {"commit_then_drop", "truncated"}
    settled = it.settle(outcomes)
    assert {o.state for o in settled} == {DELIVERED if committed else FAILED}
    it.send(*(it.remembered(o) for o in settled if o.state is FAILED))
    assert len(it.sim.table(TABLE)) == len(outcomes)


def test_a_lost_change_is_not_taken_for_done_because_the_row_exists(bench):
    it = bench(mode="single", patience=10)
    it.send(center(it, "101", "Old"))
    it.clock.sleep(5)
    it.sim.faults.add(Fault("reset", path=f"/table/{TABLE}/", method="PATCH"))
    outcomes = it.send(center(it, "101", "New"))
    assert {o.state for o in it.settle(outcomes, wait=False)} == {IN_DOUBT}
    it.sim.update(TABLE, it.sim.table(TABLE)[0]["sys_id"], name="A person's name")
    assert {o.state for o in it.settle(outcomes, wait=False)} == {IN_DOUBT}
    it.clock.sleep(91)
    assert {o.state for o in it.settle(outcomes, wait=False)} == {FAILED}


def test_a_query_that_answers_nothing_does_not_create_a_second_row(bench):
    it = bench(Installation(unknown_column="no_rows"))
    it.send(center(it, "101"))
    it.sim.restrict("query_match", TABLE, column="code")
    it.sink._reader._queryable.clear()
    with pytest.raises(Forbidden):
        list(it.sink.send([center(it, "101", "Renamed")]))
    assert len(it.sim.table(TABLE)) == 1
