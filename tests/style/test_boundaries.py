"""No connector imports another; core imports no connector; simulators import nothing of ours; taps stay light."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.style.packages import ROOT, Module, connectors, modules

OURS = ("ml_connector", "ml_connector_maps", "ml_connector_simulators", *connectors())
HEAVY = {"alembic", "starlette", "uvicorn", "rich", "psycopg", "keyring"}


def strangers(found: list[Module], allowed: set[str]) -> list[str]:
    """Return every import of a package of ours that is not allowed."""
    return [
        f"{module.name} imports {name}"
        for module in found
        for name in module.imports()
        if name.partition(".")[0] in set(OURS) - allowed
    ]


def test_core_imports_no_connector_no_simulator_and_no_map() -> None:
    found = modules("core")
    assert len(found) > 30
    assert strangers(found, {"ml_connector"}) == []


@pytest.mark.parametrize("name", connectors())
def test_a_connector_imports_no_other(name: str) -> None:
    found = modules(str(connectors()[name].relative_to(ROOT)))
    assert any("ml_connector" in each.partition(".")[0] for module in found for each in module.imports())
    assert strangers(found, {"ml_connector", name}) == []


def test_simulators_import_nothing_of_ours() -> None:
    found = modules("simulators")
    assert len(found) > 10
    assert strangers(found, {"ml_connector_simulators"}) == []


def test_the_command_line_reaches_connectors_as_processes_only() -> None:
    found = modules("core/ml_connector/cli")
    assert found
    assert strangers(found, {"ml_connector"}) == []
    assert [
        f"{each.name} imports {name}" for each in found for name in each.imports() if "tap" in name.split(".")
    ] == []


def closure(name: str) -> set[str]:
    """Return every distribution that installing `name` brings, by the metadata of what is installed."""
    seen: set[tuple[str, str]] = set()
    waiting = [(name, "")]
    while waiting:
        wanted, extra = waiting.pop()
        if (wanted, extra) in seen:
            continue
        seen.add((wanted, extra))
        try:
            lines = requires(wanted) or []
        except PackageNotFoundError:
            continue
        for requirement in map(Requirement, lines):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                child = canonicalize_name(requirement.name)
                waiting += [(child, each) for each in ("", *requirement.extras)]
    return {wanted for wanted, _ in seen}


@pytest.mark.parametrize("folder", sorted((ROOT / "taps").glob("tap-*")), ids=lambda folder: folder.name)
def test_a_tap_pulls_no_store_no_server_and_no_snowflake(folder) -> None:
    brought = closure(f"ml-connector-{folder.name}")
    assert "singer-sdk" in brought
    assert "requests" in brought
    assert sorted(each for each in brought if each in HEAVY or "snowflake" in each) == []


def test_the_closure_sees_extras() -> None:
    assert {"alembic", "pyyaml"} <= {name.lower() for name in closure("ml-connector-target-servicenow-importset")}
