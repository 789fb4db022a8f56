"""`ml-connector simulate`: the simulators in the foreground, for trying things by hand."""

from __future__ import annotations

import signal
from contextlib import suppress

import click

from ml_connector.cli.desk import Desk, verb
from ml_connector.cli.simulators import SNOWFLAKE_MISSING, Ports, Simulators, all_simulators


@click.command()
@click.option("--visma-port", default=8701, show_default=True, help="0: any free port.")
@click.option("--servicenow-port", default=8702, show_default=True, help="0: any free port.")
@click.option("--acumatica-port", default=8704, show_default=True, help="0: any free port.")
@click.option("--snowflake-port", default=8703, show_default=True, help="0: any free port.")
@verb
def simulate(desk: Desk, visma_port: int, servicenow_port: int, acumatica_port: int, snowflake_port: int) -> int:
    """Serve simulated Visma.net, Acumatica, ServiceNow and Snowflake on loopback until Ctrl-C; their data is kept.

    The data is that of the last `ml-connector demo`, or a fresh month when there was none.
    """
    data = desk.project.root / ".ml-connector" / "demo" / "simulators"
    with all_simulators(data, ports=Ports(visma_port, servicenow_port, acumatica_port, snowflake_port)) as running:
        desk.show(running._asdict(), lambda: _words(running))
        if not running.snowflake:
            desk.say(SNOWFLAKE_MISSING.replace("[", r"\["))
        with suppress(KeyboardInterrupt):
            signal.pause()
    return 0


def _words(running: Simulators) -> str:
    edit = '{"edit": "add_segment_value", "company": "NO01", "value": "990", "description": "Projects"}'
    snowflake = [f"Snowflake      {running.snowflake}"] if running.snowflake else []
    return "\n".join(
        [
            f"Visma.net ERP  {running.visma}",
            f"Acumatica      {running.acumatica}",
            f"ServiceNow     {running.servicenow}",
            *snowflake,
            "",
            "In another terminal:",
            "  ml-connector run                                  # environment demo: into ServiceNow",
            "  ml-connector run acumatica-servicenow             # both ways",
            *(["  ml-connector run visma-to-snowflake"] if snowflake else []),
            f"  curl {running.servicenow}/_sim/requests?writes=1   # what was written there",
            f"  curl {running.visma}/_sim/edit -d '{edit}'",
            "",
            "Ctrl-C ends them; their data stays in .ml-connector/demo.",
        ]
    )
