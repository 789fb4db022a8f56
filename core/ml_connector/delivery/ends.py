"""How a run begins and ends in the store, whatever the shape of what it delivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from ml_connector.audit.trail import Trail
from ml_connector.delivery import report
from ml_connector.delivery.balance import CARRIED_IN, Line
from ml_connector.delivery.run import Run
from ml_connector.delivery.work import OPEN_STATES
from ml_connector.store.tables import deliveries

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from ml_connector.delivery.deadletters import StreamShape
    from ml_connector.delivery.settings import EngineSettings
    from ml_connector.delivery.sink import Identity
    from ml_connector.delivery.tap_totals import PipeTotals
    from ml_connector.store import Store


def begin(
    connection: Connection,
    *,
    store: Store,
    settings: EngineSettings,
    identity: Identity,
    map_version: str,
    shapes: dict[str, StreamShape],
    take_over: Callable[[str], None],
) -> Run:
    """Open a run: its line, its first event, and what earlier runs left open."""
    facts = {
        "target_id": identity.id,
        "target_label": identity.label,
        "mapping": settings.mapping,
        "map_version": map_version,
        "replay_of": settings.replay_of,
        "state_from": report.newest_state(connection, settings.pipeline),
    }
    trail = Trail.begin(connection, settings.pipeline, settings.kind, **facts)
    run = Run(trail.run_id, settings, identity.id, map_version, store, trail, shapes, take_over)
    _carry_in(connection, run)
    return run


def _carry_in(connection: Connection, run: Run) -> None:
    """Count what earlier runs left open; it is part of this run's balance."""
    mine = (
        deliveries.c.pipeline == run.settings.pipeline,
        deliveries.c.target_id == run.target_id,
        deliveries.c.state.in_(OPEN_STATES),
    )
    names = ("company", "record_type", "currency", "amount")
    for company, record_type, currency, amount in connection.execute(
        select(*(deliveries.c[name] for name in names)).where(*mine)
    ):
        run.tally.add(Line(company, record_type, CARRIED_IN, "", currency or ""), amount)
    touched = update(deliveries).where(*mine)
    connection.execute(touched.values(last_run=run.id, run_outcome=deliveries.c.state))


def strike(
    connection: Connection,
    run: Run,
    tap_totals: PipeTotals,
    passed: str | None,
    stopped: tuple[str, int] | None = None,
) -> report.RunReport:
    """Strike the balance of a run whose outcomes are all in its tally, and close it.

    `passed` is the newest STATE that did, as JSON; `stopped` says why a run could not go on, and its exit code.
    """
    result = report.strike(run.tally, tap_totals, stopped=stopped is not None)
    run.tally.save(connection, run.id)
    message, exit_code = stopped or (None, 0)
    run.trail.end(
        connection,
        outcome="stopped" if stopped else "finished",
        balance=result.balance,
        message=message or "; ".join(result.differences + result.unfinished) or None,
        exit_code=exit_code or result.exit_code,
        state_to=passed,
    )
    return result
