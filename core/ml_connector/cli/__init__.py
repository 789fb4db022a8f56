"""The `ml-connector` command line: one file per verb group."""

from __future__ import annotations

import signal
import sys

from ml_connector.secrets import Redactor
from ml_connector.secrets.guard import guard_process


def main() -> None:
    """Run the command line."""
    try:
        from ml_connector.cli.commands import cli  # noqa: PLC0415  # a tap's install has the script, not its parts
    except ModuleNotFoundError as error:
        sys.exit(f"✗ {error.name} is not installed with this ml-connector.\n  next: pip install 'ml-connector[cli]'")
    guard_process(Redactor())
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # child processes are ended on the way out
    cli()
