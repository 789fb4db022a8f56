"""Amounts with a currency: `currency2` instances and the older `currency` columns (apis/servicenow.md §2.6)."""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ml_connector_simulators.servicenow.store import Store

FX_TABLE = "fx_currency2_instance"
REFERENCE_CURRENCY = "USD"
CENT = Decimal("0.01")
EXACT_ENOUGH = Context(prec=60)  # an amount may have more digits than a Context has by default


class Money(NamedTuple):
    """An amount as it was entered."""

    currency: str
    amount: Decimal

    def __str__(self) -> str:
        return f"{self.currency};{self.amount}"


def entered(text: str, currency: str) -> Money | None:
    """What a person of an English locale meant by `EUR;1234.56`, or by a bare number in `currency`.

    A comma groups thousands there: `1234,56` is one hundred and twenty-three thousand (§3.3). None: no number.
    """
    code, separator, number = text.rpartition(";")
    try:
        amount = Decimal(number.replace(",", "").strip())
    except InvalidOperation:
        return None
    return Money(code.strip().upper() if separator else currency, amount) if amount.is_finite() else None


class Exchange:
    """Conversions at the instance's rates."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def convert(self, money: Money, currency: str) -> Decimal:
        """The amount in another currency, to the cent."""
        if money.currency == currency:
            return money.amount
        worth = EXACT_ENOUGH.multiply(money.amount, self._rate(money.currency))
        return EXACT_ENOUGH.divide(worth, self._rate(currency)).quantize(CENT, context=EXACT_ENOUGH)

    def _rate(self, currency: str) -> Decimal:
        """What one unit is worth in the reference currency; an unknown currency counts one to one."""
        found = self._store.find("fx_rate", currency=currency)
        return Decimal(found[0]["rate"]) if found else Decimal(1)

    def keep(self, table: str, column: str, row_id: str, money: Money, instance: str) -> str:
        """Write the instance row of a `currency2` column and give its sys_id; one that exists is changed in place."""
        values = {
            "table": table,
            "field": column,
            "id": row_id,
            "amount": str(money.amount),
            "currency": money.currency,
            "reference_amount": str(self.convert(money, REFERENCE_CURRENCY)),
            "reference_currency": REFERENCE_CURRENCY,
        }
        if instance and self._store.get(FX_TABLE, instance):
            self._store.update(FX_TABLE, instance, values)
            return instance
        return self._store.insert(FX_TABLE, values)["sys_id"]

    def read(self, instance: str) -> Money | None:
        """The amount a `currency2` column points to."""
        row = self._store.get(FX_TABLE, instance) if instance else None
        return Money(row["currency"], Decimal(row["amount"])) if row else None
