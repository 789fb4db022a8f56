"""The end of a run: is it in balance, and what exit code says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ml_connector.delivery.sink import State
from ml_connector.store.tables import runs, tallies

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ml_connector.delivery.balance import Tally
    from ml_connector.delivery.tap_totals import PipeTotals

_USUAL_RUNS = 10
IN_BALANCE, OUT_OF_BALANCE, UNPROVEN = "in_balance", "out_of_balance", "unproven"


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended."""

    balance: str
    differences: list[str]
    counts: dict[str, int]
    unfinished: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 in balance, 4 with records that wait or were refused, 5 in doubt or out of balance (DESIGN §4)."""
        if self.balance == OUT_OF_BALANCE or self.counts.get(State.IN_DOUBT):
            return 5
        waiting = (State.PARKED, State.REFUSED, State.FAILED)
        return 4 if any(self.counts.get(state) for state in waiting) else 0


def strike(tally: Tally, tap_totals: PipeTotals, *, stopped: bool) -> RunReport:
    """Compare what came in with what became of it, and what the tap emitted with what arrived."""
    differences = tally.differences()
    if not stopped:
        differences += tap_totals.differences()
    unfinished = tap_totals.unfinished()
    proven = tap_totals.proven and not unfinished and not stopped
    balance = OUT_OF_BALANCE if differences else IN_BALANCE if proven else UNPROVEN
    counts: dict[str, int] = {}
    for line, total in tally.lines.items():
        counts[line.kind] = counts.get(line.kind, 0) + total.count
    return RunReport(balance, differences, counts, unfinished)


def usual_volume(connection: Connection, pipeline: str) -> int | None:
    """Return the mean number of records the pipeline's last finished runs received, or None before the third."""
    newest = (
        select(runs.c.id)
        .where(runs.c.pipeline == pipeline, runs.c.outcome == "finished", runs.c.kind == "run")
        .order_by(runs.c.started_at.desc())
        .limit(_USUAL_RUNS)
        .subquery()
    )
    received = (
        select(func.sum(tallies.c.count))
        .where(tallies.c.run_id.in_(select(newest.c.id)), tallies.c.kind == "received")
        .group_by(tallies.c.run_id)
    )
    volumes = [int(row[0]) for row in connection.execute(received)]
    return None if len(volumes) < 3 else max(sum(volumes) // len(volumes), 100)  # noqa: PLR2004


def newest_state(connection: Connection, pipeline: str) -> str | None:
    """Return the newest STATE that a run of the pipeline let pass, as JSON: the one its next run begins with."""
    passed = select(runs.c.state_to).where(
        runs.c.pipeline == pipeline, runs.c.kind == "run", runs.c.state_to.is_not(None)
    )
    text: str | None = connection.execute(passed.order_by(runs.c.started_at.desc()).limit(1)).scalar()
    return text
