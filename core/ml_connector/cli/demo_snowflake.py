"""The demonstration of the warehouse: every stream into Snowflake, the same again, one edit, and the views' totals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import Group

from ml_connector.cli.demo_pictures import landed_picture, totals_picture
from ml_connector.cli.desk import Stop
from ml_connector.cli.loads import loads_of
from ml_connector.cli.pictures import verdict_line
from ml_connector.cli.simulators import SNOWFLAKE_MISSING, all_simulators
from ml_connector.cli.stage import Stage, staged
from ml_connector.cli.view_totals import compared
from ml_connector.cli.views import APPLY, ask
from ml_connector.delivery.balance import RECEIVED
from ml_connector.words import many, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.cli.desk import Desk
    from ml_connector.cli.loads import Loaded
    from ml_connector.cli.summary import Summary
    from ml_connector.cli.view_totals import Total

JOB, LOADER = "visma-to-snowflake", "target-snowflake"
_EDITED = "Edited by ml-connector demo"
_DIFFERENT = 1

_LAST_WORDS = (
    "",
    "[bold]Next[/bold]",
    "  ml-connector simulate                           the same simulators; then, in another terminal:",
    "  ml-connector views snowflake --show VISMA_SPEND what a view answers",
    "  ml-connector run visma-to-snowflake             load what changed since",
    "  ml-connector status                             the last runs",
)


def play(desk: Desk) -> int:
    """Run the demonstration; the exit code is 1 when a view's totals are not Visma's."""
    with staged(desk, partial(all_simulators, intercompany=True)) as stage:
        vendors = stage.vendors
        if not vendors.snowflake:
            raise Stop(f"{SNOWFLAKE_MISSING}.", "ml-connector demo servicenow")
        desk.say(f"Visma.net ERP is simulated at {vendors.visma}, Snowflake at {vendors.snowflake}.")
        told = {"first": _first(stage), "second": _second(stage), "edit": _edit(stage), "views": _views(stage)}
    desk.show(told, lambda: "\n".join(_LAST_WORDS))
    return 0 if told["views"]["equal"] else _DIFFERENT


def _first(stage: Stage) -> dict[str, Any]:
    stage.desk.say(f"\n[bold]1. Everything Visma has of a month of two companies:[/bold] meltano run {JOB}")
    summary = stage.run(JOB)
    loads = _loads(stage, summary)
    if not stage.desk.as_json:
        verdicts = map(verdict_line, summary.runs)
        stage.desk.console.print("", Group(*verdicts), "", landed_picture(loads), sep="\n")
    return _data(summary, loads)


def _second(stage: Stage) -> dict[str, Any]:
    stage.desk.say("\n[bold]2. The same again:[/bold] nothing has changed in Visma")
    summary = stage.run(JOB)
    loads = _loads(stage, summary)
    read = many(summary.total(RECEIVED), "record")
    stage.desk.say(f"   {read} read again from Visma (reads overlap on purpose): {_merged(loads)}.")
    return _data(summary, loads)


def _edit(stage: Stage) -> dict[str, Any]:
    """Change a purchase order of the first company, and load that company again."""
    pair = stage.project.jobs[JOB][0]
    company = stage.project.plugin(pair.extractor).config["company"]
    order = _some_order(stage, pair.pipeline)
    stage.desk.say(
        f"\n[bold]3. One edit in Visma:[/bold] a line text of {company} purchase order {order}; "
        f"meltano run {' '.join(pair)}"
    )
    place = {"company": company, "resource": "purchaseorder", "key": order}
    stage.vendors.edit(stage.vendors.visma, "edit", **place, changes={"lines.0.lineDescription": _EDITED})
    summary = stage.run(*pair)
    loads = _loads(stage, summary)
    changed = [f"{plain(load.stream)} {load.changed}" for load in loads if load.changed]
    stage.desk.say(f"   {_merged(loads)}{': ' if changed else ''}{', '.join(changed)}.")
    return {**_data(summary, loads), "edited": place}


def _views(stage: Stage) -> dict[str, Any]:
    stage.desk.say("\n[bold]4. The views, and what the simulated companies' own books add up to[/bold]")
    made = ask(stage.desk, LOADER, APPLY, **stage.settings)
    rows = ask(stage.desk, LOADER, ",".join(view["view"] for view in made), **stage.settings)
    totals = compared(rows, stage.vendors.totals(stage.vendors.visma))
    if not stage.desk.as_json:
        stage.desk.console.print("", totals_picture(made, totals), sep="\n")
    return {
        "made": made,
        "rows": len(rows),
        "totals": [total.as_data() for total in totals],
        "equal": _proven(made, totals),
    }


def _proven(made: Sequence[dict[str, Any]], totals: Sequence[Total]) -> bool:
    """Return whether every view has totals, and all are those of the books."""
    return {view["view"] for view in made} == {total.view for total in totals} and all(each.equal for each in totals)


def _some_order(stage: Stage, pipeline: str) -> str:
    """Return the key of the first purchase order that was loaded."""
    with stage.desk.reading() as connection:
        loads = loads_of(connection, pipeline=pipeline)
    keys = [load.first_key for load in loads if load.stream == "purchase_orders" and load.first_key]
    if not keys:
        raise Stop("no purchase order was loaded, so none can be edited.", "ml-connector status")
    return keys[0]


def _loads(stage: Stage, summary: Summary) -> list[Loaded]:
    with stage.desk.reading() as connection:
        return loads_of(connection, runs_of=[run.id for run in summary.runs])


def _merged(loads: Sequence[Loaded]) -> str:
    counts = {name: sum(getattr(load, name) for load in loads) for name in ("new", "changed", "unchanged")}
    return ", ".join(f"[bold]{count:,} {name}[/bold]" for name, count in counts.items())


def _data(summary: Summary, loads: Sequence[Loaded]) -> dict[str, Any]:
    return {**summary.as_data(), "loads": [load.as_data() for load in loads]}
