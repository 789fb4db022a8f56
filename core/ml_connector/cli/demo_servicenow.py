"""The demonstration of invoices into ServiceNow: a month, the same again, one edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from ml_connector.cli.desk import Stop
from ml_connector.cli.pictures import summary_picture
from ml_connector.cli.running import default_job
from ml_connector.cli.simulators import simulators
from ml_connector.cli.stage import Stage, staged
from ml_connector.delivery.balance import RECEIVED
from ml_connector.delivery.sink import State
from ml_connector.store.tables import deliveries
from ml_connector.words import many

if TYPE_CHECKING:
    from ml_connector.cli.desk import Desk
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


def play(desk: Desk) -> int:
    """Run the demonstration; the exit code is 0 unless a run did not finish."""
    with staged(desk, simulators) as stage:
        vendors = stage.vendors
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


def _run(stage: Stage) -> tuple[Summary, int]:
    """Run the job; return what came of it, and how many writing requests ServiceNow has seen."""
    summary = stage.run(default_job(stage.project))
    return summary, len(stage.vendors.requests_seen(stage.vendors.servicenow, writes=True))


def _first(stage: Stage) -> dict[str, Any]:
    stage.desk.say(f"\n[bold]1. A month of two companies:[/bold] meltano run {default_job(stage.project)}")
    summary, writes = _run(stage)
    if not stage.desk.as_json:
        stage.desk.console.print("", summary_picture(summary), sep="\n")
    return {**summary.as_data(), "writes": writes}


def _second(stage: Stage) -> dict[str, Any]:
    stage.desk.say("\n[bold]2. The same again:[/bold] nothing has changed in Visma")
    summary, writes = _run(stage)
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
    summary, writes = _run(stage)
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
