"""The totals of the finance views beside those that the source's own books add up to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Measure(NamedTuple):
    """An amount of a view, and what the source's books call it."""

    view: str
    amount: str
    company: str
    currency: str
    what: str


MEASURES = (
    Measure("VISMA_SPEND", "amount", "company", "currency", "spend"),
    Measure("VISMA_OPEN_AP", "open_amount", "company", "currency", "open_payables"),
    Measure("VISMA_GL_BALANCES", "debit", "company", "currency", "ledger_debit"),
    Measure("VISMA_GL_BALANCES", "credit", "company", "currency", "ledger_credit"),
    Measure("VISMA_POSSIBLE_DUPLICATES", "amount", "company", "currency", "booked_twice"),
    Measure("VISMA_INTERCOMPANY", "seller_amount", "seller", "seller_currency", "sold_in_group"),
    Measure("VISMA_INTERCOMPANY", "buyer_amount", "buyer", "buyer_currency", "bought_in_group"),
)


@dataclass(frozen=True, slots=True)
class Total:
    """One total, on both sides; None: one of them knows of none."""

    view: str
    amount: str
    company: str
    currency: str
    target: Decimal | None
    source: Decimal | None

    @property
    def equal(self) -> bool:
        """Whether they are the same."""
        return self.target == self.source

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {**asdict(self), "equal": self.equal}


def compared(rows: Iterable[dict[str, Any]], books: Iterable[dict[str, Any]]) -> list[Total]:
    """Return the totals of views' rows, each beside that of the books."""
    target, source = _of_views(rows), _of_books(books)
    return [
        Total(measure.view, measure.amount, *place, target.get((measure, *place)), source.get((measure, *place)))
        for measure in MEASURES
        for place in sorted({key[1:] for key in (*target, *source) if key[0] == measure})
    ]


_Sums = dict[tuple[Measure, str, str], Decimal]


def _of_views(rows: Iterable[dict[str, Any]]) -> _Sums:
    """Add up; a row without the amount, as of what a buyer has not booked, counts for nothing."""
    sums: _Sums = defaultdict(Decimal)
    for line in rows:
        row = line["row"]
        for measure in (each for each in MEASURES if each.view == line["view"]):
            if row[measure.amount] is not None:
                sums[measure, row[measure.company], row[measure.currency]] += Decimal(row[measure.amount])
    return dict(sums)


def _of_books(books: Iterable[dict[str, Any]]) -> _Sums:
    known = {measure.what: measure for measure in MEASURES}
    return {(known[each["what"]], each["company"], each["currency"]): Decimal(each["amount"]) for each in books}
