"""The demonstration of both ways: Acumatica into ServiceNow, and an approved request back as a purchase order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.audit.find import find
from ml_connector.audit.trace import story
from ml_connector.cli.desk import Stop
from ml_connector.cli.pictures import summary_picture
from ml_connector.cli.simulators import simulators
from ml_connector.cli.stage import Stage, staged
from ml_connector.cli.trace import story_picture
from ml_connector.delivery.balance import RECEIVED
from ml_connector.delivery.sink import State
from ml_connector.store.tables import deliveries
from ml_connector.words import many

if TYPE_CHECKING:
    from ml_connector.cli.desk import Desk
    from ml_connector.cli.summary import Summary

JOB = "acumatica-servicenow"
_NOT_ONE = 1
_LINES = (
    {"product_number": "LAPTOP14", "quantity": "2", "unit_price": "1149.00", "cost_center": "ITS"},
    {"product_number": "MONITOR27", "quantity": "4", "unit_price": "279.00", "cost_center": "ITS"},
)

_LAST_WORDS = (
    "",
    "[bold]Next[/bold]",
    "  ml-connector dead list                  what waits, and why",
    "  ml-connector simulate                   the same simulators, for trying a fix; then, in another terminal:",
    "  ml-connector run acumatica-servicenow   both ways again",
    "  ml-connector reconcile                  what landed, against what was read",
)


def play(desk: Desk) -> int:
    """Run the demonstration; the exit code is 1 when the request became anything but one purchase order."""
    with staged(desk, simulators) as stage:
        vendors = stage.vendors
        desk.say(f"Acumatica is simulated at {vendors.acumatica}, ServiceNow at {vendors.servicenow}.")
        told = {"first": _first(stage), "second": _second(stage), "request": _request(stage)}
        told["echo"] = _echo(stage, told["request"]["key"])
    desk.show(told, lambda: "\n".join(_LAST_WORDS))
    return 0 if told["request"]["orders"] == 1 else _NOT_ONE


def _run(stage: Stage) -> tuple[Summary, dict[str, int]]:
    """Run the job; return what came of it, and how many writing requests each system has seen."""
    summary = stage.run(JOB)
    places = {"ServiceNow": stage.vendors.servicenow, "Acumatica": stage.vendors.acumatica}
    return summary, {name: len(stage.vendors.requests_seen(url, writes=True)) for name, url in places.items()}


def _told(writes: dict[str, int]) -> str:
    return ", ".join(f"[bold]{many(count, 'write')}[/bold] in {name}" for name, count in writes.items())


def _first(stage: Stage) -> dict[str, Any]:
    stage.desk.say(f"\n[bold]1. A month of a company, both ways:[/bold] meltano run {JOB}")
    summary, writes = _run(stage)
    if not stage.desk.as_json:
        stage.desk.console.print("", summary_picture(summary), sep="\n")
    return {**summary.as_data(), "writes": writes}


def _second(stage: Stage) -> dict[str, Any]:
    stage.desk.say("\n[bold]2. The same again:[/bold] nothing has changed on either side")
    summary, writes = _run(stage)
    read, same = many(summary.total(RECEIVED), "record"), summary.total(State.UNCHANGED)
    stage.desk.say(f"   {read} read again, {same} unchanged; the request logs show {_told(writes)}.")
    return {**summary.as_data(), "writes": writes}


def _request(stage: Stage) -> dict[str, Any]:
    """Let a buyer's request be approved in ServiceNow, and bring it to Acumatica."""
    supplier, title = _some_supplier(stage)
    made = stage.vendors.edit(stage.vendors.servicenow, "request", supplier_number=supplier, lines=list(_LINES))
    stage.desk.say(f"\n[bold]3. A request is approved in ServiceNow:[/bold] {made['number']}, from {title}")
    before = _orders(stage)
    summary, writes = _run(stage)
    new = _orders(stage) - before
    key = _key_of(stage, made["number"])
    order = next((link["business_key"] for link in _story(stage, key)["links"]), "none")
    stage.desk.say(f"   It is purchase order [bold]{order}[/bold] in Acumatica; {_told(writes)}.")
    return {**summary.as_data(), "writes": writes, "orders": new, "key": key}


def _echo(stage: Stage, key: str) -> dict[str, Any]:
    """Read our own purchase order back."""
    stage.desk.say("\n[bold]4. Once more:[/bold] Acumatica now has a purchase order of our own")
    summary, writes = _run(stage)
    skipped = summary.total(State.SKIPPED)
    stage.desk.say(f"   {many(skipped, 'record')} skipped (our own order among them); {_told(writes)}.")
    told = _story(stage, key)
    if not stage.desk.as_json:
        stage.desk.console.print("", f"[bold]ml-connector trace {key}[/bold]", "", story_picture(told), sep="\n")
    return {**summary.as_data(), "writes": writes, "story": told}


def _some_supplier(stage: Stage) -> tuple[str, str]:
    """Return the number and title of a supplier that was delivered, for the buyer to ask."""
    columns = (deliveries.c.business_key, deliveries.c.title)
    mine = (deliveries.c.record_type == "suppliers", deliveries.c.state == State.DELIVERED)
    query = select(*columns).where(*mine, deliveries.c.source_state == "active").order_by(deliveries.c.business_key)
    with stage.desk.reading() as connection:
        row = connection.execute(query.limit(1)).first()
    if row is None:
        raise Stop("no supplier was delivered, so nothing can be asked of one.", "ml-connector dead list")
    return row[0].rpartition(":")[2], row[1]


def _key_of(stage: Stage, number: str) -> str:
    with stage.desk.reading() as connection:
        mine = deliveries.c.business_key.like(f"%:purchase_requests:{number}")
        key = connection.execute(select(deliveries.c.business_key).where(mine)).scalar()
    if key is None:
        raise Stop("the approved request was not read.", "ml-connector status")
    return str(key)


def _story(stage: Stage, key: str) -> dict[str, Any]:
    with stage.desk.reading() as connection:
        return story(connection, find(connection, key)[0]).as_data()


def _orders(stage: Stage) -> int:
    """Return how many purchase orders the simulated company has in its own books."""
    books = stage.vendors.totals(stage.vendors.acumatica)
    return sum(int(line["count"]) for line in books if line["what"] == "PurchaseOrder")
