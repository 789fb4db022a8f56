"""MeltanoLabs/target-snowflake in an environment of its own, pointed at a local server; nothing of it is kept here.

It has no setting for host and port, so `python -m bench.peer_snowflake HOST PORT …` hands them to the connector under
it; everything else is its own.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

REQUIREMENT = "meltanolabs-target-snowflake==0.20.4"
HOME = Path(__file__).parent.parent / ".bench" / "peer"


def python() -> Path:
    """Return the peer's Python, installed from PyPI when it is not there."""
    found = HOME / "bin" / "python"
    done = HOME / "installed"
    if not done.exists() or done.read_text() != REQUIREMENT:
        uv = Path(__file__).parent.parent / ".uv" / "bin" / "uv"
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, HOME], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", found, REQUIREMENT], check=True)
        done.write_text(REQUIREMENT)
    return found


def main() -> None:
    """Run the peer with its connector led to a local server."""
    host, port = sys.argv[1], int(sys.argv[2])
    del sys.argv[1:3]
    connector: Any = importlib.import_module("snowflake.connector")
    connect = connector.connect

    def here(**arguments: Any) -> Any:
        return connect(**{**arguments, "host": host, "port": port, "protocol": "http"})

    connector.connect = here
    importlib.import_module("target_snowflake.target").TargetSnowflake.cli()


if __name__ == "__main__":
    main()
