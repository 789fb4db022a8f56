"""Tables that are loaded in bulk: what a run saw in them last, what they hold now, what the source has."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from ml_connector.bulk import holdings
from ml_connector.bulk.load import is_bulk
from ml_connector.delivery.balance import Sum
from ml_connector.reconcile.ledger import read_ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from ml_connector.reconcile.open_items import OpenItem
    from ml_connector.reconcile.scope import Scope

BOOKS, TARGET, SOURCE = SIDES = ("books", "target", "source")


class Place(NamedTuple):
    """Rows of a table that are counted together."""

    pipeline: str
    table: str
    company: str
    currency: str


@dataclass(slots=True)
class BulkView:
    """Every table of the bulk pipelines, as far as each side was looked at."""

    sums: dict[Place, dict[str, Sum]] = field(default_factory=lambda: defaultdict(dict))
    unlisted: list[str] = field(default_factory=list)  # streams that the source did not list whole
    waiting: list[OpenItem] = field(default_factory=list)  # records that were refused

    def take(self, pipeline: str, told: Iterable[Mapping[str, Any]]) -> None:
        """Add what a target told of one pipeline's tables."""
        for line in told:
            if "loaded" in line:
                sides = self.sums[Place(pipeline, line["table"], line["company"], line["currency"])]
                for side in SIDES:
                    if side in line:
                        sides[side] = Sum(line[side]["count"], Decimal(line[side]["amount"]))
            elif line.get("complete") is False:
                self.unlisted.append(line["stream"])

    def differing(self, side: str) -> list[Place]:
        """Return the places where a side that was looked at is not as the books have it."""
        return [
            place for place, sides in sorted(self.sums.items()) if side in sides and sides[side] != sides.get(BOOKS)
        ]

    @property
    def sides(self) -> list[str]:
        """The sides that were looked at, in reading order."""
        return [side for side in SIDES if any(side in sides for sides in self.sums.values())]

    def as_data(self) -> list[dict[str, Any]]:
        """Return it as JSON-ready data."""
        return [
            {
                **place._asdict(),
                **{side: {"count": sides[side].count, "amount": sides[side].amount} for side in SIDES if side in sides},
                "agrees": all(total == sides.get(BOOKS) for total in sides.values()),
            }
            for place, sides in sorted(self.sums.items())
        ]


def parted(runs: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the runs that delivered record by record, and those that loaded in bulk."""
    bulk = [run for run in runs if is_bulk(run["mapping"])]
    return [run for run in runs if run not in bulk], bulk


def read_bulk(connection: Connection, runs: Sequence[dict[str, Any]], scope: Scope) -> BulkView:
    """Return what the books say of bulk pipelines, whose newest runs these are: their tables, and what waits."""
    view = BulkView(waiting=read_ledger(connection, scope, runs).open_items if runs else [])
    for run in runs:
        for holding in holdings.newest(connection, run["pipeline"], run["target_id"]):
            for row in holding.rows:
                if scope.company in (None, row.company):
                    place = Place(run["pipeline"], holding.table, row.company, row.currency)
                    view.sums[place][BOOKS] = Sum(row.records, row.amount)
    return view
