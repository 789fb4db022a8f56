"""Running blocks in Meltano, reading from the store what came of it, and telling it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.cli.desk import Desk, Stop
from ml_connector.cli.pictures import summary_picture
from ml_connector.cli.processes import Finished, meltano_run
from ml_connector.cli.summary import Summary, read_summary, run_ids, worst_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.cli.project import Project


def default_job(project: Project) -> str:
    """Return the job that `run` and `plan` mean when none is named: the first one.

    Raises:
        Stop: There is none.
    """
    if (job := project.default_job) is None:
        raise Stop("meltano.yml has no job; name a tap and a target.", "ml-connector run TAP TARGET")
    return job


def run_and_read(desk: Desk, project: Project, blocks: Sequence[str], **extra: str) -> tuple[Summary, Finished]:
    """Run blocks in Meltano and read from the store the runs that appeared meanwhile."""
    with desk.reading() as connection:
        before = run_ids(connection)
    with desk.aside.status(f"meltano run {' '.join(blocks)}"):
        finished = meltano_run(project, blocks, **extra)
    with desk.reading() as connection:
        return read_summary(connection, sorted(run_ids(connection) - before), desk.again), finished


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
    data = {**summary.as_data(), **_end(finished, code)}
    desk.show(data, lambda: summary_picture(summary) if summary.runs else "No run reached the store.")
    _say_end(desk, finished, code)
    return code


def tell_end(desk: Desk, finished: Finished) -> int:
    """Show why a run that was only to be planned could not go on; return the exit code."""
    code = worst_code(finished.plugin_codes() - {1} or {1})
    desk.show(_end(finished, code), lambda: "There is no plan: the run would stop, too.")
    _say_end(desk, finished, code)
    return code


def _end(finished: Finished, code: int) -> dict[str, object]:
    return {"exit_code": code, "errors": finished.errors() if finished.code else [], "log": str(finished.log)}


def _say_end(desk: Desk, finished: Finished, code: int) -> None:
    for error in finished.errors() if finished.code else []:
        desk.say(f"[red]✗[/red] {_escaped(error)}")
    desk.say(f"[dim]log: {finished.log}[/dim]")
    if code in (1, 2, 3):
        again = desk.project.command(finished.blocks)
        desk.say(f"next: {'ml-connector ping' if code == 3 else f'correct it, then: {again}'}")  # noqa: PLR2004


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
