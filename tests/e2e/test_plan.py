"""Plan, look, carry out: with the real Meltano, its bookmarks and its way of passing things to plugins."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.e2e.conftest import House, copy_of_the_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector_simulators.servicenow import ServiceNowSimulator
    from ml_connector_simulators.visma import VismaSimulator

BLOCKS = ("tap-visma-no", "target-servicenow")
PIPELINE = "tap-visma-no-to-target-servicenow"
FIRST = {"TARGET_SERVICENOW_REQUIRE_PLAN": "first"}


class Scene(NamedTuple):
    """One project through all tests of this module, in their order."""

    house: House
    visma: VismaSimulator
    servicenow: ServiceNowSimulator

    @property
    def bookmark(self) -> str | None:
        """What Meltano keeps for the pipeline."""
        with closing(sqlite3.connect(self.house.root / ".meltano" / "meltano.db")) as database:
            kept = database.execute("SELECT state_id, completed_state FROM state").fetchall()
        return dict(kept).get(f"demo:{PIPELINE}")

    @property
    def writes(self) -> int:
        return len(self.servicenow.log.writes())

    def edit(self, text: str) -> None:
        """Change the text of an invoice's line."""
        rows = self.servicenow.table("sn_shop_invoice", erp_source="visma:NO01")
        number = rows[0]["external_invoice_number"]
        self.visma.edit("NO01", "supplierInvoice", number, **{"invoiceLines.0.transactionDescription": text})


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    house = copy_of_the_project(tmp_path_factory.mktemp("plan"))
    with house.simulators() as (visma, servicenow):
        yield Scene(house, visma, servicenow)


def is_new_invoice(record: dict[str, Any]) -> bool:
    return record["record_type"] == "supplier_invoices" and record["verdict"] == "new"


def test_a_scheduled_run_of_something_new_stops_and_names_the_command(scene: Scene) -> None:
    done = scene.house.meltano("run", *BLOCKS, **FIRST)
    assert done.code == 1  # Meltano's own code for any failing block
    assert "is new" in done.said
    assert "ml-connector plan tap-visma-no target-servicenow" in done.said
    assert scene.writes == 0


def test_a_plan_changes_nothing_and_its_run_carries_it_out(scene: Scene) -> None:
    before = scene.bookmark
    assert "replication_key_value" not in (before or "")
    planned = scene.house.cli("plan", *BLOCKS, "--json", "--out", "plan.json", **FIRST)
    assert planned.code == 4, planned.said  # some records would wait
    assert scene.writes == 0
    assert scene.bookmark == before
    (flow,) = planned.data["flows"]
    verdicts = Counter(record["verdict"] for record in flow["records"])
    assert verdicts["new"] > 100
    assert verdicts["blocked"] > 3
    assert planned.data["headline"].startswith(f"{verdicts['new']:,} new")

    carried = scene.house.cli("run", "--plan", "plan.json", "--json", **FIRST)
    assert carried.code == 4, carried.said
    (run,) = carried.data["runs"]
    assert (run["balance"], run["pipeline"]) == ("in_balance", PIPELINE)
    delivered = sum(each.get("delivered", {}).get("count", 0) for each in carried.data["records"])
    assert delivered == verdicts["new"]
    landed = scene.servicenow.table("sn_shop_invoice", erp_source="visma:NO01")
    assert len(landed) == sum(is_new_invoice(record) for record in flow["records"])
    assert "replication_key_value" in (scene.bookmark or "")


def test_it_is_not_carried_out_twice_and_the_nightly_run_goes_on_by_itself(scene: Scene) -> None:
    writes = scene.writes
    again = scene.house.cli("run", "--plan", "plan.json", **FIRST)
    assert again.code == 4
    assert "plan_changed" in again.said
    assert scene.writes == writes
    nightly = scene.house.meltano("run", *BLOCKS, **FIRST)  # the combination is approved now
    assert nightly.code == 0, nightly.said


def test_a_change_is_shown_field_by_field_and_drift_is_refused(scene: Scene) -> None:
    bookmark, writes = scene.bookmark, scene.writes
    scene.edit("Looked at first")
    # As a command of the utility plugin: Meltano within Meltano, and the exit code comes through.
    changed = scene.house.meltano("invoke", "ml-connector", "plan", *BLOCKS, "--out", "change.json", **FIRST)
    assert changed.code == 4, changed.said
    assert "1 changed" in changed.out, changed.said
    assert "→ Looked at first" in changed.out
    scene.edit("And changed once more")
    drifted = scene.house.cli("run", "--plan", "change.json", "--json", **FIRST)
    assert drifted.code == 4, drifted.said
    assert [each["why"] for each in drifted.data["differences"]] == ["changed in the source"]
    assert (scene.bookmark, scene.writes) == (bookmark, writes)


def test_a_file_that_was_touched_is_refused_before_anything_is_read(scene: Scene) -> None:
    path, read = scene.house.root / "change.json", len(scene.visma.log.requests())
    tampered = json.loads(path.read_text())
    tampered["flows"][0]["records"][0]["title"] = "Somebody else"
    path.write_text(json.dumps(tampered))
    refused = scene.house.cli("run", "--plan", "change.json", **FIRST)
    assert refused.code == 4
    assert "was changed after the plan was saved" in refused.said
    assert len(scene.visma.log.requests()) == read


def test_what_cannot_plan_is_not_started(scene: Scene) -> None:
    file = scene.house.root / "meltano.yml"
    text = file.read_text()
    other = "  - {name: target-other, namespace: target_other, executable: 'true'}\n\n  utilities:"
    file.write_text(text.replace("\n  utilities:", other, 1))
    done = scene.house.cli("plan", "tap-visma-no", "target-other")
    assert done.code == 2, done.said
    assert "cannot plan" in done.err
    unknown = scene.house.cli("plan", *BLOCKS, "ml-connector")
    assert unknown.code == 2
