"""The simulators as child processes: what they lack is told, what fails is a fault, and none outlives its parent."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import requests
from ml_connector.cli.simulators import Ports, all_simulators, simulators
from ml_connector.errors import ConfigError, EnvironmentFault
from ml_connector_simulators.__main__ import NOT_INSTALLED, main

STAND_IN = """#!/usr/bin/env python3
import json, sys
if sys.argv[1] == "snowflake":
    print("duckdb is not installed", file=sys.stderr)
    sys.exit({code})
print(json.dumps(dict(visma="http://visma", servicenow="http://servicenow", acumatica="http://acumatica")), flush=True)
sys.stdin.read()
"""


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    path = folder / "simulators"
    path.write_text(STAND_IN.format(code=code))
    path.chmod(0o755)
    monkeypatch.setattr("ml_connector.cli.simulators._EXECUTABLE", str(path))


def test_without_its_packages_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, NOT_INSTALLED)
    with all_simulators(tmp_path / "data") as running:
        assert running == ("http://visma", "http://servicenow", "http://acumatica", "")
        assert "TARGET_SNOWFLAKE_PORT" not in running.settings


def test_one_that_cannot_start_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, 1)
    with pytest.raises(EnvironmentFault, match="duckdb is not installed"), all_simulators(tmp_path / "data"):
        pass
    monkeypatch.setattr("ml_connector.cli.simulators._EXECUTABLE", str(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match="not installed"), simulators(tmp_path / "data"):
        pass


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with simulators(tmp_path / "one") as running:
        taken = int(running.visma.rpartition(":")[2])
        with pytest.raises(EnvironmentFault, match="Is a port taken"), simulators(tmp_path / "two", ports=Ports(taken)):
            pass


def test_they_end_with_the_block_and_tell_the_books_of_the_companies(tmp_path: Path) -> None:
    with simulators(tmp_path / "data", intercompany=True) as running:
        totals = {
            (each["what"], each["company"]): each for each in running.totals(running.visma) if each["currency"] == "EUR"
        }
        assert totals["sold_in_group", "NO01"]["count"] == 3
    with pytest.raises(requests.ConnectionError):
        requests.get(running.visma, timeout=5)


def test_the_command_says_which_package_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "ml_connector_simulators.snowflake.simulator", raising=False)
    monkeypatch.setitem(sys.modules, "ml_connector_simulators.snowflake.engine", None)
    with pytest.raises(SystemExit) as ended:
        main(["snowflake", "--port", "0"])
    assert ended.value.code == NOT_INSTALLED
    assert "ml-connector-simulators[snowflake]" in capsys.readouterr().err
