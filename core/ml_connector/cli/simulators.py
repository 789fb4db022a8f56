"""The simulators as child processes, and the few things a demonstration asks of them."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from ml_connector.cli.processes import child_environment, not_installed
from ml_connector.errors import EnvironmentFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_EXECUTABLE = "ml-connector-simulators"
_SCHEMA = "FINANCE.VISMA"
"""Where the environment `demo` of meltano.yml loads; an administrator makes a schema before anybody loads."""
_LACKS_A_PART = 3
"""What the simulators end with when one is asked for whose packages are not installed."""
_PATIENCE = 30

SNOWFLAKE_MISSING = "Snowflake is not simulated: pip install 'ml-connector-simulators[snowflake]'"


class Ports(NamedTuple):
    """Where the simulated vendors shall listen; 0 is any free port."""

    visma: int = 0
    servicenow: int = 0
    acumatica: int = 0
    snowflake: int = 0


class Simulators(NamedTuple):
    """Where the simulated vendors listen."""

    visma: str
    servicenow: str
    acumatica: str
    snowflake: str = ""  # empty: it is not simulated

    @property
    def settings(self) -> dict[str, str]:
        """The environment that points this project's plugins at them."""
        port = {"TARGET_SNOWFLAKE_PORT": self.snowflake.rpartition(":")[2]} if self.snowflake else {}
        return {
            "TAP_VISMA_API_URL": self.visma,
            "TAP_VISMA_TOKEN_URL": f"{self.visma}/connect/token",
            "TARGET_SERVICENOW_IMPORTSET_INSTANCE_URL": self.servicenow,
            "TAP_SERVICENOW_INSTANCE_URL": self.servicenow,
            "TAP_ACUMATICA_INSTANCE_URL": self.acumatica,
            "TARGET_ACUMATICA_INSTANCE_URL": self.acumatica,
            **port,
        }

    def forget_requests(self) -> None:
        """Clear the request logs."""
        for url in filter(None, self):
            requests.delete(f"{url}/_sim/requests", timeout=_PATIENCE).raise_for_status()

    def requests_seen(self, url: str, *, writes: bool = False) -> list[dict[str, Any]]:
        """Return the requests one simulator has logged."""
        asked = {"writes": "1"} if writes else {}
        answer = requests.get(f"{url}/_sim/requests", params=asked, timeout=_PATIENCE)
        answer.raise_for_status()
        return list(answer.json())

    def totals(self, url: str) -> list[dict[str, Any]]:
        """Return what the companies simulated by a vendor would add up from their books."""
        answer = requests.get(f"{url}/_sim/totals", timeout=_PATIENCE)
        answer.raise_for_status()
        return list(answer.json(parse_float=Decimal))

    def edit(self, url: str, name: str, **arguments: Any) -> Any:
        """Make a change a user of the vendor's system could make."""
        answer = requests.post(f"{url}/_sim/edit", json={"edit": name, **arguments}, timeout=_PATIENCE)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def simulators(data: Path, *, ports: Ports | None = None, intercompany: bool = False) -> Iterator[Simulators]:
    """Run Visma's, Acumatica's and ServiceNow's simulators for the block, their state kept in `data`.

    With `ports`, those of the block; with `intercompany` the simulated companies invoice each other, too.

    Raises:
        EnvironmentFault: They did not start, for instance because a port is taken.
    """
    with _serving(data, ports or Ports(), intercompany=intercompany) as told:
        yield Simulators(**told())


@contextmanager
def all_simulators(data: Path, *, ports: Ports | None = None, intercompany: bool = False) -> Iterator[Simulators]:
    """Run Snowflake's simulator, too, in a process of its own; without it when its packages are not installed.

    Raises:
        EnvironmentFault: They did not start.
    """
    ports = ports or Ports()
    snowflake = ["snowflake", f"--port={ports.snowflake}", f"--data={data / 'snowflake'}", f"--schema={_SCHEMA}"]
    with (
        _serving(data, ports, intercompany=intercompany) as told,
        _process(snowflake, data / "snowflake.log") as of_snowflake,
    ):
        yield Simulators(**told(), **of_snowflake())


def _serving(data: Path, ports: Ports, *, intercompany: bool) -> Any:
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    mine = {"visma": ports.visma, "servicenow": ports.servicenow, "acumatica": ports.acumatica}
    chosen = [*(f"--{vendor}-port={port}" for vendor, port in mine.items()), f"--data={data}"]
    return _process(["serve", *chosen, *(["--intercompany"] if intercompany else [])], data / "simulators.log")


@contextmanager
def _process(words: Sequence[str], log: Path) -> Iterator[Callable[[], dict[str, str]]]:
    """Start the simulators with these words; what is yielded waits for their addresses, none of a part they lack."""
    with log.open("w") as errors, _started([_EXECUTABLE, *words, "--with-parent"], errors) as process:
        try:
            yield lambda: _told(process, log)
        finally:
            process.terminate()


def _told(process: subprocess.Popen[str], log: Path) -> dict[str, str]:
    line = process.stdout.readline() if process.stdout else ""
    if line:
        return dict(json.loads(line))
    if process.wait() == _LACKS_A_PART:
        return {}
    raise EnvironmentFault(f"the simulators did not start: {_last_line(log)}. Is a port taken?")


def _started(command: list[str], errors: Any) -> subprocess.Popen[str]:
    """Start a process that ends with this one: its standard input is a pipe from here."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors}
    try:
        return subprocess.Popen(command, env=child_environment(), text=True, **pipes)  # noqa: S603  # no shell
    except FileNotFoundError:
        raise not_installed(_EXECUTABLE) from None


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no word from them"
