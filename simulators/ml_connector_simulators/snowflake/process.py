"""The fake Snowflake in a process of its own, as tests and demos start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PYTHON = "FAKE_SNOWFLAKE_PYTHON"
"""Names the Python that has fakesnow, where the one that asks has not: beside connector 5.x it cannot be."""


class SnowflakeServer:
    """A running server: where it listens, what it was asked, and how to break it."""

    host = "127.0.0.1"

    def __init__(self, url: str) -> None:
        self.url = url
        self.port = int(url.rpartition(":")[2])

    @property
    def connect_options(self) -> dict[str, Any]:
        """What `snowflake.connector.connect` takes; any password is right."""
        return {
            "host": self.host,
            "port": self.port,
            "protocol": "http",
            "account": "sim",
            "user": "SIM_USER",
            "password": "sim",
        }

    def statements(self, containing: str = "") -> list[dict[str, Any]]:
        """The statements that arrived, oldest first; with a text only those that contain it."""
        found: list[dict[str, Any]] = self._call("GET", "statements")
        return [each for each in found if containing in each["sql"]]

    def sql(self, containing: str = "") -> list[str]:
        """The SQL that arrived, oldest first."""
        return [each["sql"] for each in self.statements(containing)]

    def logins(self) -> list[dict[str, Any]]:
        """Who logged in, and how."""
        logins: list[dict[str, Any]] = self._call("GET", "logins")
        return logins

    def requests(self) -> list[dict[str, Any]]:
        """Every HTTP request that arrived."""
        requests: list[dict[str, Any]] = self._call("GET", "requests")
        return requests

    def forget(self) -> None:
        """Empty the logs."""
        self._call("DELETE", "statements")
        self._call("DELETE", "requests")

    def fault(self, kind: str, **fields: Any) -> None:
        """Arm a fault of the kit: `path` and `text` (of the SQL) are regular expressions, `after`, `times`."""
        self._call("POST", "faults", {"kind": kind, **fields})

    def fail(self, error: str, **fields: Any) -> None:
        """Have Snowflake refuse with one of its own errors, by its name in `ERRORS`."""
        self._call("POST", "faults", {"error": error, **fields})

    def faults(self) -> list[dict[str, Any]]:
        """The armed faults, and how often each struck."""
        faults: list[dict[str, Any]] = self._call("GET", "faults")
        return faults

    def clear_faults(self) -> None:
        """Disarm all faults."""
        self._call("DELETE", "faults")

    def edit(self, name: str, /, **arguments: Any) -> Any:
        """Make one of the changes that `GET /_sim/edit` lists: `expire_sessions`, `end_sessions`, `set_warehouse`."""
        return self._call("POST", "edit", {"edit": name, **arguments})

    def create_schema(self, database: str, schema: str) -> None:
        """Do what a database administrator does before anybody loads."""
        self.edit("create_schema", database=database, schema=schema)

    def lose_answers(self, text: str, times: int | None = None) -> None:
        """Run the statements with this text and lose the answer, each time the client asks for it again."""
        self.fault("commit_then_drop", text=text, times=times)

    def advance(self, seconds: float) -> None:
        """Set the server's clock forward: tokens grow old."""
        self._call("POST", "clock", {"advance": seconds})

    def _call(self, method: str, what: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sim/{what}", data, method=method)  # noqa: S310  our own URL
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  our own URL
            text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def running_snowflake(data: Path | None = None, faults: Sequence[dict[str, Any]] = ()) -> Iterator[SnowflakeServer]:
    """Serve a fake Snowflake in another process while the block lasts; without `data` nothing is kept."""
    python = os.environ.get(PYTHON) or sys.executable
    arguments = [python, "-m", "ml_connector_simulators", "snowflake", "--port", "0", "--with-parent"]
    if data is not None:
        arguments += ["--data", str(data)]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)  # noqa: S603
        with process:
            try:
                server = SnowflakeServer(_listening(process, errors))
                for fault in faults:
                    server._call("POST", "faults", fault)  # noqa: SLF001
                yield server
            finally:
                process.terminate()
                process.wait(30)


def _listening(process: subprocess.Popen[bytes], errors: Any) -> str:
    line = process.stdout.readline() if process.stdout is not None else b""
    if not line:
        process.wait(30)
        errors.seek(0)
        raise RuntimeError(f"the fake Snowflake did not start: {errors.read().decode()[-2000:]}")
    url: str = json.loads(line)["snowflake"]
    return url
