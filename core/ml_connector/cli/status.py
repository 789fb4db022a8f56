"""`ml-connector status`: how the last runs ended and what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.text import Text

from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.pictures import causes_picture, verdict_line
from ml_connector.cli.summary import Summary, newest_runs, open_causes, read_summary
from ml_connector.delivery import decisions
from ml_connector.secrets.sealing import masked
from ml_connector.words import age

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ml_connector.delivery.decisions import Decision


@click.command()
@verb
def status(desk: Desk) -> int:
    """Show the last run of each pipeline and what waits, by cause, with its age and amount.

    The exit code is that of the last runs: 0 in balance, 4 with records that wait, 5 in doubt or out of balance.
    """
    with desk.reading() as connection:
        ids = newest_runs(connection)
        if not ids:
            raise Stop("no run is in the store yet.", "ml-connector run")
        summary = read_summary(connection, ids, desk.again)
        summary.causes = open_causes(connection, desk.again)
        approvals = decisions.all_waiting(connection)
    data = {**summary.as_data(), "waits_for_approval": [masked(each.as_data()) for each in approvals]}
    desk.show(data, lambda: Group(_picture(summary), *map(_asked, approvals)))
    return summary.exit_code


def _asked(decision: Decision) -> Text:
    words = f"{decision.kind} of {decision.business_key}, asked for by {decision.actor}, waits for a second person"
    return Text(f"{words}\n               next: as another person: ml-connector dead approve {decision.letter_id}")


def _picture(summary: Summary) -> RenderableType:
    parts: list[RenderableType] = []
    for run in summary.runs:
        line = verdict_line(run)
        line.append(f"  ({age(run.started_at)}{' ago' if age(run.started_at) != 'just now' else ''})", "dim")
        parts.append(line)
    waits = causes_picture(summary.causes, with_age=True) if summary.causes else Text("Nothing waits.", "green")
    return Group(*parts, "", waits)
