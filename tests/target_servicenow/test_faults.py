"""Lost answers and broken servers, over HTTP: what arrived is learnt by looking, and nothing is sent twice (L3)."""

from __future__ import annotations

import pytest
from ml_connector.delivery.sink import State
from ml_connector.errors import AuthError, OutOfPatience, Unreachable
from ml_connector.http import ClientCredentials
from ml_connector_simulators.kit import Fault
from ml_connector_simulators.servicenow import Installation, RateLimit

from tests.target_servicenow.conftest import SUPPLIER, Bench, make

MODES = {"single": r"/import/\w+$", "batch": "/batch$", "insert_multiple": "/insertMultiple$"}
DELIVERED, IN_DOUBT, FAILED, SENT = State.DELIVERED, State.IN_DOUBT, State.FAILED, State.SENT


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


def start(bench, mode, **options) -> Bench:
    """Return a bench whose first insertMultiple row is already proven, so that the next call is the one tested."""
    it = bench(mode=mode, **options)
    it.settle([o for o in it.send(it.supplier("first")) if o.state is SENT])
    it.sim.log.clear()
    return it


def numbers(it: Bench) -> list[str]:
    return sorted(
        row["supplier_number"] for row in it.sim.table("sn_fin_supplier") if row["supplier_number"] != "first"
    )


def staged(it: Bench) -> int:
    return len(it.sim.table(SUPPLIER)) - 1


@pytest.mark.parametrize("kind", ["commit_then_drop", "truncated"])
def test_committed_and_the_answer_lost(bench, mode, kind):
    it = start(bench, mode)
    rows = 1 if mode == "single" else 3
    it.sim.faults.add(Fault(kind, path=MODES[mode], method="POST"))
    outcomes = it.send(*(it.supplier(str(n)) for n in range(rows)))
    assert it.states(outcomes) == [(IN_DOUBT, "answer_lost")] * rows
    assert it.states(it.settle(outcomes)) == [(DELIVERED, "created")] * rows
    assert numbers(it) == [str(n) for n in range(rows)]
    assert len(it.sim.log.writes()) == 1, "a lost answer is never sent again"


def test_committed_long_after_our_time_out(bench, mode):
    it = start(bench, mode, patience=300)
    it.sim.faults.add(Fault("commit_late", path=MODES[mode], method="POST", delay=45))
    outcomes = it.send(it.supplier("1"), it.supplier("2"))
    lost = [o for o in outcomes if o.state is IN_DOUBT]
    assert len(lost) == (1 if mode == "single" else 2)
    assert [o.state for o in it.settle(lost, wait=False)] == [IN_DOUBT] * len(lost), "absent, but it may still come"
    assert {o.state for o in it.settle(lost)} == {DELIVERED}
    assert numbers(it) == ["1", "2"]
    assert staged(it) == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault("timeout", seconds=30),
        Fault("reset"),
        Fault("status", status=500),
        Fault("html"),
        Fault("status", status=502),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_not_committed_counts_as_absent_only_after_the_settle_window(bench, mode, fault):
    it = start(bench, mode, settle_window=90.0, patience=300)
    it.sim.faults.add(Fault(fault.kind, path=MODES[mode], method="POST", seconds=fault.seconds, status=fault.status))
    effects = [it.supplier(str(n)) for n in range(1 if mode == "single" else 3)]
    outcomes = it.send(*effects)
    assert {o.state for o in outcomes} == {IN_DOUBT}
    assert {o.state for o in it.settle(outcomes, wait=False)} == {IN_DOUBT}
    it.clock.sleep(60)
    assert {o.state for o in it.settle(outcomes, wait=False)} == {IN_DOUBT}
    it.clock.sleep(31)
    settled = it.settle(outcomes, wait=False)
    assert {(o.state, o.reason) for o in settled} == {(FAILED, "never_arrived")}
    assert len(it.sim.log.writes()) == 1
    again = it.send(*(it.remembered(o) for o in settled))
    assert {o.state for o in it.settle([o for o in again if o.state is SENT])} <= {DELIVERED}
    assert numbers(it) == [str(n) for n in range(len(effects))]


@pytest.mark.parametrize("asked", [7, None])
def test_429_is_waited_out_as_asked_and_the_rows_arrive_once(bench, mode, asked):
    it = start(bench, mode)
    headers = {"Retry-After": str(asked)} if asked else {}
    it.sim.faults.add(Fault("status", path=MODES[mode], method="POST", status=429, headers=headers))
    before = it.clock.monotonic()
    outcomes = it.send(it.supplier("1"), it.supplier("2"))
    assert it.clock.monotonic() - before >= (asked or 0)
    it.settle([o for o in outcomes if o.state is SENT])
    assert numbers(it) == ["1", "2"]
    assert staged(it) == 2


def test_a_429_longer_than_our_patience_stops_and_says_when_to_come_back(bench, mode):
    it = start(bench, mode, batch_size=2, max_concurrency=1)
    it.sim.faults.add(Fault("status", path=MODES[mode], method="POST", status=429, headers={"Retry-After": "3000"}))
    effects = [it.supplier(str(n)) for n in range(6)]
    outcomes = []
    with pytest.raises(OutOfPatience) as stop:
        outcomes.extend(it.sink.send(effects))
    assert sorted(o.effect.id for o in outcomes) == [e.id for e in effects]
    assert {(o.state, o.reason) for o in outcomes} == {(FAILED, "not_sent")}
    assert all(o.retry_at == stop.value.retry_at is not None for o in outcomes)
    assert len(it.sim.log.writes()) == 1
    assert numbers(it) == []


