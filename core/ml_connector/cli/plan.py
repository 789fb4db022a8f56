"""`ml-connector plan`: what a run would do, looked at before it happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from ml_connector.cli.desk import Desk, verb
from ml_connector.cli.plan_pictures import headline, plan_picture
from ml_connector.cli.planning import make_plan
from ml_connector.cli.running import default_job, tell_end
from ml_connector.delivery.sink import State
from ml_connector.plan.document import Plan, Verdict, save
from ml_connector.plan.totals import net, totals
from ml_connector.store.text import utc_now

_BLOCKED, _IN_DOUBT = 4, 5


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("blocks", nargs=-1, type=click.UNPROCESSED)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Where to save the plan.")
@click.option("--all", "everything", is_flag=True, help="Show every record, not only totals and what is special.")
@verb
def plan(desk: Desk, blocks: tuple[str, ...], out: Path | None, everything: bool) -> int:
    """Show what a run would do, field by field; nothing is sent, and no state changes.

    BLOCKS is what `ml-connector run` takes: a job, or a tap and a target; default: the first job of meltano.yml. The
    plan is saved; `ml-connector run --plan FILE` carries out exactly that. The exit code is that of the run it
    foresees: 4 when records would wait.
    """
    project = desk.project
    chosen = blocks or (default_job(project),)
    made, finished = make_plan(desk, project, chosen)
    if made is None:
        return tell_end(desk, finished)
    path = (out or project.folder / "plans" / f"plan-{utc_now():%Y%m%dT%H%M%S}.json").absolute()
    save(made, path)
    desk.show(_data(made, path), lambda: plan_picture(made, everything=everything))
    desk.say(f"\nNothing was sent. The plan is saved: {path} [dim](hash {made.hash})[/dim]")
    if made.sends:
        desk.say(f"next: ml-connector run --plan {path}")
    return _code(made)


def _data(made: Plan, path: Path) -> dict[str, Any]:
    records, rows = made.records, made.rows
    return {
        "file": str(path),
        "headline": headline(records, rows),
        "net": [{"company": at[0], "currency": at[1], "amount": amount} for at, amount in net(records, rows).items()],
        "totals": [
            {**account._asdict(), "count": total.count, "amount": total.amount}
            for account, total in totals(records, rows).items()
        ],
        **msgspec.to_builtins(made),
    }


def _code(made: Plan) -> int:
    """Return the exit code of the run that the plan foresees."""
    blocked = {record.state for record in made.records if record.verdict == Verdict.BLOCKED}
    return _IN_DOUBT if State.IN_DOUBT in blocked else _BLOCKED if blocked - {State.SENT} else 0
