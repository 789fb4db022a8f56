"""What a table held when a run had loaded it: rows and sums per company and currency, to be compared with later."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from sqlalchemy import func, select

from ml_connector.store.tables import events, runs
from ml_connector.store.text import decode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

HOLDS = "table_holds"
"""The event that tells what a table held of the companies a run brought; it stands under the table's name."""


class Held(NamedTuple):
    """Rows of one company and currency."""

    company: str
    currency: str
    records: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Holding:
    """What a table held at the end of a run, and how that was asked, in the words of the stream."""

    stream: str
    table: str
    company: str | None  # the property that says whose a record is
    amount: str | None  # the property that is summed
    currency: str | None  # the path of its currency
    companies: Sequence[str]  # that the run brought: others may be another pipeline's
    rows: Sequence[Held]
    pipeline: str = ""
    run_id: str = ""

    def told(self) -> dict[str, Any]:
        """Return what the trail keeps of it: names, counts and sums (L10)."""
        names = ("stream", "table", "company", "amount", "currency")
        rows = [[row.company, row.currency, row.records, format(row.amount, "f")] for row in self.rows]
        return {name: getattr(self, name) for name in names} | {"companies": list(self.companies), "rows": rows}

    @classmethod
    def of(cls, told: Mapping[str, Any], pipeline: str, run_id: str) -> Self:
        """Return what an event tells."""
        rows = [Held(whose, unit, records, Decimal(amount)) for whose, unit, records, amount in told["rows"]]
        return cls(**{**told, "rows": rows}, pipeline=pipeline, run_id=run_id)


def newest(connection: Connection, pipeline: str, target_id: str) -> list[Holding]:
    """Return what each table of a pipeline held when a run of it looked last."""
    mine = select(runs.c.id).where(runs.c.pipeline == pipeline, runs.c.target_id == target_id)
    last = select(func.max(events.c.seq)).where(events.c.kind == HOLDS, events.c.run_id.in_(mine))
    query = select(events.c.data, events.c.run_id).where(events.c.seq.in_(last.group_by(events.c.business_key)))
    found = connection.execute(query.order_by(events.c.seq))
    return [Holding.of(decode(data), pipeline, run_id) for data, run_id in found if data]
