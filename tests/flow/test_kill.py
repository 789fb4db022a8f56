"""A target killed with SIGKILL resumes from what it had settled: nothing lost, nothing twice."""

from __future__ import annotations

import signal

import pytest

from tests.flow.conftest import Clean, Flow


@pytest.mark.parametrize("writes", [1, 4, 9, 15, 22, 27])
def test_a_killed_target_resumes(flow: Flow, clean: Clean, writes: int) -> None:
    assert flow.kill_after(clean.stream, writes) == -signal.SIGKILL
    flow.let_time_pass()
    code, log = flow.load(clean.stream)
    assert code == 0, log
    assert flow.landed() == clean.landed
    assert flow.states() == clean.states
    assert flow.last_run()["balance"] == "in_balance"


def test_a_terminated_target_ends_after_the_rows_under_way(flow: Flow, clean: Clean) -> None:
    assert flow.kill_after(clean.stream, 8, signal.SIGTERM) == 128 + signal.SIGTERM
    assert flow.last_run()["outcome"] == "stopped"
    assert flow.states().get("in_doubt", 0) == 0
    code, log = flow.run()
    assert code == 0, log
    assert flow.landed() == clean.landed
