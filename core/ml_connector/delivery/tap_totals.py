"""Whether everything the tap says it emitted has arrived: its totals travel in STATE (L8)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ml_connector.singer.totals import CONTROL_TOTAL, STATE_KEY, amount_of, currency_of


@dataclass(slots=True)
class _Received:
    amount: str | None = None
    currency: str | None = None
    count: int = 0
    sums: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


class PipeTotals:
    """Counts and sums per stream that arrived, and what the tap's newest STATE said they should be."""

    def __init__(self) -> None:
        self._received: dict[str, _Received] = {}
        self._told: dict[str, dict[str, Any]] = {}

    def stream(self, name: str, schema: dict[str, Any]) -> None:
        """Take note of a stream and of the fields its control total is made of."""
        fields = schema.get(CONTROL_TOTAL) or {}
        received = self._received.setdefault(name, _Received())
        received.amount, received.currency = fields.get("amount"), fields.get("currency")

    def told(self, state: Any) -> None:
        """Keep what a STATE message says of the streams."""
        ours = state.get(STATE_KEY) if isinstance(state, dict) else None
        streams = ours.get("streams") if isinstance(ours, dict) else None
        if isinstance(streams, dict):
            self._told = streams

    @property
    def proven(self) -> bool:
        """Whether the tap told totals at all; another vendor's tap does not."""
        return bool(self._told)

    def complete(self, stream: str) -> bool | None:
        """Return whether the tap says that it read a stream to its end; None when it tells no totals."""
        return bool(self._told.get(stream, {}).get("complete")) if self.proven else None

    def unfinished(self) -> list[str]:
        """Return, in words, every stream that the tap did not read to its end."""
        ends = sorted(name for name, told in self._told.items() if not told.get("complete"))
        return [f"{name}: the tap did not finish reading it" for name in ends]

    def differences(self) -> list[str]:
        """Return, in words, every stream whose totals differ between the two ends of the pipe."""
        return [words for name, told in sorted(self._told.items()) for words in self._compare(name, told)]

    def _compare(self, name: str, told: dict[str, Any]) -> list[str]:
        received = self._received.get(name, _Received())
        words = []
        emitted, dropped = int(told.get("emitted", 0)), sum(map(int, (told.get("dropped") or {}).values()))
        # A stream that was cut off may have read a page that it did not come to emit.
        if told.get("complete") and int(told.get("fetched", 0)) != emitted + dropped:
            words.append(f"{name}: the tap read {told['fetched']}, emitted {emitted} and dropped {dropped}")
        if emitted != received.count:
            words.append(f"{name}: the tap emitted {emitted} records, {received.count} arrived")
        sums = (
            {currency: Decimal(text) for currency, text in (told.get("sums") or {}).items()} if received.amount else {}
        )
        return words + [
            f"{name}: the tap emitted {sums.get(currency, 0)} {currency}, {received.sums.get(currency, 0)} arrived"
            for currency in sorted(sums.keys() | received.sums.keys())
            if sums.get(currency, Decimal(0)) != received.sums.get(currency, Decimal(0))
        ]


class TapTotals(PipeTotals):
    """Counts records one by one, as they arrive."""

    def count(self, stream: str, record: dict[str, Any]) -> None:
        """Count one received record."""
        received = self._received[stream]
        received.count += 1
        if received.amount and received.currency:
            received.sums[currency_of(record, received.currency)] += amount_of(record, received.amount)
