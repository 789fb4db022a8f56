"""Whatever happened before, a plan's verdicts are what a run then does, and the run passes when held to the plan."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from ml_connector.delivery.work import OPEN_STATES
from ml_connector.errors import ConnectorError
from ml_connector.plan.document import SENDING, Verdict

from tests.delivery.conftest import invoice, supplier
from tests.delivery.fake_target import FakeSink, Killed
from tests.plan.conftest import Planner

if TYPE_CHECKING:
    from ml_connector.plan.document import Record

KEYS = [f"erp:NO01:supplier_invoices:{number}" for number in ("100", "101", "102")]
accounts = st.lists(st.sampled_from(["6300", "6400", "7777"]), min_size=1, max_size=3)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    if draw(st.integers(0, 3)) == 0:
        return "suppliers", supplier("S1", status=draw(st.sampled_from(["Active", "Active", "Left"])))
    lines = [{"nr": at, "amount": Decimal(10), "account": code} for at, code in enumerate(draw(accounts), 1)]
    changes = {
        "currency": draw(st.sampled_from(["NOK", "EUR"])),
        "status": draw(st.sampled_from(["Open", "Open", "Hold"])),
        "reference": draw(st.sampled_from(["a", "b", "c"])),
        "original": draw(st.sampled_from([None, "100", "101"])),
    }
    return "supplier_invoices", invoice(draw(st.sampled_from(["100", "101", "102"])), lines=lines, **changes)


some_keys = st.sets(st.sampled_from(KEYS), min_size=1)
mishaps = st.one_of(
    st.just({}),
    *(
        st.fixed_dictionaries({name: st.sets(st.sampled_from(KEYS), min_size=1)})
        for name in ("lose", "swallow", "fail")
    ),
    st.fixed_dictionaries({"refuse": st.dictionaries(st.sampled_from(KEYS), st.just("rejected"), min_size=1)}),
    st.fixed_dictionaries({"die_at": st.integers(1, 12)}),
    st.fixed_dictionaries({"asynchronous": st.just(True)}),
)
runs = st.lists(st.tuples(st.lists(documents(), max_size=4), mishaps), max_size=3)
settled = [("suppliers", supplier("S1"))]
settled += [("supplier_invoices", invoice(number)) for number in ("100", "101", "102")]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    before=runs,
    now=st.lists(documents(), min_size=1, max_size=5),
    rows=st.sampled_from([1, 500]),
    delivered=st.booleans(),
)
def test_a_run_does_what_its_plan_says(before: list[Any], now: list[Any], rows: int, delivered: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Planner(Path(folder))
        pipeline.server.masters["accounts"] = [
            {"source": "erp:NO01", "code": code, "active": "true", "id": code} for code in ("6300", "6400", "9999")
        ]
        for records, mishap in [(settled, {}), *before] if delivered else before:
            with suppress(ConnectorError, Killed):
                pipeline.run(*records, sink=FakeSink(pipeline.server, **mishap))
        stored, writes, states = pipeline.everything(), dict(pipeline.server.writes), len(pipeline.states)
        flow = pipeline.plan(*now, batch_rows=rows)
        assert (pipeline.everything(), dict(pipeline.server.writes)) == (stored, writes)
        assert len(pipeline.states) == states
        pipeline.run_held(flow, *now, batch_rows=rows)
        sent = {effect.business_key for effect in pipeline.sinks[-1].sent}
        found = {row["business_key"]: row for row in pipeline.rows("deliveries")}
        for record in flow.records:
            event(str(record.verdict))
            _agrees(record, found.get(record.key), sent)
        touched = {key for key, row in found.items() if row["last_run"] == pipeline.rows("runs")[-1]["id"]}
        assert touched <= {record.key for record in flow.records}


def _agrees(record: Record, row: dict[str, Any] | None, sent: set[str]) -> None:
    assert (record.key in sent) == bool(record.sends)
    assert bool(record.sends) == (record.verdict in SENDING) or "older version" in (record.message or "")
    if row is None:
        assert record.verdict == Verdict.SKIPPED
        return
    assert (row["state"] in OPEN_STATES) == (record.verdict == Verdict.BLOCKED)
    if record.verdict == Verdict.BLOCKED:
        assert (row["state"], row["reason"]) == (record.state, record.reason)
    assert row["amount"] == record.amount
