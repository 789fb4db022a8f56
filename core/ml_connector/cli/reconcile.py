"""`ml-connector reconcile`: do source, books and target agree, and what is not settled?"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ml_connector.audit.actor import actor, host
from ml_connector.audit.trail import heads
from ml_connector.cli import asking
from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.reconcile_pictures import reconciliation_picture
from ml_connector.delivery.withdrawal import VANISHED
from ml_connector.reconcile.bulk_view import parted, read_bulk
from ml_connector.reconcile.ledger import read_ledger, titles_of
from ml_connector.reconcile.reconciliation import Maker, Reconciliation
from ml_connector.reconcile.scope import Scope, newest_runs
from ml_connector.reconcile.source_view import SourceView
from ml_connector.reconcile.target_view import TargetView
from ml_connector.store.text import stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be looked at besides the books."""

    reread: bool
    census: bool
    apply: bool


@click.command()
@click.option("--period", metavar="YYYY-MM", help="Only documents of this financial period.")
@click.option("--pipeline", metavar="NAME", help="Only this flow.")
@click.option("--company", metavar="NAME", help="Only this company.")
@click.option("--reread", is_flag=True, help="Compare what was delivered with what the target holds now.")
@click.option("--census", is_flag=True, help="Compare what is in the books with what the source has now.")
@click.option("--apply", is_flag=True, help="With --census: cancel in the target what the source has lost.")
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write a report to hand on."
)
@verb
def reconcile(desk: Desk, html: Path | None, **asked: Any) -> int:
    """Say whether source, books and target agree, per company and currency, and list what is not settled.

    Nothing is written, except with --apply. The exit code is 0 when all agrees, 4 with records that wait or could not
    be proven, 5 in doubt or out of balance.
    """
    wanted = _Wanted(asked["reread"], asked["census"], asked["apply"])
    if wanted.apply and not wanted.census:
        raise Stop("--apply needs to know what the source has lost.", "ml-connector reconcile --census --apply")
    found = _reconcile(desk, Scope(asked["period"], asked["pipeline"], asked["company"]), wanted)
    desk.show(found.as_data(), lambda: reconciliation_picture(found))
    if html is not None:
        _write(desk, found, html)
    if step := next((point.step for point in found.points if point.step), ""):
        desk.say(f"next: {step}")
    return found.exit_code


def _reconcile(desk: Desk, scope: Scope, wanted: _Wanted) -> Reconciliation:
    with desk.reading() as connection:
        runs = newest_runs(connection, scope)
        single, bulk = parted(runs)
        tables = read_bulk(connection, bulk, scope)
    if not runs:
        raise Stop(f"no run is in the store for {scope}.", "ml-connector status")
    source = _census(desk, single, scope) if wanted.census and single else None
    applied = _apply(desk, single, source) if source and wanted.apply else []
    told = [_reread(desk, run, scope) for run in single] if wanted.reread and single else None
    for run in bulk:
        tables.take(run["pipeline"], _reread(desk, run, scope) if wanted.reread else ())
        tables.take(run["pipeline"], _listed(desk, run, scope) if wanted.census else ())
    with desk.reading() as connection:
        ledger = read_ledger(connection, scope, single)
        target = _target_view(connection, told) if told is not None else None
        newest = {name: head.hash for name, head in heads(connection).items()}
    maker = Maker(actor(), host(), stamp(utc_now()), version("ml-connector"))
    mine = {run["pipeline"]: newest[run["pipeline"]] for run in runs if run["pipeline"] in newest}
    again = desk.again
    commands = {run["pipeline"]: again(run["pipeline"]) for run in runs}
    return Reconciliation(scope, maker, runs, mine, ledger, target, source, applied, tables, commands)


def _reread(desk: Desk, run: dict[str, Any], scope: Scope) -> Sequence[dict[str, Any]]:
    with desk.aside.status(f"reading again what {run['target_label']} holds of {run['pipeline']}"):
        return asking.reread(desk.project, run, scope)


def _target_view(connection: Connection, told: Sequence[Sequence[dict[str, Any]]]) -> TargetView:
    target = TargetView()
    for lines in told:
        target.take(lines, titles_of(connection, [line["record"] for line in lines if "record" in line]))
    return target


def _census(desk: Desk, runs: Sequence[dict[str, Any]], scope: Scope) -> SourceView:
    source = SourceView()
    for run in runs:
        source.take(run["pipeline"], _listed(desk, run, scope))
    return source


def _listed(desk: Desk, run: dict[str, Any], scope: Scope) -> Sequence[dict[str, Any]]:
    with desk.aside.status(f"listing what the source of {run['pipeline']} has"):
        return asking.census(desk.project, run, scope)


def _apply(desk: Desk, runs: Sequence[dict[str, Any]], source: SourceView) -> list[str]:
    """Have the targets cancel what vanished; nothing where so much is missing that it is not believed."""
    if source.doubts:
        return []
    applied = []
    for run in runs:
        mine = [each for each in source.vanished if each.pipeline == run["pipeline"] and each.stub]
        if mine:
            asking.cancel(desk.project, run, mine)
            applied += [each.business_key for each in mine]
    with desk.reading() as connection:
        now = titles_of(connection, applied)
    settled = {key for key, row in now.items() if row["source_state"] == VANISHED}
    source.findings = [each for each in source.findings if each.business_key not in settled]
    return [f"{row['title'] or key}: {row['message'] or 'cancelled in the target'}" for key, row in now.items()]


def _write(desk: Desk, found: Reconciliation, path: Path) -> None:
    from ml_connector.reconcile.report import render  # noqa: PLC0415  # the template engine is slow to import

    path.write_text(render(found.as_data()), encoding="utf-8")
    desk.say(f"report: {path.absolute()}")
