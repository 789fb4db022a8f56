"""What a list request asks for: filters, times without a zone, pages."""

from __future__ import annotations

import operator
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ml_connector_simulators.visma.resource import Filter, Resource

Row = dict[str, Any]

# yyyy-MM-dd, with HH:mm:ss, with up to three decimals; a letter of a zone is refused (apis/visma.md §3.2).
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}:\d{2}(\.\d{1,3})?)?")
_CONDITIONS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


class BadQueryError(Exception):
    """A request Visma refuses with 400 and `{"message": …}`."""


def parse_time(name: str, text: str) -> datetime:
    """A time of a query or a row, in the server's own zone."""
    if not _TIME.fullmatch(text):
        raise BadQueryError(f"The value '{text}' is not valid for {name}.")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise BadQueryError(f"The value '{text}' is not valid for {name}.") from error


def select(resource: Resource, rows: Iterable[Row], query: Mapping[str, str]) -> list[Row]:
    """The rows all known filters let through; unknown parameters are ignored without a word (LIVE-P)."""
    wanted = criteria(resource, query)
    return [row for row in rows if all(check(row) for check in wanted)]


def criteria(resource: Resource, query: Mapping[str, str]) -> list[Callable[[Row], bool]]:
    """What a row must fulfil; nothing when the query names no known filter."""
    checks = [check for known in resource.filters if (check := _check(known, query))]
    after = query.get("greaterthanvalue")
    if after and resource.after:
        checks.append(lambda row: "".join(str(row[part]) for part in resource.after) > after)
    return checks


def _check(known: Filter, query: Mapping[str, str]) -> Callable[[Row], bool] | None:
    wanted = query.get(known.name.lower())
    condition = query.get(f"{known.name.lower()}condition")
    if known.alone and wanted is not None:
        condition = ">="
    if known.ordered:
        if wanted is None and condition is None:
            return None
        return _comparison(known, wanted, condition)
    if wanted is None:
        return None
    if known.allowed and wanted.lower() not in {value.lower() for value in known.allowed}:
        raise BadQueryError(f"The value '{wanted}' is not valid for {known.name}.")
    return lambda row: wanted.lower() in {_text(value) for value in look(row, known.field)}


def _comparison(known: Filter, wanted: str | None, condition: str | None) -> Callable[[Row], bool]:
    if wanted is None or condition is None:
        raise BadQueryError(f"{known.name} and {known.name}Condition are mutually inclusive.")
    if condition not in _CONDITIONS:
        raise BadQueryError(f"The value '{condition}' is not valid for {known.name}Condition.")
    compare = _CONDITIONS[condition]
    if known.field == "balance":
        limit = _number(known.name, wanted)
        return lambda row: compare(row[known.field], limit)
    instant = parse_time(known.name, wanted)
    return lambda row: compare(datetime.fromisoformat(row[known.field]), instant)


def _number(name: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise BadQueryError(f"The value '{text}' is not valid for {name}.") from error


def look(row: Any, path: str) -> Iterator[Any]:
    """Every value at a dotted path; `*` steps into each row of a list."""
    head, _, rest = path.partition(".")
    for value in row if head == "*" else [row.get(head)]:
        if not rest:
            yield value
        elif value is not None:
            yield from look(value, rest)


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value).lower()


def is_true(query: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """A yes-or-no parameter."""
    given = query.get(name.lower())
    return default if given is None else given.lower() == "true"


def whole(query: Mapping[str, str], name: str, default: int) -> int:
    """A whole-number parameter; nonsense is refused, less than 1 counts as not given."""
    given = query.get(name.lower())
    if given is None:
        return default
    if not re.fullmatch(r"[+-]?\d+", given):
        raise BadQueryError(f"The value '{given}' is not valid for {name}.")
    return int(given) if int(given) > 0 else default
