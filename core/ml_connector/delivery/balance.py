"""The balance of a run (L8): what came in equals what became of it, in counts and in sums per currency."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, insert, select

from ml_connector.delivery.sink import State
from ml_connector.store.tables import deliveries, tallies

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

RECEIVED, CARRIED_IN, SUPERSEDED, READ_AGAIN = "received", "carried_in", "superseded", "read_again"
INCOMING = (RECEIVED, CARRIED_IN)


class Line(NamedTuple):
    """What a tally counts: records of one company, type, kind, reason and currency."""

    company: str
    record_type: str
    kind: str
    reason: str
    currency: str


@dataclass(slots=True)
class Sum:
    """A count and an amount."""

    count: int = 0
    amount: Decimal = Decimal(0)

    def add(self, count: int, amount: Decimal) -> None:
        """Add to both."""
        self.count += count
        self.amount += amount


class Tally:
    """Counts and sums of one run, kept as they happen."""

    def __init__(self) -> None:
        self.lines: dict[Line, Sum] = defaultdict(Sum)

    def add(self, line: Line, amount: Decimal | str | None, count: int = 1) -> None:
        """Count records; an amount without a currency is not summed."""
        self.lines[line].add(count, Decimal(amount) if amount is not None and line.currency else Decimal(0))

    def total(self, kinds: Iterable[str]) -> int:
        """Return how many records were counted under these kinds."""
        return sum(total.count for line, total in self.lines.items() if line.kind in set(kinds))

    def add_outcomes(self, connection: Connection, run_id: str) -> None:
        """Read from the store what became of every delivery this run touched."""
        columns = (
            deliveries.c.company,
            deliveries.c.record_type,
            deliveries.c.run_outcome,
            func.coalesce(deliveries.c.reason, ""),
            func.coalesce(deliveries.c.currency, ""),
            deliveries.c.amount,
        )
        query = select(*columns, func.count()).where(deliveries.c.last_run == run_id).group_by(*columns)
        for company, record_type, outcome, reason, currency, amount, count in connection.execute(query):
            told = "" if outcome in (State.DELIVERED, State.UNCHANGED) else reason
            total = Decimal(amount or 0) * count
            self.add(Line(company, record_type, outcome, told, currency), total, count)

    def differences(self) -> list[str]:
        """Return, in words, every place where what came in is not what became of it."""
        sums: dict[tuple[str, str, str], Sum] = defaultdict(Sum)
        for line, total in self.lines.items():
            sign = 1 if line.kind in INCOMING else -1
            sums[line.company, line.record_type, line.currency].add(sign * total.count, sign * total.amount)
        return [
            f"{company} {record_type}: {total.count} records, {total.amount} {currency} without an outcome"
            for (company, record_type, currency), total in sums.items()
            if total.count or total.amount
        ]

    def save(self, connection: Connection, run_id: str) -> None:
        """Store the run's tallies."""
        rows: list[dict[str, Any]] = [
            {"run_id": run_id, **line._asdict(), "count": total.count, "amount": str(total.amount)}
            for line, total in sorted(self.lines.items())
        ]
        if rows:
            connection.execute(insert(tallies), rows)
