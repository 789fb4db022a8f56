"""The simulators as a child process, and the few things a demonstration asks of them."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import requests

from ml_connector.cli.processes import child_environment, not_installed
from ml_connector.errors import EnvironmentFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_EXECUTABLE = "ml-connector-simulators"
_PATIENCE = 30


class Simulators(NamedTuple):
    """Where the simulated vendors listen."""

    visma: str
    servicenow: str

    @property
    def settings(self) -> dict[str, str]:
        """The environment that points this project's plugins at them."""
        return {
            "TAP_VISMA_API_URL": self.visma,
            "TAP_VISMA_TOKEN_URL": f"{self.visma}/connect/token",
            "TARGET_SERVICENOW_IMPORTSET_INSTANCE_URL": self.servicenow,
        }

    def forget_requests(self) -> None:
        """Clear the request logs."""
        for url in self:
            requests.delete(f"{url}/_sim/requests", timeout=_PATIENCE).raise_for_status()

    def requests_seen(self, url: str, *, writes: bool = False) -> list[dict[str, Any]]:
        """Return the requests one simulator has logged."""
        asked = {"writes": "1"} if writes else {}
        answer = requests.get(f"{url}/_sim/requests", params=asked, timeout=_PATIENCE)
        answer.raise_for_status()
        return list(answer.json())

    def edit(self, url: str, name: str, **arguments: Any) -> Any:
        """Make a change a user of the vendor's system could make."""
        answer = requests.post(f"{url}/_sim/edit", json={"edit": name, **arguments}, timeout=_PATIENCE)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def simulators(data: Path, *, ports: Sequence[int] = (0, 0)) -> Iterator[Simulators]:
    """Run both simulators for the block, their state kept in `data`; port 0 is any free one.

    Raises:
        EnvironmentFault: They did not start, for instance because a port is taken.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    chosen = [f"--visma-port={ports[0]}", f"--servicenow-port={ports[1]}", f"--data={data}"]
    log = data / "simulators.log"
    with log.open("w") as errors:
        process = _start([_EXECUTABLE, "serve", *chosen], errors)
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise EnvironmentFault(f"the simulators did not start: {_last_line(log)}. Is a port taken?")
            yield Simulators(**json.loads(line))
        finally:
            process.terminate()
            process.wait()


def _start(command: list[str], errors: Any) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(  # noqa: S603  # no shell
            command, env=child_environment(), stdout=subprocess.PIPE, stderr=errors, text=True
        )
    except FileNotFoundError:
        raise not_installed(_EXECUTABLE) from None


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no word from them"
