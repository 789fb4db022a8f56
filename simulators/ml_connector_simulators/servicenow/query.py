"""The encoded query language: a `sysparm_query` read into terms (apis/servicenow.md §2.1, §2.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

OPERATORS = (
    *("ISNOTEMPTY", "ISEMPTY", "ANYTHING", "EMPTYSTRING", "STARTSWITH", "ENDSWITH", "DOES NOT CONTAIN", "CONTAINS"),
    *("NOT LIKE", "LIKE", "NOT IN", "IN", "BETWEEN", "NSAMEAS", "SAMEAS", "!=", ">=", "<=", "=", ">", "<"),
)
_TERM = re.compile(rf"([a-z][a-z0-9_.]*)({'|'.join(map(re.escape, OPERATORS))})(.*)", re.DOTALL)
_UNSUPPORTED = re.compile(r"javascript:|RLQUERY|JOIN|123TEXTQUERY321|.*?(RELATIVE|DATEPART|MORETHAN|LESSTHAN|DYNAMIC)")


class NotSimulatedError(Exception):
    """A part of the query language this simulator does not know; silence would give wrong results."""


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison; `column` may be dot-walked."""

    column: str
    operator: str
    value: str = ""

    @property
    def is_range(self) -> bool:
        """Whether a `query_range` access rule is about it."""
        return self.operator in {">", ">=", "<", "<=", "BETWEEN"}


@dataclass(slots=True)
class EncodedQuery:
    """Branches joined by `^NQ`, of groups joined by `^`, of terms joined by `^OR`; and the order."""

    branches: list[list[list[Term]]] = field(default_factory=lambda: [[]])
    order: list[tuple[str, bool]] = field(default_factory=list)  # column, descending
    invalid: list[str] = field(default_factory=list)


def parse(text: str) -> EncodedQuery:
    """Read an encoded query; what is no term at all is kept as `invalid`. `A^ORB^C` is (A or B) and C."""
    query = EncodedQuery()
    for part in _split(text):
        if part.startswith("ORDERBY"):
            _order(query, part.removeprefix("ORDERBY"))
        elif part not in {"", "EQ"}:
            _condition(query, part)
    return query


def _split(text: str) -> list[str]:
    """Cut at `^`; a doubled one is a literal `^`."""
    return [part.replace("\0", "^") for part in text.replace("^^", "\0").split("^")]


def _order(query: EncodedQuery, column: str) -> None:
    query.order.append((column.removeprefix("DESC"), column.startswith("DESC")))


def _condition(query: EncodedQuery, part: str) -> None:
    if part.startswith("NQ"):
        query.branches.append([])
        part = part.removeprefix("NQ")
    alternative = part.startswith("OR")
    part = part.removeprefix("OR")
    match = _TERM.fullmatch(part)
    if match is None:
        if _UNSUPPORTED.match(part):
            raise NotSimulatedError(part)
        query.invalid.append(part)
        return
    if match[3].startswith("javascript:"):
        raise NotSimulatedError(part)
    groups = query.branches[-1]
    if alternative and groups:
        groups[-1].append(Term(*match.groups()))
    else:
        groups.append([Term(*match.groups())])
