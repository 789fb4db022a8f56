"""`ml-connector audit`: is the trail as it was written, a copy of it for an auditor, and retention."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ml_connector.audit.check import check_export, check_store, read_head
from ml_connector.audit.export import export
from ml_connector.audit.purge import purge
from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.store.text import stamp, utc_now
from ml_connector.words import many

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ml_connector.audit.export import Head
    from ml_connector.audit.findings import Report

_BROKEN = 5
_SHOWN = 20
_LIMIT = (
    "What the chain alone does not prove: that its newest events were not cut off, and that nobody wrote all of it "
    "anew. A head that was exported and kept elsewhere proves both: ml-connector audit verify --head HEAD"
)


@click.group()
def audit() -> None:
    """Verify the trail, export it, purge what is too old."""


@audit.command()
@click.option("--pipeline", metavar="NAME", help="Only the trail of this pipeline.")
@click.option("--file", type=click.Path(path_type=Path), help="Verify this export instead of the store.")
@click.option("--head", metavar="FILE|HASH", help="A head that was exported: verify that it is still contained.")
@verb
def verify(desk: Desk, pipeline: str | None, file: Path | None, head: str | None) -> int:
    """Find every edit, deletion, insertion, swap or truncation of the trail, and say where.

    Needs no project with --file, or with --store. Exit code 0 when everything is as it was written, 5 when not.
    """
    expected = read_head(head) if head else None
    if file is not None:
        try:
            report = check_export(file, expected)
        except OSError as error:
            raise Stop(f"{file} cannot be read: {error.strerror}.", "ml-connector audit verify --file FILE") from None
    else:
        with desk.reading() as connection:
            report = check_store(connection, pipeline, expected)
    desk.show(report.as_data(), lambda: _picture(report, headed=expected is not None))
    return 0 if report.valid else _BROKEN


def _picture(report: Report, *, headed: bool) -> RenderableType:
    counted = f"{many(report.events, 'event')} of {many(report.runs, 'run')}, {many(report.deliveries, 'delivery')}"
    counted = counted.replace("deliverys", "deliveries")
    span = f", {report.first_at} to {report.last_at}" if report.first_at else ""
    purged = f"; {many(report.purged, 'event')} purged, as a tombstone says" if report.purged else ""
    if report.valid:
        proven = Text("The head that was kept elsewhere is contained.", "green") if headed else Text(_LIMIT, "dim")
        return Group(Text(f"✓ The trail is as it was written: {counted}{span}{purged}.", "green"), proven)
    head = Text(f"✗ The trail is not as it was written: {many(report.found, 'finding')} in {counted}{span}.", "red")
    table = Table("event", "time", "run", "record", "what is wrong", box=None, pad_edge=False)
    for each in report.findings[:_SHOWN]:
        where = (str(each.seq or ""), (each.at or "")[:19], each.run_id or each.pipeline or "", each.business_key or "")
        table.add_row(*map(escape, (*where, each.words)))
    rest = f"… and {report.found - _SHOWN:,} more; all with --json" if report.found > _SHOWN else ""
    return Group(head, "", table, rest, _advice())


def _advice() -> Text:
    return Text(
        "Keep a copy of this store as it is. Compare it with the newest export that verifies, and find out who can "
        "write to the database: ml-connector does not write such things."
    )


@audit.command("export")
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="Runs that began on or after this day (UTC).")
@click.option("--to", "until", type=click.DateTime(["%Y-%m-%d"]), help="Runs that began before this day (UTC).")
@click.argument("place", type=click.Path(path_type=Path), metavar="DIR_OR_FILE")
@verb
def export_trail(desk: Desk, since: datetime | None, until: datetime | None, place: Path) -> int:
    """Write the trail to a file that verifies without this store, and its head beside it.

    The head is printed, too: keep it where those who can write to the store cannot, with the auditor for instance.
    """
    if place.is_dir() or not place.suffix:
        place.mkdir(parents=True, exist_ok=True)
        place /= f"trail-{utc_now():%Y%m%dT%H%M%S}.jsonl"
    beside = place.with_suffix(".head.json")
    with desk.store() as store:
        try:
            head = export(store, desk.store_url, place, _text(since), _text(until))
            head.write(beside)
        except OSError as error:
            raise Stop(f"{place} cannot be written: {error.strerror}.", "ml-connector audit export DIR") from None
    told = {"file": str(place), "head_file": str(beside), "head": head.head, "runs": head.runs, "events": head.events}
    desk.show(told, lambda: _exported(head, place, beside))
    return 0


def _text(day: datetime | None) -> str | None:
    return stamp(day.replace(tzinfo=UTC)) if day else None


def _exported(head: Head, place: Path, beside: Path) -> str:
    return (
        f"[green]✓[/green] {many(head.events, 'event')} of {many(head.runs, 'run')} in {escape(str(place))}\n"
        f"  head: [bold]{head.head}[/bold]  (also in {escape(str(beside))})\n"
        "  Keep the head where those who can write to the store cannot.\n"
        f"  next: ml-connector audit verify --file {escape(str(place))} --head {escape(str(beside))}"
    )


@audit.command("purge")
@click.option("--older-than", required=True, metavar="DAYSd", help="Purge what was settled so long ago: 400d.")
@click.option("--company", metavar="NAME", help="Only of this company.")
@click.option("--reason", required=True, help="Why; it stays in the trail with your name.")
@verb
def purge_old(desk: Desk, older_than: str, company: str | None, reason: str) -> int:
    """Take the content out of what was settled long ago; the trail says so, and still verifies.

    Gone are what was sent, the originals of closed dead letters, and the details of events. What became of every
    record stays, with its amount and its id in the target. Nothing of a record that still waits is purged.
    """
    days = re.fullmatch(r"(\d+)d", older_than)
    if days is None:
        raise Stop(f"{older_than!r} is no number of days.", "ml-connector audit purge --older-than 400d --reason …")
    before = stamp(utc_now() - timedelta(days=int(days[1])))
    with desk.store() as store:
        done = purge(store, desk.store_url, before, reason, company)
    counts = [
        (done.payloads, "row"),
        (done.records, "dead letter"),
        (done.decisions, "decision"),
        (done.events, "event"),
    ]
    words = ", ".join(many(count, noun) for count, noun in counts)
    desk.show(
        {"before": before, **asdict(done)},
        lambda: f"[green]✓[/green] purged of what was settled before {before[:10]}: {words}",
    )
    return 0
