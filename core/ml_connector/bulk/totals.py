"""What arrived, told by the batch: counts and sums per stream and currency that somebody else has worked out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.delivery.tap_totals import PipeTotals

if TYPE_CHECKING:
    from decimal import Decimal


class BulkTotals(PipeTotals):
    """Takes counts and sums of many records at once."""

    def fields(self, stream: str) -> tuple[str | None, str | None]:
        """Return the fields a stream's control total is made of: its amount, and the path of its currency."""
        received = self._received[stream]
        return received.amount, received.currency

    def count(self, stream: str, number: int) -> None:
        """Count received records of a stream whose SCHEMA has come."""
        self._received[stream].count += number

    def sum(self, stream: str, currency: str, amount: Decimal) -> None:
        """Add to the control total of a stream; records without a currency have the empty one."""
        self._received[stream].sums[currency] += amount
