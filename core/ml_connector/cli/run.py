"""`ml-connector run`: `meltano run`, then what became of every record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_connector.cli.carry_out import carry_out
from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.processes import setting_variable
from ml_connector.cli.running import default_job, run_and_read, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    BLOCKS is what `meltano run` takes, its options included; default: the first job of meltano.yml, or the plan's
    blocks.
    """
    if plan_file is not None:
        if resend:
            raise Stop("a plan says itself what is sent: leave --resend out.", f"ml-connector run --plan {plan_file}")
        return carry_out(desk, plan_file, blocks)
    project = desk.project
    chosen = blocks or (default_job(project),)
    desk.say(f"meltano run {' '.join(chosen)} [dim](environment {project.environment or 'none'})[/dim]")
    summary, finished = run_and_read(desk, project, chosen, **(_resend(project, chosen) if resend else {}))
    return tell(desk, summary, finished)


def _resend(project: Project, blocks: Sequence[str]) -> dict[str, str]:
    """Return the settings that make the blocks' targets send again.

    Raises:
        Stop: One of them has no such setting.
    """
    loaders = {pair.loader for pair in project.pairs(project.spelled(blocks))}
    for loader in sorted(loaders):
        declared = project.plugin(loader).settings
        if declared and "resend" not in declared:
            raise Stop(
                f"{loader} has no use for --resend: every record is compared with what is there, and one that differs "
                "is written.",
                project.command(blocks),
            )
    return {setting_variable(loader, "resend"): "true" for loader in loaders}
