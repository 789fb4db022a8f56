"""A plan knows our own records as a run does, though they were written into another target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.delivery.conftest import Pipeline, invoice, supplier
from tests.delivery.test_echo import BACK, THERE, Numbering
from tests.plan.conftest import Planner, record_of, verdicts

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_run_would_skip_as_our_own_is_skipped_in_the_plan(pipeline: Planner, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    there = Pipeline(tmp_path / "there", name="there", store_url=pipeline.url)
    there.server.masters["accounts"] = pipeline.server.masters["accounts"]
    records = (("suppliers", supplier("S1")), ("supplier_invoices", invoice("7")))
    there.run(*records, sink=Numbering(there.server), target_map=THERE)
    pipeline.server.masters["accounts"] += [
        {"source": "far:US01", "code": code, "active": "true"} for code in ("6300", "6400")
    ]
    read = [("suppliers", supplier("S1", "US01"))]
    read += [("supplier_invoices", invoice(number, "US01")) for number in ("id2", "900")]
    flow = pipeline.plan(*read, source_map=BACK)
    assert verdicts(flow) == {"S1": "new", "id2": "skipped", "900": "new"}
    assert record_of(flow, "id2").reason == "echo"
    pipeline.run_held(flow, *read, source_map=BACK)
    assert verdicts(pipeline.plan(*read, source_map=BACK)) == {"S1": "unchanged", "id2": "skipped", "900": "unchanged"}
