"""An encoded query turned into SQL: dot-walks become joins, denied or unknown columns follow the policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_connector_simulators.servicenow.access import Operation
    from ml_connector_simulators.servicenow.query import EncodedQuery, Term
    from ml_connector_simulators.servicenow.schema import Column, Schema

FX_TABLE = "fx_currency2_instance"
CONSTANTS = {"ANYTHING": "1", "ISEMPTY": "{} = ''", "EMPTYSTRING": "{} = ''", "ISNOTEMPTY": "{} <> ''"}
PATTERNS = {
    "STARTSWITH": "{}%",
    "ENDSWITH": "%{}",
    "LIKE": "%{}%",
    "CONTAINS": "%{}%",
    "NOT LIKE": "%{}%",
    "DOES NOT CONTAIN": "%{}%",
}


class DeniedColumnError(Exception):
    """The query names a column that does not exist or may not be read, and the instance forbids that."""


class Place(NamedTuple):
    """A column as SQL names it."""

    sql: str
    table: str
    column: Column


@dataclass
class Selection:
    """One statement over `table`, built up from an encoded query."""

    schema: Schema
    table: str
    may_query: Callable[[str, str, Operation], bool]
    unknown: Literal["drop", "no_rows", "forbid"]
    values: list[str | float] = field(default_factory=list)
    _joins: dict[str, str] = field(default_factory=dict)

    def where(self, query: EncodedQuery) -> str:
        """The condition; a term that is dropped leaves no trace, so the result gets wider."""
        if query.invalid and self.unknown == "forbid":
            raise DeniedColumnError(query.invalid[0])
        if query.invalid and self.unknown == "no_rows":
            return "0"
        branches = [self._branch(groups) for groups in query.branches]
        return " OR ".join(branches)

    def order(self, query: EncodedQuery) -> list[str]:
        """The ORDER BY terms."""
        terms = []
        for path, descending in query.order:
            place = self._queried(path, "query_range")
            if place is not None:
                key = f"CAST({place.sql} AS NUMERIC)" if place.column.numeric else place.sql
                terms.append(f"{key} DESC" if descending else key)
        return terms

    def place(self, path: str) -> Place | None:
        """A dot-walked path as SQL, joining what it crosses; None when it leads nowhere."""
        *steps, last = path.split(".")
        table, alias = self.table, "t"
        for step in steps:
            column = self.schema.columns(table).get(step)
            table = FX_TABLE if column and column.type == "currency2" else column.reference if column else ""
            if table not in self.schema:
                return None
            alias = self._join(alias, step, table)
        found = self.schema.columns(table).get(last)
        if found is None:
            return None
        sql = f'{alias}."{last}"'
        return Place(sql if alias == "t" else f"COALESCE({sql}, '') COLLATE NOCASE", table, found)

    def source(self) -> str:
        """The FROM clause; call it last, when all paths are known."""
        return f'"{self.table}" AS t {" ".join(self._joins.values())}'

    def _join(self, alias: str, step: str, table: str) -> str:
        joined = f"{alias}_{step}"
        self._joins[joined] = f'LEFT JOIN "{table}" AS {joined} ON {joined}.sys_id = {alias}."{step}"'
        return joined

    def _branch(self, groups: list[list[Term]]) -> str:
        parts = [part for group in groups if (part := self._group(group))]
        return f"({' AND '.join(parts)})" if parts else "1"

    def _group(self, group: list[Term]) -> str:
        parts = [part for term in group if (part := self._term(term))]
        return f"({' OR '.join(parts)})" if parts else ""

    def _queried(self, path: str, operation: Operation) -> Place | None:
        place = self.place(path)
        if place is not None and self.may_query(place.table, place.column.element, operation):
            return place
        if self.unknown == "forbid":
            raise DeniedColumnError(path)
        return None

    def _term(self, term: Term) -> str:
        place = self._queried(term.column, "query_range" if term.is_range else "query_match")
        if place is None:
            return "0" if self.unknown == "no_rows" else ""
        if place.column.type == "currency2" and term.is_range:
            # Filters compare the reference currency, not what the user sees (apis/servicenow.md §2.6).
            place = self.place(f"{term.column}.reference_amount") or place
        return self._comparison(place, term)

    def _comparison(self, place: Place, term: Term) -> str:
        if term.operator in CONSTANTS:
            return CONSTANTS[term.operator].format(place.sql)
        if term.operator in PATTERNS:
            return self._like(place, term)
        match term.operator:
            case "IN" | "NOT IN":
                return self._member(place, term)
            case "BETWEEN":
                low, _, high = term.value.partition("@")
                return f"({self._compare(place, '>=', low)} AND {self._compare(place, '<=', high)})"
            case "SAMEAS" | "NSAMEAS":
                other = self._queried(term.value, "query_match")
                return f"{place.sql} {'=' if term.operator == 'SAMEAS' else '<>'} {other.sql}" if other else ""
        return self._compare(place, term.operator.replace("!=", "<>"), term.value)

    def _member(self, place: Place, term: Term) -> str:
        members = term.value.split(",")
        self.values.extend(members)
        return f"{place.sql} {term.operator} ({', '.join('?' * len(members))})"

    def _like(self, place: Place, term: Term) -> str:
        escaped = term.value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        self.values.append(PATTERNS[term.operator].format(escaped))
        negation = "NOT " if term.operator in {"NOT LIKE", "DOES NOT CONTAIN"} else ""
        return f"{place.sql} {negation}LIKE ? ESCAPE '\\'"

    def _compare(self, place: Place, operator: str, value: str) -> str:
        number = _number(value) if place.column.numeric else None
        if number is None:
            self.values.append(value)
            return f"{place.sql} {operator} ?"
        self.values.append(number)
        return f"({place.sql} <> '' AND CAST({place.sql} AS NUMERIC) {operator} ?)"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
