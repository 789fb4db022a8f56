"""Plain values → ServiceNow's text, and what a row must not hold (apis/servicenow.md §0 fact 4, §3.3)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.sink import Problem
from ml_connector.vendors.servicenow.reader import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.vendors.servicenow.dictionary import Column

MAX_ROW_BYTES = 8126  # of a staging row (Z r_MaximumRowSize.md)
CLEAR = "NULL"  # the literal that empties a target field (Z t_CreateATransformMap.md)
SHOWN = 60  # characters of a value that a message repeats


class EmptyValues(StrEnum):
    """What an empty value does to a field of a row that exists."""

    KEEP = "keep"
    CLEAR = "clear"


class Unfit(ValueError):
    """The value has no text form that ServiceNow would read back as the same value."""


def text(value: object) -> str:
    """Return a value as ServiceNow reads it: every value is sent as a string. Raises Unfit."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() | int():
            return str(value)
        case Decimal() if value.is_finite():
            return format(value or value.copy_abs(), "f")  # never -0.00
        case datetime():
            return _utc(value)
        case date():
            return value.isoformat()
        case _:
            raise Unfit(f"a {type(value).__name__} cannot be sent")


def same(sent: str, stored: str, column: Column) -> bool:
    """Say whether a stored text is the sent value; only numbers and booleans may be written in another way."""
    sent, stored = sent.strip(), stored.strip()
    if sent == stored or column.is_text:
        return sent == stored
    if {sent, stored} in ({"true", "1"}, {"false", "0"}):
        return True
    try:
        return Decimal(sent) == Decimal(stored)
    except ArithmeticError:
        return False


def row_problem(
    key: Mapping[str, Any], payload: Mapping[str, Any], columns: Mapping[str, Column], *, staging: bool
) -> Problem | None:
    """Return the first reason why this row must not be sent, or None."""
    for name, value in {**key, **payload}.items():
        try:
            sent = text(value)
        except Unfit as unfit:
            return Problem(
                "not_representable", f"{name}: {unfit}", name, suggestion="Map a plain value to this column."
            )
        problem = _key_problem(name, sent) if name in key else None
        problem = (
            problem or (_null_problem(name, sent) if staging else None) or _length_problem(columns[name], name, sent)
        )
        if problem:
            return problem
    return _size_problem(payload) if staging else None


def _utc(value: datetime) -> str:
    if value.tzinfo is None:
        raise Unfit("a date and time without a time zone cannot be sent")
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _key_problem(name: str, sent: str) -> Problem | None:
    if not sent.strip():
        return Problem(
            "empty_key",
            f"{name} is part of the key and is empty: the row would be skipped, or doubled at every run",
            name,
            suggestion="Fill it in the source, or map another value to it.",
        )
    if sent.strip().lower().startswith(SCRIPT):
        return Problem("not_representable", f"{name} starts with {SCRIPT!r}, which ServiceNow would run", name)
    return None


def _null_problem(name: str, sent: str) -> Problem | None:
    if sent.strip() != CLEAR:
        return None
    return Problem(
        "null_literal",
        f"{name} is the word {CLEAR}, which an import set takes as 'empty this field'",
        name,
        CLEAR,
        "Change the text in the source, or map this column to something else.",
    )


def _length_problem(column: Column, name: str, sent: str) -> Problem | None:
    limit = column.text_limit
    if limit is None or len(sent) <= limit:
        return None
    return Problem(
        "too_long",
        f"{name} has {len(sent)} characters, {column.element} takes {limit}: the rest would be cut off silently",
        name,
        sent[:SHOWN],
        f"Shorten it in the source, map text({name})[:{limit}], or have the column made longer.",
    )


def _size_problem(payload: Mapping[str, Any]) -> Problem | None:
    size = sum(len(text(value).encode()) for value in payload.values())
    if size <= MAX_ROW_BYTES:
        return None
    return Problem(
        "row_too_large",
        f"the row has {size:,} bytes, a staging row takes {MAX_ROW_BYTES:,}",
        suggestion="Map fewer or shorter columns.",
    )