def test_a_rate_limit_inside_a_batch_holds_the_rest_back(bench):
    limit = RateLimit(per_hour=3, api="Import Set API")
    it = bench(Installation(rate_limits=[limit]), mode="batch")
    it.client._patience = 4000
    outcomes = it.send(*(it.supplier(str(n)) for n in range(5)))
    assert it.states(outcomes) == [(DELIVERED, "created")] * 5
    assert it.sim.clock.now().minute == 0, "the limit's clock hour was waited out"
    assert len(it.sim.table(SUPPLIER)) == 5


def test_rows_a_batch_did_not_service_are_sent_again(bench):
    it = bench(Installation(batch_item_seconds=9.0), mode="batch")
    outcomes = it.send(*(it.supplier(str(n)) for n in range(8)))
    assert it.states(outcomes) == [(DELIVERED, "created")] * 8
    assert len(it.sim.log.writes("/batch")) == 3
    assert len(it.sim.table(SUPPLIER)) == 8


def test_a_batch_that_services_nothing_falls_back_to_single_posts(bench):
    it = bench(Installation(batch_item_seconds=31.0), mode="batch")
    assert it.states(it.send(*(it.supplier(str(n)) for n in range(3)))) == [(DELIVERED, "created")] * 3
    assert len(it.sim.table(SUPPLIER)) == 3


def test_an_expired_token_is_renewed_within_the_run(bench, mode):
    it = bench(mode=mode)
    it.client._auth = ClientCredentials(it.sim.url + "/oauth_token.do", "demo-sn-client", "demo-sn-secret")
    it.sim.faults.add(Fault("token_expiry", path=MODES[mode], method="POST"))
    outcomes = it.send(it.supplier("1"), it.supplier("2"))
    it.settle([o for o in outcomes if o.state is SENT])
    assert numbers(it) == ["1", "2"]
    assert staged(it) == 1


def test_a_missing_role_stops_with_every_row_accounted_for(bench, mode):
    it = start(bench, mode)
    it.sim.revoke("integration.user", "import_transformer")
    effects = [it.supplier(str(n)) for n in range(3)]
    outcomes = []
    with pytest.raises(AuthError, match="import_transformer"):
        outcomes.extend(it.sink.send(effects))
    assert sorted(o.effect.id for o in outcomes) == [e.id for e in effects]
    assert {o.state for o in outcomes} <= {IN_DOUBT, FAILED}
    assert numbers(it) == []


def test_what_others_learnt_is_kept_when_one_call_stops_the_run(bench):
    it = bench(mode="batch", batch_size=2, max_concurrency=1)
    it.send(it.supplier("first"))
    it.sim.faults.add(
        Fault("status", path="/batch$", method="POST", after=1, status=429, headers={"Retry-After": "3000"})
    )
    outcomes = []
    with pytest.raises(OutOfPatience):
        outcomes.extend(it.sink.send([it.supplier(str(n)) for n in range(6)]))
    assert sorted((o.state, o.reason) for o in outcomes) == [(DELIVERED, "")] * 2 + [(FAILED, "not_sent")] * 4
    assert numbers(it) == ["0", "1"]


def test_an_instance_that_is_gone_is_unreachable(bench):
    it = bench()
    it.client.base_url = "http://127.0.0.1:1"
    with pytest.raises(Unreachable):
        it.sink.identity()


def test_a_hibernating_instance_is_told_as_such(bench):
    it = bench()
    it.sim.configure(hibernating=True)
    with pytest.raises(Unreachable, match="wake it"):
        it.sink.identity()


def test_an_older_version_in_the_target_is_not_taken_for_the_lost_one(bench, mode):
    it = start(bench, mode)
    first = it.send(it.supplier("1", "Old name"), it.supplier("2", "Old name"))
    it.settle([o for o in first if o.state is SENT])
    it.clock.sleep(5)
    it.sim.faults.add(Fault("reset", path=MODES[mode], method="POST"))
    outcomes = it.send(it.supplier("1", "New name"), it.supplier("2", "New name"))
    lost = [o for o in outcomes if o.state is IN_DOUBT]
    assert {o.state for o in it.settle(lost, wait=False)} == {IN_DOUBT}
    it.clock.sleep(91)
    assert {o.state for o in it.settle(lost, wait=False)} == {FAILED}


def test_when_staging_rows_may_not_be_read_the_target_table_tells(bench):
    it = start(bench, "single")
    it.sim.faults.add(Fault("commit_then_drop", path=MODES["single"], method="POST"))
    outcomes = it.send(it.supplier("1"))
    it.sim.restrict("read", SUPPLIER)
    assert it.states(it.settle(outcomes, wait=False)) == [(DELIVERED, "updated")]


def test_when_nothing_may_be_read_a_lost_answer_stays_in_doubt_and_says_why(bench):
    it = start(bench, "single")
    it.sim.faults.add(Fault("commit_then_drop", path=MODES["single"], method="POST"))
    outcomes = it.send(it.supplier("1"))
    it.sim.restrict("read", SUPPLIER)
    it.sim.restrict("read", "sn_fin_supplier")
    it.clock.sleep(1000)
    assert it.states(it.settle(outcomes)) == [(IN_DOUBT, "outcome_unreadable")]


def test_a_week_later_the_staging_rows_are_gone_and_the_target_table_tells(bench, mode):
    it = start(bench, mode)
    outcomes = it.send(it.supplier("1"), it.supplier("2"))
    it.sim.process_imports()
    for table in (SUPPLIER, "sys_import_set"):
        for row in it.sim.table(table):
            it.sim.delete(table, row["sys_id"])
    open_rows = [
        make(o.effect.table, o.effect.key, o.effect.payload, sent_at=o.effect.sent_at, handle=o.handle)
        for o in outcomes
        if o.state is SENT
    ]
    it.clock.sleep(7 * 86400)
    assert all(o.state is DELIVERED for o in it.sink.settle(open_rows, wait=False))
