"""`ml-connector run`: `meltano run`, then what became of every record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_connector.cli.carry_out import carry_out
from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.processes import setting_variable
from ml_connector.cli.running import only_job, run_and_read, tell

if TYPE_CHECKING:
    from ml_connector.cli.project import Project


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("blocks", nargs=-1, type=click.UNPROCESSED)
@click.option("--resend", is_flag=True, help="Send everything again, whatever was settled before.")
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Carry out this plan and nothing else; refuse if source or target changed since.",
)
@verb
def run(desk: Desk, blocks: tuple[str, ...], resend: bool, plan_file: Path | None) -> int:
    """Run a job, or a tap and a target, and show what became of every record.

    BLOCKS is what `meltano run` takes, its options included; default: the project's only job, or the plan's blocks.
    """
    if plan_file is not None:
        if resend:
            raise Stop("a plan says itself what is sent: leave --resend out.", f"ml-connector run --plan {plan_file}")
        return carry_out(desk, plan_file, blocks)
    project = desk.project
    chosen = blocks or (only_job(project),)
    desk.say(f"meltano run {' '.join(chosen)} [dim](environment {project.environment or 'none'})[/dim]")
    summary, finished = run_and_read(desk, project, chosen, **(_resend(project) if resend else {}))
    return tell(desk, summary, finished)


def _resend(project: Project) -> dict[str, str]:
    """Return the settings that make every target of this project send again."""
    loaders = {pair.loader for pairs in project.jobs.values() for pair in pairs}
    return {setting_variable(loader, "resend"): "true" for loader in loaders}
