"""Rows as the REST API shows them: everything text, references with links, money, display values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from ml_connector_simulators.servicenow.money import FX_TABLE, REFERENCE_CURRENCY, Exchange, Money, entered
from ml_connector_simulators.servicenow.store import STAMP

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ml_connector_simulators.servicenow.schema import Column
    from ml_connector_simulators.servicenow.store import Row, Store

Display = Literal["false", "true", "all"]
SYMBOLS = {"USD": "$", "EUR": "€"}


@dataclass
class Renderer:
    """How one caller sees rows (apis/servicenow.md §2.6)."""

    store: Store
    url: str
    user: Row
    may_read: Callable[[str, str], bool]  # table, column
    display: Display = "false"
    exclude_link: bool = False
    _rows: dict[tuple[str, str], Row | None] = field(default_factory=dict)

    def row(self, table: str, row: Row, fields: Sequence[str] = ()) -> dict[str, Any]:
        """The fields asked for, all when none are named; unknown and denied ones are absent."""
        shown: dict[str, Any] = {}
        for path in fields or self.store.schema.columns(table):
            self._add(shown, path, table, row)
        return shown

    def _add(self, shown: dict[str, Any], path: str, table: str, row: Row) -> None:
        *steps, last = path.split(".")
        current: Row | None = row
        for step in steps:
            column = self.store.schema.columns(table).get(step)
            if column is None or not self.may_read(table, step):
                return
            table = FX_TABLE if column.type == "currency2" else column.reference
            if table not in self.store.schema:
                return
            current = self._row(table, current[step]) if current else None
        found = self.store.schema.columns(table).get(last)
        if found is not None and not found.secret and self.may_read(table, last):
            shown[path] = self._value(found, current[last] if current else "")

    def _value(self, column: Column, stored: str) -> Any:
        value = self._raw(column, stored)
        if self.display == "false":
            return self._reference(column, value, {"value": value}) if column.reference else value
        text = self._display(column, stored)
        if self.display == "true":
            return self._reference(column, value, {"display_value": text}, text) if column.reference else text
        both = {"display_value": text, "value": value}
        if column.type == "currency":
            both["currency_display_value"] = stored
        return {"link": self._link(column, value), **both} if self._linked(column, value) else both

    def _reference(self, column: Column, value: str, shown: dict[str, str], plain: str | None = None) -> Any:
        if self._linked(column, value):
            return {"link": self._link(column, value), **shown}
        return value if plain is None else plain

    def _linked(self, column: Column, value: str) -> bool:
        return bool(column.reference and value and not self.exclude_link)

    def _link(self, column: Column, value: str) -> str:
        return f"{self.url}/api/now/table/{column.reference}/{value}"

    def _raw(self, column: Column, stored: str) -> str:
        """A `currency` column comes converted to the caller's currency: the trap of §0.8."""
        money = entered(stored, REFERENCE_CURRENCY) if column.type == "currency" and stored else None
        return str(self._converted(money).amount) if money else stored

    def _converted(self, money: Money) -> Money:
        currency = self.user["preferred_currency"] or REFERENCE_CURRENCY
        return Money(currency, Exchange(self.store).convert(money, currency))

    def _display(self, column: Column, stored: str) -> str:
        if not stored:
            return ""
        if column.type == "currency":
            money = entered(stored, REFERENCE_CURRENCY)
            return _formatted(self._converted(money)) if money else stored
        if column.type == "currency2":
            row = self._row(FX_TABLE, stored)
            return _formatted(Money(row["currency"], Decimal(row["amount"]))) if row else stored
        if column.type == "glide_date_time":
            zone = ZoneInfo(self.user["time_zone"] or "GMT")
            return datetime.strptime(stored, STAMP).replace(tzinfo=UTC).astimezone(zone).strftime(STAMP)
        if column.reference:
            row = self._row(column.reference, stored)
            return row[self.store.schema.display_column(column.reference)] if row else ""
        return column.choices.get(stored, stored)

    def _row(self, table: str, sys_id: str) -> Row | None:
        key = (table, sys_id)
        if key not in self._rows:
            self._rows[key] = self.store.get(table, sys_id) if sys_id and table in self.store.schema else None
        return self._rows[key]


def _formatted(money: Money) -> str:
    sign = SYMBOLS.get(money.currency, f"{money.currency} ")
    return f"{sign}{money.amount:,.2f}"
