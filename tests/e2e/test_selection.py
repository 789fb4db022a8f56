"""What each tap of this project's meltano.yml reads, as Meltano itself tells it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from ml_connector.cli.project import Project
from tap_visma.streams import STREAMS

from tests.e2e.conftest import ROOT

if TYPE_CHECKING:
    from tests.e2e.conftest import House

TO_SERVICENOW = ["cost_centers.*", "gl_accounts.*", "suppliers.*", "purchase_orders.*", "supplier_invoices.*"]
EVERY = [f"{stream.name}.*" for stream in STREAMS]


def selected(house: House, tap: str) -> tuple[list[str], list[str]]:
    done = house.meltano("select", tap, "--list", "--json")
    assert done.code == 0, done.said
    told = json.loads(done.out)
    streams = {each["stream"] for each in told["streams"] if each["selection"] == "selected"}
    return told["enabled_patterns"], sorted(f"{stream}.*" for stream in streams)


@pytest.mark.parametrize("tap", ["tap-visma", "tap-visma-no", "tap-visma-se"])
def test_the_flow_into_servicenow_reads_what_it_read_before(house: House, tap: str) -> None:
    assert selected(house, tap) == (TO_SERVICENOW, sorted(TO_SERVICENOW))


@pytest.mark.parametrize("tap", ["tap-visma-all", "tap-visma-all-se"])
def test_the_flow_into_snowflake_reads_every_stream(house: House, tap: str) -> None:
    assert selected(house, tap) == (["*.*"], sorted(EVERY))
    assert len(EVERY) == 34


def test_both_flows_of_a_company_read_the_same_tenant() -> None:
    """One setting says a company's tenant: whoever forgets it is not given the other company's."""
    project = Project.find("demo", ROOT)
    for one, other in (("tap-visma-no", "tap-visma-all"), ("tap-visma-se", "tap-visma-all-se")):
        told = [project.plugin(name).config for name in (one, other)]
        assert {config["company"] for config in told} == {told[0]["company"]}
        assert {config["tenant_id"] for config in told} == {told[0]["tenant_id"]}
    assert project.plugin("tap-visma-all-se").config["tenant_id"] != project.plugin("tap-visma-all").config["tenant_id"]
    assert {project.plugin(name).namespace for name in ("tap-visma-all", "tap-visma-all-se")} == {"tap_visma"}


def test_the_first_job_is_the_one_into_servicenow() -> None:
    jobs = yaml.safe_load((ROOT / "meltano.yml").read_text())["jobs"]
    assert [job["name"] for job in jobs] == ["visma-to-servicenow", "acumatica-servicenow", "visma-to-snowflake"]
