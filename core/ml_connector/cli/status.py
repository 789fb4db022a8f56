"""`ml-connector status`: how the last runs ended and what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.text import Text

from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.pictures import causes_picture, verdict_line
from ml_connector.cli.summary import Summary, newest_runs, open_causes, read_summary
from ml_connector.cli.words import age

if TYPE_CHECKING:
    from rich.console import RenderableType


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
        summary = read_summary(connection, ids)
        summary.causes = open_causes(connection)
    desk.show(summary.as_data(), lambda: _picture(summary))
    return summary.exit_code


def _picture(summary: Summary) -> RenderableType:
    parts: list[RenderableType] = []
    for run in summary.runs:
        line = verdict_line(run)
        line.append(f"  ({age(run.started_at)}{' ago' if age(run.started_at) != 'just now' else ''})", "dim")
        parts.append(line)
    waits = causes_picture(summary.causes, with_age=True) if summary.causes else Text("Nothing waits.", "green")
    return Group(*parts, "", waits)
