"""Plan and run --plan: what is refused before anything is started."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from ml_connector.plan.document import Flow, Plan, Record, Verdict, save

from tests.cli.conftest import NO, House

if TYPE_CHECKING:
    from pathlib import Path

STARTED = "    open('started', 'w')\n    sys.exit(1)\n"


@pytest.fixture
def plan(house: House, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A saved plan, and a Meltano that leaves a trace when it is started."""
    house.meltano(monkeypatch, STARTED)
    record = Record("k", "NO01", "suppliers", Verdict.NEW, "h", sends={"h": {"header": "x"}})
    flow = Flow(NO, "sn1", "acmetest", "tap_visma servicenow-s2p", "m1", [record], [])
    made = Plan(["tap-visma-no", "target-servicenow"], "demo", "2026-11-01T05:00:00+00:00", "anna", [flow]).sealed()
    path = house.root / "plan.json"
    save(made, path)
    return path


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-e", "prod"), "made in environment demo"),
        (("tap-visma-se", "target-servicenow"), "made for tap-visma-no target-servicenow"),
        (("--resend",), "leave --resend out"),
    ],
)
def test_a_plan_is_not_bent(house: House, plan: Path, words: tuple[str, ...], told: str) -> None:
    done = house.call("run", "--plan", str(plan), *words)
    assert done.exit_code == 2
    assert told in done.stderr
    assert f"--plan {plan}" in done.stderr.rpartition("next:")[2]
    assert not (house.root / "started").exists()


def test_a_plan_that_was_touched_starts_nothing(house: House, plan: Path) -> None:
    plan.write_text(plan.read_text().replace("NO01", "SE01"))
    done = house.call("run", "--plan", str(plan), "--json")
    assert done.exit_code == 4
    assert json.loads(done.stdout)["error"]["code"] == "plan_changed"
    assert not (house.root / "started").exists()


@pytest.mark.parametrize("blocks", [("tap-visma-no",), ("tap-visma-no", "target-servicenow", "dbt:run"), ("nothing",)])
def test_only_taps_that_feed_targets_can_be_planned(house: House, plan: Path, blocks: tuple[str, ...]) -> None:
    done = house.call("plan", *blocks)
    assert done.exit_code == 2
    assert "next:" in done.stderr
    assert not (house.root / "started").exists()


def test_a_target_that_does_not_answer_is_not_run(house: House, plan: Path) -> None:
    done = house.call("plan", "visma-to-servicenow")
    assert done.exit_code == 2
    assert "cannot plan" in done.stderr
