"""`ml-connector run --plan FILE`: a plan is looked at once more, approved, and carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from ml_connector.cli.desk import Desk, Stop
from ml_connector.cli.plan_pictures import differences_picture, headline
from ml_connector.cli.planning import approve, make_plan, own_copy
from ml_connector.cli.running import run_and_read, tell, tell_end
from ml_connector.delivery.outbox import pages
from ml_connector.delivery.sink import State
from ml_connector.errors import PlanChanged
from ml_connector.plan.compare import differences
from ml_connector.plan.document import SENDING, Plan, read_plan
from ml_connector.plan.words import PLAN
from ml_connector.store.tables import deliveries
from ml_connector.words import many

if TYPE_CHECKING:
    from pathlib import Path

    from ml_connector.cli.project import Project
    from ml_connector.plan.compare import Difference

_MISSING = 4


def carry_out(desk: Desk, file: Path, blocks: tuple[str, ...]) -> int:
    """Carry out a saved plan if everything is still as it was when the plan was made.

    Raises:
        PlanChanged: The file was changed.
    """
    project, planned = desk.project, read_plan(file)
    _same_run(project, planned, blocks, file)
    told = headline(planned.records, planned.rows)
    desk.say(f"plan {planned.hash} of {planned.made_by}, {planned.made_at[:16]}: {told}")
    fresh, finished = make_plan(desk, project, planned.blocks)
    if fresh is None:
        return tell_end(desk, finished)
    found = differences(planned, fresh)
    if found:
        return _refuse(desk, planned, found)
    approve(desk, planned)
    with own_copy(project, planned) as copy:
        summary, finished = run_and_read(desk, project, planned.blocks, **{PLAN: str(copy)})
    missing = _not_delivered(desk, planned, [run.id for run in summary.runs])
    code = tell(desk, summary, finished)
    if missing:
        desk.say(
            f"[yellow]![/yellow] {many(len(missing), 'record')} of the plan did not arrive: {', '.join(missing[:5])}"
        )
        desk.say("next: ml-connector dead list")
    return code or (_MISSING if missing else 0)


def _same_run(project: Project, planned: Plan, blocks: tuple[str, ...], file: Path) -> None:
    if blocks and list(blocks) != planned.blocks:
        raise Stop(f"the plan was made for {' '.join(planned.blocks)}.", f"ml-connector run --plan {file}")
    if project.environment != planned.environment:
        step = f"ml-connector run --environment {planned.environment} --plan {file}"
        raise Stop(f"the plan was made in environment {planned.environment}, not {project.environment}.", step)


def _refuse(desk: Desk, planned: Plan, found: list[Difference]) -> int:
    error = PlanChanged(f"{many(len(found), 'thing')} changed since the plan was made. Nothing was written.")
    data = {"error": {"code": error.code, "message": str(error), "exit_code": error.exit_code}}
    desk.show({**data, "differences": [each._asdict() for each in found]}, lambda: differences_picture(found))
    desk.say(f"[red]✗ {error.code}[/red]: {error}\n  next: ml-connector plan {' '.join(planned.blocks)}")
    return error.exit_code


def _not_delivered(desk: Desk, planned: Plan, ids: list[str]) -> list[str]:
    """Return the records that should have gone out and have neither arrived nor are on their way."""
    missing: list[str] = []
    arrived = (deliveries.c.last_run.in_(ids), deliveries.c.run_outcome.in_([State.DELIVERED, State.SENT]))
    with desk.reading() as connection:
        for flow in planned.flows:
            names = {record.key: record.name for record in flow.records if record.verdict in SENDING}
            for page in pages(names):
                mine = (deliveries.c.target_id == flow.target_id, deliveries.c.business_key.in_(page))
                found = set(connection.execute(select(deliveries.c.business_key).where(*mine, *arrived)).scalars())
                missing += [names[key] for key in page if key not in found]
    return missing
