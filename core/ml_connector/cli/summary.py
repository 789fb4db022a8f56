"""What the store says of runs and of what waits: the one reading that `demo`, `run` and `status` share."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select

from ml_connector.cli.project import RUN
from ml_connector.delivery.balance import CARRIED_IN, INCOMING, READ_AGAIN, RECEIVED, SUPERSEDED, Sum
from ml_connector.delivery.sink import State
from ml_connector.delivery.work import OPEN_STATES
from ml_connector.store.tables import deliveries, runs, tallies
from ml_connector.store.text import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

KINDS = (RECEIVED, CARRIED_IN, *State, SUPERSEDED, READ_AGAIN)
"""Every column a summary can have, in reading order."""

_WORST_FIRST = (1, 2, 3, 5, 4)
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run as the store has it."""

    id: str
    pipeline: str
    kind: str
    target_label: str
    started_at: str
    ended_at: str | None
    outcome: str
    balance: str | None
    message: str | None
    exit_code: int | None

    @property
    def code(self) -> int:
        """The exit code; a run that never ended is a fault."""
        return 1 if self.exit_code is None else self.exit_code


class Account(NamedTuple):
    """What a line of the summary is about; currency is empty for records without an amount."""

    company: str
    record_type: str
    currency: str


@dataclass(slots=True)
class Cause:
    """Records that wait for the same reason."""

    state: str
    reason: str
    pipeline: str
    company: str
    record_type: str
    message: str
    suggestion: str
    since: str
    count: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    again: str = RUN  # the command that runs its pipeline

    def add(self, title: str, value: str | None, amount: str | None, currency: str | None) -> None:
        """Count one record; the first few stand for the others."""
        self.count += 1
        if amount and currency:
            self.amounts[currency] = self.amounts.get(currency, Decimal(0)) + Decimal(amount)
        if len(self.titles) < _EXAMPLES:
            self.titles.append(title)
        if value and value not in self.values and len(self.values) < _EXAMPLES:
            self.values.append(value)

    @property
    def step(self) -> str:
        """The next command to type: what waits is looked at by every run, what was refused only by a replay.

        A cause without a `since` is one that a plan foresees.
        """
        if not self.since:
            return "ml-connector plan"
        if self.state == State.REFUSED:
            return f"ml-connector dead replay --cause {self.reason}"
        return self.again

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        told = {name: value for name, value in asdict(self).items() if name != "again"}
        return {**told, "next": self.step}


@dataclass(slots=True)
class Summary:
    """Some runs, what came in and what became of it, and what waits."""

    runs: list[RunFacts]
    lines: dict[Account, dict[str, Sum]]
    skipped: dict[tuple[str, str, str], Sum]  # company, record type, rule
    stand_ins: dict[tuple[str, str, str, str], Sum]  # company, record type, what went instead, currency
    causes: list[Cause]

    @property
    def exit_code(self) -> int:
        """The worst of the runs' exit codes: a run that could not finish comes before what a finished one found."""
        return worst_code(run.code for run in self.runs)

    def total(self, *kinds: str) -> int:
        """Return how many records the summary counts under these kinds."""
        return sum(cells[kind].count for cells in self.lines.values() for kind in kinds if kind in cells)

    @property
    def accounts(self) -> dict[Account, dict[str, Sum]]:
        """The lines of record types that carry amounts: what a balance is struck over."""
        money = {account.record_type for account, cells in self.lines.items() if any(s.amount for s in cells.values())}
        return {
            account: cells for account, cells in self.lines.items() if account.currency and account.record_type in money
        }

    @property
    def kinds(self) -> list[str]:
        """The kinds that occur, in reading order."""
        return [kind for kind in KINDS if kind == RECEIVED or self.total(kind)]

    def as_data(self) -> dict[str, Any]:
        """Return the summary as JSON-ready data."""
        return {
            "exit_code": self.exit_code,
            "runs": [asdict(run) for run in self.runs],
            "records": [
                {**account._asdict(), **{kind: asdict(cells[kind]) for kind in KINDS if kind in cells}}
                for account, cells in self.lines.items()
            ],
            "skipped": [
                {"company": company, "record_type": record_type, "rule": rule, **asdict(total)}
                for (company, record_type, rule), total in self.skipped.items()
            ],
            "stand_ins": [
                {"company": company, "record_type": record_type, "sent": words, "currency": currency, **asdict(total)}
                for (company, record_type, words, currency), total in self.stand_ins.items()
            ],
            "causes": [cause.as_data() for cause in self.causes],
        }


def worst_code(codes: Iterable[int]) -> int:
    """Return the exit code that matters most."""
    found = set(codes)
    return next((code for code in _WORST_FIRST if code in found), max(found, default=0))


def run_ids(connection: Connection) -> set[str]:
    """Return the ids of all runs that moved records; plans and what people decided are not among them."""
    return set(connection.execute(select(runs.c.id).where(runs.c.kind.in_(["run", "replay"]))).scalars())


