"""The encoded query language, as far as it is written here (apis/servicenow.md §2.1 to §2.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigError

from tap_servicenow.shape import STAMP, SYS_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

_TERM = re.compile(
    r"([a-z0-9_]+(?:\.[a-z0-9_]+)*)"
    r"(?:IS|=|!|<|>|IN|NOT|LIKE|STARTS|ENDS|BETWEEN|SAMEAS|NSAMEAS|CONTAINS|DOES|ANY|EMPTY|ON|DATEPART|RELATIVE|MORE|LESS"
    r"|DYNAMIC|VALCHANGES|CHANGES|GT_FIELD|LT_FIELD|GT_OR|LT_OR)"
)
_RANGE = re.compile(r"([a-z0-9_]+(?:\.[a-z0-9_]+)*)(?:[<>]=?|BETWEEN)([^@]*)")
_ALTERNATIVES = re.compile(r"(?<!\^)\^NQ")
_STORED = "%Y-%m-%d %H:%M:%S"


def stored(since: str) -> str:
    """Return an ISO moment as queries and rows write it: UTC, to the second."""
    when = datetime.fromisoformat(since)
    return (when.astimezone(UTC) if when.tzinfo else when).strftime(_STORED)


def joined(terms: str, rule: str, order: str) -> str:
    """Return a query of our terms and a person's, with an order.

    `^NQ` begins another query, so that our terms are repeated in each; `A^ORB^C` is (A or B) and C.
    """
    return "^".join(filter(None, (both(terms, rule), order)))


def both(one: str, other: str) -> str:
    """Return the query for what matches two queries: each alternative of one with each of the other."""
    pairs = ((left, right) for left in _ALTERNATIVES.split(one) for right in _ALTERNATIVES.split(other))
    return "^NQ".join("^".join(filter(None, pair)) for pair in pairs)


def columns_of(rule: str) -> Iterator[str]:
    """Yield the columns, maybe dot-walked, that a person's query compares.

    Raises:
        ConfigError: A part names none, or the query orders: the tap's own order decides what is read.
    """
    for part, term in _terms(rule):
        if part.startswith(("ORDERBY", "GROUPBY")):
            raise ConfigError(f"the query {rule!r} has an order: leave it out")
        if term in ("", "EQ"):
            continue
        match = _TERM.match(term)
        if match is None:
            raise ConfigError(f"the query {rule!r} has a part that compares no column: {term!r}")
        yield match[1]


def ranges_of(rule: str) -> Iterator[tuple[str, str]]:
    """Yield the columns that a person's query compares by size, each with a value that it is compared with."""
    yield from ((match[1], match[2]) for _, term in _terms(rule) if (match := _RANGE.match(term)))


def _terms(rule: str) -> Iterator[tuple[str, str]]:
    """Yield each part of a query, and the comparison in it."""
    for part in rule.replace("^^", "").split("^"):
        yield part, part.removeprefix("NQ").removeprefix("OR")


def at_or_after(bound: str) -> str:
    """Return the term for rows changed at this second or later; a row without a stamp sorts first."""
    return f"{STAMP}>={bound}" if bound else ""


def after(bound: str) -> str:
    """Return the term for rows changed later than this second."""
    return f"{STAMP}>{bound}" if bound else f"{STAMP}ISNOTEMPTY"


def within(second: str, sys_id: str) -> str:
    """Return the terms for the rest of the rows changed within one second."""
    same = f"{STAMP}={second}" if second else f"{STAMP}ISEMPTY"
    return f"{same}^{SYS_ID}>{sys_id}"


def one_of(column: str, values: list[str]) -> str:
    """Return the term for one of some sys_ids."""
    return f"{column}={values[0]}" if len(values) == 1 else f"{column}IN{','.join(values)}"
