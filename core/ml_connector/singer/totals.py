"""What a run read and emitted, per stream: the tap's half of the conservation law (L8)."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STATE_KEY = "ml_connector"
VERSION = 1
CONTROL_TOTAL = "x-control-total"
"""The key in a stream's SCHEMA that names the fields its sums are made of."""


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

    def emit(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Count records that were emitted."""
        for record in records:
            self.emitted += 1
            if self.amount and self.currency and isinstance(value := record.get(self.amount), int | Decimal):
                self.sums[str(record.get(self.currency) or "")] += value

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
