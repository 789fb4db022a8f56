"""Faults over real HTTP while paging: every record arrives, none twice."""

import pytest
from ml_connector.errors import AuthError, BadAnswer, OutOfPatience, Unreachable
from ml_connector_simulators.kit import Fault
from ml_connector_simulators.visma import CUSTOMER_TENANT_ID

from tests.tap_visma.conftest import Output, captured, run, sync, tap_of

INVOICES = "/v1/supplierInvoice"
FAULTS = [
    {"kind": "token_expiry"},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}, "times": 2},
    {"kind": "status", "status": 429, "times": 3},
    {"kind": "status", "status": 500, "times": 3},
    {"kind": "status", "status": 503, "times": 3},
    {"kind": "reset", "times": 3},
    {"kind": "timeout", "seconds": 30},
    {"kind": "truncated", "times": 2},
    {"kind": "truncated", "times": 2, "promise_whole_length": True},
    {"kind": "html", "times": 2},
    {"kind": "commit_then_drop", "times": 2},
    {"kind": "latency", "seconds": 0.3, "times": 2},
]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}")
def test_every_record_arrives_once(sim, fault, after, concurrency):
    armed = sim.faults.add(Fault(path=INVOICES, after=after, **fault))
    output = sync(sim, "supplier_invoices", page_size=30, request_timeout=1, max_concurrency=concurrency)
    assert armed.struck == armed.times
    keys = output.keys("supplier_invoices")
    assert len(keys) == len(set(keys)) == len(sim.rows("NO01", "supplierInvoice"))
    assert output.totals("supplier_invoices")["complete"] is True


@pytest.mark.usefixtures("at_once")
def test_a_token_that_ends_again_and_again_is_renewed_once_each_time(sim):
    for after in (0, 3, 6):
        sim.faults.add(Fault("token_expiry", path=INVOICES, after=after))
    output = sync(sim, "supplier_invoices", page_size=30, max_concurrency=1)
    assert len(output.keys("supplier_invoices")) == 240
    assert len(sim.log.requests(path="/connect/token")) == 4


@pytest.mark.usefixtures("at_once")
def test_a_fault_in_the_middle_leaves_the_bookmark_and_says_how_far_it_came(sim):
    sim.faults.add(Fault("status", path=INVOICES, after=3, times=None, status=418))
    with captured() as out, pytest.raises(BadAnswer, match="418"):
        tap_of(sim, "suppliers", "supplier_invoices", page_size=30, max_concurrency=1).sync_all()
    output = Output(out())
    assert output.totals("suppliers")["complete"] is True
    totals = output.totals("supplier_invoices")
    assert (totals["complete"], totals["emitted"]) == (False, str(len(output.records["supplier_invoices"])))
    assert output.states[-1]["bookmarks"]["supplier_invoices"] == {}
    sim.faults.clear()
    assert len(sync(sim, "supplier_invoices", state=output.states[-1]).keys("supplier_invoices")) == 240


def test_a_wait_beyond_patience_stops_cleanly_with_what_was_done(sim):
    sim.faults.add(Fault("status", path=INVOICES, times=None, status=429, headers={"Retry-After": "3000"}))
    with captured() as out, pytest.raises(OutOfPatience, match="run again later"):
        tap_of(sim, "suppliers", "supplier_invoices").sync_all()
    output = Output(out())
    assert output.states[-1]["bookmarks"]["suppliers"]["replication_key_value"]
    assert len(sim.log.requests(path=INVOICES)) == 1


def test_a_used_up_allowance_is_waited_for_or_stops(sim):
    sim.limit.limit = 3
    with captured(), pytest.raises(OutOfPatience):
        tap_of(sim).sync_all()
    assert [r.status for r in sim.log.requests()].count(429) == 0


def test_the_customers_tenant_id_is_named_as_the_likely_cause(sim):
    with captured() as out, pytest.raises(AuthError) as error:
        tap_of(sim, "suppliers", tenant_id=CUSTOMER_TENANT_ID).sync_all()
    for words in ("company's tenant id", "customer's", "Visma App Store", "client_secret"):
        assert words in str(error.value)
    assert Output(out()).records == {}
    assert len(sim.log.requests(path="/connect/token")) == 2


def test_a_wrong_secret_is_told_and_not_shown(sim):
    with captured(), pytest.raises(AuthError) as error:
        tap_of(sim, "suppliers", client_secret="my-wrong-secret").sync_all()
    assert "my-wrong-secret" not in str(error.value)


@pytest.mark.usefixtures("at_once")
def test_an_unreachable_host_is_told(sim):
    with captured(), pytest.raises(Unreachable, match="no connection"):
        tap_of(sim, "suppliers", api_url="http://127.0.0.1:1").sync_all()


def test_nothing_is_ever_written(sim):
    run(tap_of(sim))
    assert sim.log.writes() == []
