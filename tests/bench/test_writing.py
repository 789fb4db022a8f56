"""Every way to write of the targets' benchmark ends with all documents delivered."""

from __future__ import annotations

import pytest

from bench import target_acumatica, target_servicenow, writing

CASES = [(target.NAME, case) for target in (target_servicenow, target_acumatica) for case in target.CASES]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(writing, "LATENCY", 0.0)


@pytest.mark.parametrize(("target", "case"), CASES, ids=[case.name for _, case in CASES])
def test_all_is_delivered_and_counted(target, case):
    result = writing.measure(target, case, records=3)
    assert result.calls.records == 3
    assert result.calls.calls > 0
    assert result.rate > 0
