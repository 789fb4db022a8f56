"""A project whose `meltano` starts the real tap and target on simulators, and `ml-connector` as a person types it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ml_connector.cli.commands import cli
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import VismaSimulator

from tests.cli.conftest import MELTANO_YML, NO
from tests.flow.conftest import Flow

MELTANO = """#!{python}
import os, sys
plugin = sys.argv[sys.argv.index("invoke") + 1]
command = {commands}["tap" if plugin.startswith("tap-") else "target"]
os.execv(command[0], command + sys.argv[sys.argv.index("invoke") + 2:])
"""


@dataclass
class Office:
    """A flow on simulators, its books, and the command line over both."""

    flow: Flow
    root: Path

    def reconcile(self, *words: str) -> Result:
        """Call the verb; the stand-in for Meltano starts tap and target with the flow's settings."""
        commands = {"tap": self.flow.tap(), "target": self.flow.target()}
        script = self.root / "meltano"
        script.write_text(MELTANO.format(python=sys.executable, commands=json.dumps(commands)))
        script.chmod(0o755)
        return CliRunner().invoke(cli, ["reconcile", *words, "--store", self.flow.store_url], catch_exceptions=False)

    def told(self, *words: str) -> Any:
        return json.loads(self.reconcile(*words, "--json").stdout)


@contextmanager
def open_office(folder: Path) -> Iterator[Flow]:
    with (
        running(VismaSimulator(data=folder / "visma.db")) as visma,
        running(ServiceNowSimulator(data=folder / "servicenow.db")) as servicenow,
    ):
        yield Flow(folder / "flow", visma, servicenow, target_settings={"pipeline": NO})


@pytest.fixture(scope="session")
def october_delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both systems and the store after a first run, as files to copy."""
    folder = tmp_path_factory.mktemp("delivered") / "office"
    (folder / "flow").mkdir(parents=True)
    with open_office(folder) as flow:
        code, log = flow.run()
        assert code == 0, log
        assert flow.states()["delivered"] > 400
    return folder


@pytest.fixture
def office(october_delivered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """Everything of October delivered, as far as it can be."""
    (tmp_path / "meltano.yml").write_text(MELTANO_YML)
    monkeypatch.chdir(tmp_path)
    for name in ("MELTANO_PROJECT_ROOT", "MELTANO_ENVIRONMENT", "ML_CONNECTOR_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("ml_connector.cli.processes.MELTANO", str(tmp_path / "meltano"))
    shutil.copytree(october_delivered, tmp_path / "office")
    with open_office(tmp_path / "office") as flow:
        yield Office(flow, tmp_path)
