"""Faults over real HTTP: after each, every source record has arrived, none twice, and the balance holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ml_connector_simulators.kit import Fault

from tests.flow.conftest import Clean, Flow

INVOICES = "/v1/supplierInvoice"
WRITES = r"/api/now/(v1/batch|import)"
TOO_MANY = {"status": 429, "body": {"message": "Too many requests"}}

READ_FAULTS = {
    "token expires": Fault("token_expiry", INVOICES, after=1),
    "429 with Retry-After": Fault("status", INVOICES, after=1, headers={"Retry-After": "1"}, **TOO_MANY),
    "429 without Retry-After": Fault("status", INVOICES, after=1, times=2, **TOO_MANY),
    "500s": Fault("status", r"/v1/", after=2, times=3, status=500, body="oops"),
    "reset": Fault("reset", INVOICES, after=1, times=2),
    "time-out": Fault("timeout", INVOICES, after=1, seconds=4),
    "truncated JSON": Fault("truncated", INVOICES, after=1, times=2),
    "truncated within its length": Fault("truncated", INVOICES, after=1, promise_whole_length=True),
    "HTML instead of JSON": Fault("html", INVOICES, after=1, times=2),
}
WRITE_FAULTS = {
    "token expires": Fault("token_expiry", WRITES, after=5),
    "429 with Retry-After": Fault("status", WRITES, after=5, headers={"Retry-After": "1"}, **TOO_MANY),
    "429 without Retry-After": Fault("status", WRITES, after=5, times=2, **TOO_MANY),
    "500s": Fault("status", WRITES, after=5, times=2, status=500, body="oops"),
    "500s on reads": Fault("status", r"/api/now/table", after=9, times=2, status=500, body="oops"),
    "reset": Fault("reset", WRITES, after=5, times=2),
    "time-out": Fault("timeout", WRITES, after=5, seconds=4),
    "truncated JSON": Fault("truncated", WRITES, after=5, times=2),
    "HTML instead of JSON": Fault("html", WRITES, after=5, times=2),
    "answered and then lost": Fault("commit_then_drop", WRITES, after=5, times=2),
    "committed after the time-out": Fault("commit_late", WRITES, after=5, delay=30),
}


def finish(flow: Flow, fault: Fault, clean: Clean, run: Callable[[], tuple[int, str]]) -> None:
    """Run until nothing is open that time can settle, and compare what landed with an undisturbed run."""
    for _ in range(3):
        code, log = run()
        assert code in (0, 3), log
        assert "demo-visma-secret" not in log
        assert "demo-sn-secret" not in log
        assert flow.last_run()["balance"] != "out_of_balance", flow.last_run()["message"]
        if code == 0 and flow.states() == clean.states:
            break
        flow.servicenow.clock.advance(60)
        flow.let_time_pass()
    assert fault.struck >= 1, "the fault never struck: this test proves nothing"
    assert flow.states() == clean.states, log
    assert flow.landed() == clean.landed


@pytest.mark.parametrize("name", READ_FAULTS)
def test_a_fault_while_reading(flow: Flow, clean: Clean, name: str) -> None:
    flow.tap_settings = {"request_timeout": 2}
    fault = flow.visma.faults.add(READ_FAULTS[name])
    finish(flow, fault, clean, flow.run)


@pytest.mark.parametrize("name", WRITE_FAULTS)
def test_a_fault_while_writing(flow: Flow, clean: Clean, name: str) -> None:
    flow.target_settings = {"request_timeout": 2, "patience": 4}
    fault = flow.servicenow.faults.add(WRITE_FAULTS[name])
    finish(flow, fault, clean, lambda: flow.load(clean.stream))


def test_pages_cut_silently_lose_nothing(flow: Flow, clean: Clean) -> None:
    flow.tap_settings = {"page_size": 5000}
    flow.visma.settings.max_page_size["supplierinvoice"] = 7
    code, stream, log = flow.read()
    assert code == 0, log
    assert stream.count('"type":"RECORD"') == clean.stream.count('"type":"RECORD"')
    flow.load(stream)
    assert flow.landed() == clean.landed
