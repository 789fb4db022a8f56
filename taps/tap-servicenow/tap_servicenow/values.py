"""ServiceNow's texts → values: exact numbers, moments with their zone, null for empty (apis/servicenow.md §2.6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.vendors.servicenow.dictionary import Column

Convert = Callable[[str], Any]
"""Turns a text that is not empty into a value; raises ValueError when it is no such value."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d").fullmatch
_CURRENCY = re.compile(r"[A-Z]{3}")
_BOOLEANS = MappingProxyType({"true": True, "1": True, "false": False, "0": False})


class Part(StrEnum):
    """Which of the texts of a field is meant; where display values are not asked for, there is only the value."""

    VALUE = "value"
    DISPLAY = "display_value"
    MONEY = "currency_display_value"


class Money(StrEnum):
    """How a column keeps money."""

    NONE = ""
    INSTANCE = "instance"  # currency2: a reference to the amount and currency as entered
    TEXT = "text"  # currency, price: `USD;509.95` among the display values only; the plain value is converted


def text_of(entry: Any, part: Part) -> str:
    """Return one text of a field, '' when it has none; a reference may come as an object in any mode."""
    if entry.__class__ is str:
        return str(entry) if part is Part.VALUE else ""
    if entry.__class__ is dict:
        return str(entry.get(part) or "")
    return str(entry or "") if part is Part.VALUE else ""


def _integer(text: str) -> int:
    return int(text)


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if not number.is_finite():
        raise ValueError(text)
    return number


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text]
    except KeyError:
        raise ValueError(text) from None


def _date(text: str) -> str:
    if not _DATE.match(text):
        raise ValueError(text)
    return text[:10]


def moment(text: str) -> str:
    """Return a stored date and time, which is UTC without saying so, as ISO 8601."""
    if not _MOMENT(text):
        raise ValueError(text)
    return f"{text[:10]}T{text[11:]}Z"


def _amount(text: str) -> Decimal | None:
    number = text.rpartition(";")[2]
    return _number(number) if number else None


def _entered_in(text: str) -> str:
    return _currency(text.partition(";")[0])


def _currency(text: str) -> str:
    if not _CURRENCY.fullmatch(text):
        raise ValueError(text)
    return text


CONVERT: Mapping[str, Convert] = MappingProxyType(
    {
        "integer": _integer,
        "number": _number,
        "boolean": _boolean,
        "date": _date,
        "date-time": moment,
        "amount": _amount,
        "entered_in": _entered_in,
        "currency": _currency,
    }
)
"""By what a field is: a type of the schema, or a part of money. Texts need none."""

SCHEMA_TYPE = MappingProxyType({"amount": "number", "entered_in": "string", "currency": "string"})

_KINDS = MappingProxyType(
    {
        "integer": "integer",
        "longint": "integer",
        "auto_increment": "integer",
        "order_index": "integer",
        "decimal": "number",
        "float": "number",
        "percent_complete": "number",
        "boolean": "boolean",
        "glide_date": "date",
        "date": "date",
        "glide_date_time": "date-time",
        "due_date": "date-time",
        "datetime": "date-time",
    }
)
_MONEY = MappingProxyType({"currency2": Money.INSTANCE, "currency": Money.TEXT, "price": Money.TEXT})
_WITHHELD = re.compile(r"password2?|.*encrypted.*")
_JOURNALS = frozenset({"journal", "journal_input", "journal_list"})
_CODES = frozenset({"choice", "reference", "glide_list", "document_id", "sys_class_name", "domain_id"})


def kind_of(column: Column) -> str:
    """Return a column's type in the schema; types not listed are texts."""
    return _KINDS.get(column.type, "string")


def money_of(column: Column) -> Money:
    """Return how a column keeps money, if it does."""
    return _MONEY.get(column.type, Money.NONE)


def is_listed(column: Column) -> bool:
    """Say whether a list read has the column: never secrets, and of journals only blanks, which would be believed."""
    return not _WITHHELD.fullmatch(column.type) and column.type not in _JOURNALS


def is_code(column: Column) -> bool:
    """Say whether people see another text than the value."""
    return column.choice or column.type in _CODES
