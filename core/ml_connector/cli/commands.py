"""The verbs of `ml-connector`, together."""

from __future__ import annotations

import click

from ml_connector.cli.audit import audit
from ml_connector.cli.dead import dead
from ml_connector.cli.demo import demo
from ml_connector.cli.maps import maps
from ml_connector.cli.ping import ping
from ml_connector.cli.plan import plan
from ml_connector.cli.reconcile import reconcile
from ml_connector.cli.replay_run import replay
from ml_connector.cli.run import run
from ml_connector.cli.secrets import secrets
from ml_connector.cli.simulate import simulate
from ml_connector.cli.status import status
from ml_connector.cli.trace import trace
from ml_connector.cli.views import views

_EXIT_CODES = """\b
Exit codes: 0 in balance, 1 fault, 2 configuration, 3 environment (sign-in, network),
4 finished with parked, refused or failed records, 5 in doubt or out of balance.
"""


@click.group(epilog=_EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ml-connector")
def cli() -> None:
    """Move finance records between ERPs and work systems, and say what became of every one of them."""


for verb in (demo, simulate, ping, plan, run, status, reconcile, dead, replay, trace, audit, views, maps, secrets):
    cli.add_command(verb)
