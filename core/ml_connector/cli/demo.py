"""`ml-connector demo`: a month of two companies through a whole flow, on simulators, in a minute or two."""

from __future__ import annotations

import click

from ml_connector.cli import demo_acumatica, demo_servicenow, demo_snowflake
from ml_connector.cli.desk import Desk, verb

_PLAYS = {"servicenow": demo_servicenow.play, "acumatica": demo_acumatica.play, "snowflake": demo_snowflake.play}


@click.command()
@click.argument("target", type=click.Choice(list(_PLAYS)), default="servicenow")
@verb
def demo(desk: Desk, target: str) -> int:
    """Run a simulated month of two companies through the whole flow, three times, and say what happened.

    Into servicenow, the default: supplier invoices and what they refer to. Into snowflake: everything that Visma has,
    and five views over it whose totals are held against Visma's own; the exit code is 1 when they differ.

    With acumatica: one company's month into ServiceNow, and a request approved there back as a purchase order.

    Everything lives in .ml-connector/demo, which is emptied first. No tenant and no network are needed.
    """
    return _PLAYS[target](desk)
