"""What `ping` tells: who may write what, without a write, and how the connection is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from ml_connector.mapping import TargetMap
from ml_connector.mapping.loader import search_path
from ml_connector.singer.vitals import vitals
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import Installation, ServiceNowSimulator
from ml_connector_simulators.servicenow.installation import RateLimit

from tests.target_servicenow.conftest import Bench

if TYPE_CHECKING:
    from ml_connector.delivery.sink import Check

PROCUREMENT, INTEGRATION = "sn_spend_intg.procurement_integrator", "sn_fcms_intg.integration_user"
INVOICE, SUPPLIER = "write sn_spend_intg_imp_invoice", "write sn_fcms_intg_imp_supplier"


def told(it: Bench) -> dict[str, Check]:
    found = list(it.sink.ping(TargetMap.load("servicenow-s2p", search_path())))
    assert it.sim.log.writes() == []
    return {check.name: check for check in found}


def test_an_account_that_may_not_read_its_roles_hears_so(bench):
    checks = told(bench())
    assert checks[INVOICE].ok
    assert "cannot be known before the first write" in checks[INVOICE].detail
    assert PROCUREMENT in checks[INVOICE].detail
    assert checks[INVOICE].data["known"] is False


def test_each_table_is_told_with_the_role_that_opens_it(bench):
    it = bench()
    it.sim.allow("read", "sys_user_has_role")
    checks = told(it)
    assert checks[INVOICE].detail == (f"may write sn_spend_intg_imp_invoice (supplier invoices): role {PROCUREMENT}")
    assert checks[SUPPLIER].ok
    it.sim.revoke("integration.user", PROCUREMENT)
    refused = told(it)
    assert not refused[INVOICE].ok
    assert f"may not write sn_spend_intg_imp_invoice (supplier invoices): role {PROCUREMENT}" in refused[INVOICE].detail
    assert refused[INVOICE].detail.endswith("missing")
    assert refused[INVOICE].suggestion == f"Give the account the role {PROCUREMENT}."
    assert refused[SUPPLIER].ok
    it.sim.revoke("integration.user", INTEGRATION)
    assert not told(it)[SUPPLIER].ok
    it.sim.grant("integration.user", "admin")
    assert all(check.ok for name, check in told(it).items() if name.startswith("write "))


def test_other_peoples_roles_are_not_taken_for_ours(bench, monkeypatch):
    it = bench()
    it.sim.allow("read", "sys_user_has_role")
    monkeypatch.setattr("target_servicenow_importset.permissions._MINE", "")  # as an instance that drops the condition
    people = {row["user"] for row in it.sim.table("sys_user_has_role")}
    assert len(people) > 1
    assert told(it)[INVOICE].data["known"] is False


@pytest.fixture
def today() -> datetime:
    return datetime.now(UTC)


def connection(it: Bench) -> dict[str, Check]:
    list(it.sink.ping())
    return {check.name: check for check in vitals(it.client)}


def test_latency_and_an_hourly_rule_are_told(bench):
    it = bench(Installation(rate_limits=[RateLimit(per_hour=1000)]))
    checks = connection(it)
    assert checks["latency"].data["calls"] >= 6
    assert checks["latency"].data["milliseconds"] < 1000
    assert checks["rate limit"].data["limit"] == 1000
    assert "does not say how many are left" in checks["rate limit"].detail
    assert checks["token"].data["seconds_left"] is None  # Basic
    assert connection(bench())["rate limit"].detail == "the server tells of none"


@pytest.mark.parametrize(("ahead", "warned"), [(0, False), (45, False), (90, True), (-90, True)])
def test_clocks_that_differ_are_told_in_seconds(today, ahead, warned):
    with running(ServiceNowSimulator(start=today + timedelta(seconds=ahead))) as sim:
        clock = connection(Bench(sim))["clock"]
    assert clock.ok  # a warning, no failure
    assert clock.data["warning"] is warned
    assert abs(clock.data["skew_seconds"] - ahead) < 15
    assert ("behind" in clock.detail) == (ahead > 60)
    assert ("ahead of" in clock.detail) == (ahead < -60)