def newest_runs(connection: Connection) -> list[str]:
    """Return the id of the last run (not replay) of each pipeline, in the order they started."""
    newest = (
        select(runs.c.pipeline, func.max(runs.c.started_at).label("started_at"))
        .where(runs.c.kind == "run")
        .group_by(runs.c.pipeline)
        .subquery()
    )
    mine = (runs.c.pipeline == newest.c.pipeline) & (runs.c.started_at == newest.c.started_at)
    return list(connection.execute(select(runs.c.id).join(newest, mine).order_by(runs.c.started_at)).scalars())


def read_summary(connection: Connection, ids: Sequence[str], again: Callable[[str], str]) -> Summary:
    """Return what these runs received, what became of it, and what waits in their pipelines.

    `again` tells the command that runs a pipeline.
    """
    facts = _runs(connection, ids)
    lines: dict[Account, dict[str, Sum]] = defaultdict(lambda: defaultdict(Sum))
    skipped: dict[tuple[str, str, str], Sum] = defaultdict(Sum)
    for company, record_type, kind, reason, currency, count, amount in connection.execute(_tallies(ids)):
        lines[Account(company, record_type, currency)][kind].add(count, Decimal(amount))
        if kind == State.SKIPPED:
            skipped[company, record_type, reason].add(count, Decimal(amount))
    ordered = dict(sorted(lines.items(), key=lambda item: (item[0].company, item[0].currency == "", item[0])))
    causes = open_causes(connection, again, sorted({run.pipeline for run in facts}))
    return Summary(facts, ordered, dict(skipped), _stand_ins(connection, ids), causes)


def _stand_ins(connection: Connection, ids: Sequence[str]) -> dict[tuple[str, str, str, str], Sum]:
    """Return what these runs sent with a default, or nothing, in place of a dimension that the target does not have."""
    query = select(deliveries).where(
        deliveries.c.last_run.in_(ids),
        deliveries.c.defaulted.is_not(None),
        deliveries.c.run_outcome.in_([State.DELIVERED, State.SENT]),
    )
    found: dict[tuple[str, str, str, str], Sum] = defaultdict(Sum)
    for row in connection.execute(query):
        for words in {stand_in(entry) for entry in decode(row.defaulted)}:
            found[row.company, row.record_type, words, row.currency or ""].add(1, Decimal(row.amount or 0))
    return dict(sorted(found.items()))


def stand_in(entry: str) -> str:
    """Say in words what `account:6300->9999` and `purchase_order:4711->` stand for."""
    dimension, _, rest = entry.partition(":")
    code = rest.rpartition("->")[2]
    return (
        f"{dimension.replace('_', ' ')} {code} instead of a missing one"
        if code
        else f"no {dimension.replace('_', ' ')}"
    )


def _runs(connection: Connection, ids: Sequence[str]) -> list[RunFacts]:
    names = [runs.c[name] for name in RunFacts.__dataclass_fields__]
    found = connection.execute(select(*names).where(runs.c.id.in_(ids)).order_by(runs.c.started_at))
    return [RunFacts(*row) for row in found]


def _tallies(ids: Sequence[str]) -> Any:
    names = ("company", "record_type", "kind", "reason", "currency", "count", "amount")
    return select(*(tallies.c[name] for name in names)).where(tallies.c.run_id.in_(ids))


def open_causes(
    connection: Connection, again: Callable[[str], str], pipelines: Sequence[str] | None = None
) -> list[Cause]:
    """Return what waits, grouped by cause, what concerns most records first."""
    query = select(deliveries).where(deliveries.c.state.in_(OPEN_STATES)).order_by(deliveries.c.since, deliveries.c.id)
    if pipelines is not None:
        query = query.where(deliveries.c.pipeline.in_(pipelines))
    found: dict[tuple[str, ...], Cause] = {}
    for row in connection.execute(query):
        key = (row.state, row.reason or "", row.pipeline, row.company, row.record_type)
        if key not in found:
            words = (row.message or "", row.suggestion or "", row.since)
            found[key] = Cause(*key, *words, again=again(row.pipeline))
        found[key].add(row.title or row.business_key, row.value, row.amount, row.currency)
    order = list(OPEN_STATES)
    return sorted(found.values(), key=lambda cause: (order.index(State(cause.state)), -cause.count))


def incoming(cells: dict[str, Sum]) -> dict[str, Sum]:
    """Return the kinds on the left of a balance line."""
    return {kind: cells[kind] for kind in KINDS if kind in INCOMING and kind in cells}


def outgoing(cells: dict[str, Sum]) -> dict[str, Sum]:
    """Return the kinds on the right of a balance line."""
    return {kind: cells[kind] for kind in KINDS if kind not in INCOMING and kind in cells}
