"""Writing values into rows the way the platform does: by type, cut at max_length, money as instances."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ml_connector_simulators.servicenow.money import Exchange, Money, entered
from ml_connector_simulators.servicenow.store import STAMP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector_simulators.servicenow.schema import Column
    from ml_connector_simulators.servicenow.store import Row, Store

Value = str | Money


def text_of(value: Any) -> str:
    """The text a JSON value is stored as; a nested object loses its `:` to `=` (apis/servicenow.md §0.4)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str).replace('"', "").replace(": ", "=")
    return str(value)


class Records:
    """Insert and change rows of any table from texts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.exchange = Exchange(store)

    def typed(self, table: str, values: Mapping[str, str], currency: str) -> dict[str, Value]:
        """The values as the table's columns hold them; unknown columns are left out."""
        columns = self._store.schema.columns(table)
        return {name: _typed(columns[name], text, currency) for name, text in values.items() if name in columns}

    def changed(self, table: str, row: Row, values: Mapping[str, Value]) -> dict[str, Value]:
        """Those of the values that differ from the row's."""
        return {name: value for name, value in values.items() if value != self._held(table, row, name)}

    def insert(self, table: str, values: Mapping[str, Value], user: str) -> Row:
        """Add a row."""
        sys_id = str(values.get("sys_id") or uuid4().hex)
        return self._store.insert(table, {**self._texts(table, sys_id, {}, values), "sys_id": sys_id}, user)

    def update(self, table: str, row: Row, values: Mapping[str, Value], user: str) -> None:
        """Change a row; one without a real change keeps its stamps."""
        changes = self.changed(table, row, values)
        if changes:
            self._store.update(table, row["sys_id"], self._texts(table, row["sys_id"], row, changes), user)

    def _held(self, table: str, row: Row, name: str) -> Value | None:
        held = row.get(name)
        if held and self._store.schema.columns(table)[name].type == "currency2":
            return self.exchange.read(held)
        return held

    def _texts(self, table: str, sys_id: str, row: Row, values: Mapping[str, Value]) -> dict[str, str]:
        columns = self._store.schema.columns(table)
        return {
            name: self.exchange.keep(table, name, sys_id, value, row.get(name, ""))
            if isinstance(value, Money) and columns[name].type == "currency2"
            else str(value)
            for name, value in values.items()
        }


def _typed(column: Column, text: str, currency: str) -> Value:
    if not text:
        return ""
    if column.type in {"currency", "currency2"}:
        return entered(text, currency) or ""
    convert = _CONVERTERS.get(column.type)
    return convert(text) if convert else text[: column.max_length]


def _integer(text: str) -> str:
    number = _decimal(text)
    return "" if number is None else str(int(number))


def _fraction(places: int) -> Callable[[str], str]:
    def convert(text: str) -> str:
        number = _decimal(text)
        if number is None:
            return ""
        exponent = number.as_tuple().exponent
        too_long = isinstance(exponent, int) and -exponent > places
        return format(round(number, places) if too_long else number, "f")

    return convert


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None


def _boolean(text: str) -> str:
    return str(text.lower() in {"true", "1", "yes"}).lower()


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return ""


def _stamp(text: str) -> str:
    try:
        return datetime.strptime(text, STAMP).strftime(STAMP)  # noqa: DTZ007  stored values are UTC without saying so
    except ValueError:
        return ""


_CONVERTERS: Mapping[str, Callable[[str], str]] = {
    "integer": _integer,
    "longint": _integer,
    "decimal": _fraction(2),  # decimal (15,2), float (scale 7): apis/servicenow.md §2.7
    "float": _fraction(7),
    "boolean": _boolean,
    "glide_date": _date,
    "glide_date_time": _stamp,
}
