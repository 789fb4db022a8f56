"""What a run read and emitted, per stream: the tap's half of the conservation law (L8)."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STATE_KEY = "ml_connector"
VERSION = 1
CONTROL_TOTAL = "x-control-total"
"""The key in a stream's SCHEMA that names the fields its sums are made of."""

WHOLE_RECORDS = "x-whole-records"
"""The key in a stream's SCHEMA that says: what a record does not have is empty in the source, not left out."""


def amount_of(record: Mapping[str, Any], field: str) -> Decimal | int:
    """Return what a record adds to its control total."""
    amount = record.get(field)
    return amount if isinstance(amount, Decimal | int) else 0


def currency_of(record: Mapping[str, Any], path: str) -> str:
    """Return the currency a record's amount belongs to; `currency.id` looks inside an object."""
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return str(value or "")


@dataclass(slots=True)
class Totals:
    """Counts of one stream, and the sums of its amount field by its currency field."""

    amount: str | None = None
    currency: str | None = None
    fetched: int = 0
    emitted: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    sums: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    complete: bool = False

    def emit(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Count records that were emitted."""
        self.emitted += len(records)
        if self.amount and self.currency:
            for record in records:
                self.sums[currency_of(record, self.currency)] += amount_of(record, self.amount)

    def as_state(self) -> dict[str, Any]:
        """Return the totals as STATE carries them: every number as text, since a float would lose money."""
        return {
            "fetched": str(self.fetched),
            "emitted": str(self.emitted),
            "dropped": {rule: str(number) for rule, number in self.dropped.items()},
            "sums": {currency: format(total, "f") for currency, total in sorted(self.sums.items())},
            "amount": self.amount,
            "currency": self.currency,
            "complete": self.complete,
        }
