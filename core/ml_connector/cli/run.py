"""`ml-connector run`: `meltano run`, then what became of every record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.pictures import summary_picture
from ml_connector.cli.processes import Finished, meltano_run, setting_variable
from ml_connector.cli.summary import Summary, read_summary, run_ids, worst_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.cli.project import Project


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("blocks", nargs=-1, type=click.UNPROCESSED)
@click.option("--resend", is_flag=True, help="Send everything again, whatever was settled before.")
@verb
def run(desk: Desk, blocks: tuple[str, ...], resend: bool) -> int:
    """Run a job, or a tap and a target, and show what became of every record.

    BLOCKS is what `meltano run` takes, its options included; default: the project's only job.
    """
    project = desk.project
    chosen = blocks or (only_job(project),)
    desk.say(f"meltano run {' '.join(chosen)} [dim](environment {project.environment or 'none'})[/dim]")
    summary, finished = run_and_read(desk, project, chosen, **(_resend(project) if resend else {}))
    return tell(desk, summary, finished)


def only_job(project: Project) -> str:
    """Return the job that `run` means when none is named."""
    jobs = list(project.jobs)
    if len(jobs) == 1:
        return jobs[0]
    names = ", ".join(jobs) or "none"
    raise Stop(
        f"name the job to run; meltano.yml has {names}.", f"ml-connector run {jobs[0] if jobs else 'TAP TARGET'}"
    )


def _resend(project: Project) -> dict[str, str]:
    """Return the settings that make every target of this project send again."""
    loaders = {pair.loader for pairs in project.jobs.values() for pair in pairs}
    return {setting_variable(loader, "resend"): "true" for loader in loaders}


def run_and_read(desk: Desk, project: Project, blocks: Sequence[str], **extra: str) -> tuple[Summary, Finished]:
    """Run blocks in Meltano and read from the store the runs that appeared meanwhile."""
    with desk.reading() as connection:
        before = run_ids(connection)
    with desk.aside.status(f"meltano run {' '.join(blocks)}"):
        finished = meltano_run(project, blocks, **extra)
    with desk.reading() as connection:
        return read_summary(connection, sorted(run_ids(connection) - before)), finished


def exit_code(summary: Summary, finished: Finished) -> int:
    """Return the exit code of a run: the store's word, and Meltano's when something failed outside the store."""
    if not finished.code:
        return summary.exit_code
    told = finished.plugin_codes() or {1}
    # A plugin ends with 1 when the other one has left: then the other one's code says why.
    return worst_code({summary.exit_code, *(told - {1} or told)})


def tell(desk: Desk, summary: Summary, finished: Finished) -> int:
    """Show a run's summary, the errors in its log, and where the log is; return the exit code."""
    code = exit_code(summary, finished)
    errors = finished.errors() if finished.code else []
    data = {**summary.as_data(), "exit_code": code, "errors": errors, "log": str(finished.log)}
    desk.show(data, lambda: summary_picture(summary) if summary.runs else "No run reached the store.")
    for error in errors:
        desk.say(f"[red]✗[/red] {_escaped(error)}")
    desk.say(f"[dim]log: {finished.log}[/dim]")
    if code in (1, 2, 3):
        desk.say(f"next: {'ml-connector ping' if code == 3 else 'correct it, then: ml-connector run'}")  # noqa: PLR2004
    return code


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
