"""A copy of this project's meltano.yml in a folder of its own, run by the real `meltano` and `ml-connector`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ml_connector_simulators.acumatica import AcumaticaSimulator
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import VismaSimulator

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
SECRETS = (
    *("demo-visma-secret", "demo-sn-secret", "demo-snowflake-secret"),
    *("demo-acumatica-secret", "demo-acumatica-password"),
)


@dataclass
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@dataclass
class House:
    """The project, and what its plugins are pointed at."""

    root: Path
    settings: dict[str, str] = field(default_factory=dict)
    patience: int = 240  # seconds one command may take

    def call(self, *command: str, **settings: str) -> Done:
        """Run a command of the workspace; it may show no secret and contact nobody off this machine."""
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("MELTANO_", "TAP_", "TARGET_"))
        }
        contacts = self.root / "contacts"
        watch = {"PYTHONPATH": str(Path(__file__).parent / "watch"), "CONTACTS": str(contacts)}
        environ = {**clean, **watch, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **self.settings, **settings}
        done = subprocess.run(
            command, cwd=self.root, env=environ, capture_output=True, text=True, check=False, timeout=self.patience
        )
        said = done.stdout + done.stderr
        assert not [secret for secret in (*SECRETS, *settings.values()) if "secret" in secret and secret in said]
        assert not contacts.exists(), contacts.read_text()
        return Done(done.returncode, done.stdout, done.stderr)

    def meltano(self, *words: str, **settings: str) -> Done:
        return self.call("meltano", *words, **settings)

    def cli(self, *words: str, **settings: str) -> Done:
        return self.call("ml-connector", *words, **settings)

    @contextmanager
    def simulators(self, **options: Any) -> Iterator[tuple[VismaSimulator, ServiceNowSimulator]]:
        """Serve the simulators on the demonstration's data, in this process, and point the plugins at them."""
        data = self.root / ".ml-connector" / "demo" / "simulators"
        data.mkdir(parents=True, exist_ok=True)
        servicenow = ServiceNowSimulator(data=data / "servicenow.db", **options)
        with running(VismaSimulator(data=data / "visma.db")) as visma, running(servicenow):
            self.settings |= {
                "TAP_VISMA_API_URL": visma.url,
                "TAP_VISMA_TOKEN_URL": f"{visma.url}/connect/token",
                "TARGET_SERVICENOW_IMPORTSET_INSTANCE_URL": servicenow.url,
            }
            yield visma, servicenow

    @contextmanager
    def both_ways(self) -> Iterator[tuple[AcumaticaSimulator, ServiceNowSimulator]]:
        """Serve Acumatica's simulator and ServiceNow's on the demonstration's data, in this process."""
        data = self.root / ".ml-connector" / "demo" / "simulators"
        with running(AcumaticaSimulator(data=data / "acumatica.db")) as acumatica, self.simulators() as (_, servicenow):
            names = ("TAP_ACUMATICA_INSTANCE_URL", "TARGET_ACUMATICA_INSTANCE_URL")
            self.settings |= dict.fromkeys(names, acumatica.url) | {"TAP_SERVICENOW_INSTANCE_URL": servicenow.url}
            yield acumatica, servicenow


def copy_of_the_project(folder: Path) -> House:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "meltano.yml", folder)
    return House(folder)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return copy_of_the_project(tmp_path / "project")
