"""`ml-connector demo`: a month of two companies through the whole flow, on simulators, in about a minute."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from sqlalchemy import select

from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.pictures import summary_picture
from ml_connector.cli.running import only_job, run_and_read, tell
from ml_connector.cli.simulators import Simulators, simulators
from ml_connector.delivery.balance import RECEIVED
from ml_connector.delivery.sink import State
from ml_connector.store.tables import deliveries
from ml_connector.words import many

if TYPE_CHECKING:
    from pathlib import Path

    from ml_connector.cli.project import Project
    from ml_connector.cli.summary import Summary

_EDITED = "Edited by ml-connector demo"


class Invoice(NamedTuple):
    """An invoice the demonstration edits."""

    business_key: str
    company: str
    title: str

    @property
    def key(self) -> str:
        """Its key in Visma."""
        return self.business_key.rpartition(":")[2]


class Stage(NamedTuple):
    """Where the demonstration plays."""

    desk: Desk
    project: Project
    vendors: Simulators
    settings: dict[str, str]

    def run(self) -> Summary:
        """Run the job; anything but a finished run ends the demonstration."""
        self.vendors.forget_requests()
        summary, finished = run_and_read(self.desk, self.project, [only_job(self.project)], **self.settings)
        if finished.code:
            sys.exit(tell(self.desk, summary, finished))
        return summary

    @property
    def writes(self) -> int:
        """How many writing requests ServiceNow has seen in this run."""
        return len(self.vendors.requests_seen(self.vendors.servicenow, writes=True))


@click.command()
@verb
def demo(desk: Desk) -> int:
    """Run a simulated month of two companies through the whole flow, three times, and say what happened.

    Everything lives in .ml-connector/demo, which is emptied first. No tenant and no network are needed.
    """
    desk = replace(desk, environment="demo", store_option=None)
    project = desk.project
    folder = project.root / ".ml-connector" / "demo"
    _empty(project, folder)
    with simulators(folder / "simulators") as vendors:
        own = {"MELTANO_DATABASE_URI": f"sqlite:///{folder / 'meltano.db'}"}
        stage = Stage(desk, project, vendors, {**vendors.settings, **own})
        desk.say(f"Visma.net ERP is simulated at {vendors.visma}, ServiceNow at {vendors.servicenow}.")
        told = {"first": _first(stage), "second": _second(stage), "edit": _edit(stage)}
    desk.show(told, lambda: "\n".join(_LAST_WORDS))
    return 0


_LAST_WORDS = (
    "",
    "[bold]Next[/bold]",
    "  ml-connector dead list                  what waits, and why",
    "  ml-connector status                     the last runs",
    "  ml-connector simulate                   the same simulators, for trying a fix; then, in another terminal:",
    "  ml-connector run                        deliver what was fixed",
)


def _empty(project: Project, folder: Path) -> None:
    """Begin anew, but never touch a store that is not the demonstration's own."""
    if str(folder) not in project.store_url:
        raise Stop(f"the demo environment's store is {project.store_url}, not in {folder}.", "ml-connector run")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)


def _first(stage: Stage) -> dict[str, Any]:
    stage.desk.say(f"\n[bold]1. A month of two companies:[/bold] meltano run {only_job(stage.project)}")
    summary = stage.run()
    if not stage.desk.as_json:
        stage.desk.console.print("", summary_picture(summary), sep="\n")
    return {**summary.as_data(), "writes": stage.writes}


def _second(stage: Stage) -> dict[str, Any]:
    stage.desk.say("\n[bold]2. The same again:[/bold] nothing has changed in Visma")
    summary, writes = stage.run(), stage.writes
    read, same = many(summary.total(RECEIVED), "record"), summary.total(State.UNCHANGED)
    stage.desk.say(f"   {read} read again from Visma (reads overlap on purpose), {same} unchanged.")
    stage.desk.say(f"   ServiceNow's request log shows [bold]{many(writes, 'write')}[/bold].")
    return {**summary.as_data(), "writes": writes}


def _edit(stage: Stage) -> dict[str, Any]:
    invoice = _some_invoice(stage.desk)
    stage.desk.say(f"\n[bold]3. One edit in Visma:[/bold] a line text of {invoice.company} invoice {invoice.title}")
    changes = {"invoiceLines.0.transactionDescription": _EDITED}
    place = {"company": invoice.company, "resource": "supplierInvoice", "key": invoice.key}
    stage.vendors.edit(stage.vendors.visma, "edit", **place, changes=changes)
    summary, writes = stage.run(), stage.writes
    delivered = _delivered(stage.desk, [run.id for run in summary.runs])
    stage.desk.say(f"   {many(len(delivered), 'record')} delivered: {'; '.join(delivered) or 'none'}.")
    stage.desk.say(f"   ServiceNow's request log shows {many(writes, 'write')}.")
    return {**summary.as_data(), "writes": writes, "delivered": delivered}


def _some_invoice(desk: Desk) -> Invoice:
    columns = (deliveries.c.business_key, deliveries.c.company, deliveries.c.title)
    query = (
        select(*columns)
        .where(deliveries.c.record_type == "supplier_invoices", deliveries.c.state == State.DELIVERED)
        .where(deliveries.c.source_state == "open")
        .order_by(deliveries.c.business_key)
    )
    with desk.reading() as connection:
        row = connection.execute(query.limit(1)).first()
    if row is None:
        raise Stop("no open supplier invoice was delivered, so none can be edited.", "ml-connector dead list")
    return Invoice(*row)


def _delivered(desk: Desk, ids: list[str]) -> list[str]:
    mine = (deliveries.c.last_run.in_(ids), deliveries.c.run_outcome == State.DELIVERED)
    with desk.reading() as connection:
        rows = connection.execute(select(deliveries.c.company, deliveries.c.title).where(*mine))
        return [f"{company} {title}" for company, title in rows]
