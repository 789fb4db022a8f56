"""Reading `$filter`: the part of OData 3 the contract API takes (apis/acumatica.md §3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ml_connector_simulators.acumatica.errors import bad_query

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN = re.compile(
    r"\s*(?:(?P<typed>(?:datetimeoffset|datetime|date|guid)'(?:[^']|'')*')|(?P<text>'(?:[^']|'')*')"
    r"|(?P<number>-?\d+(?:\.\d+)?[MmDdFfLl]?)(?![\w/])|(?P<cf>cf\.\w+\(f='[^']+'\))|(?P<word>[A-Za-z_][\w/]*)"
    r"|(?P<mark>[(),]))",
)
_COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
_FUNCTIONS = frozenset({"substringof", "startswith", "endswith"})


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it was written; `kind` is its Edm type."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Compare:
    """`field op literal`; a function's op is its name."""

    field: str
    op: str
    literal: Literal


@dataclass(frozen=True, slots=True)
class Join:
    """Several conditions together: `and`, or `or`."""

    op: str
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary of a condition."""

    part: Condition


Condition = Compare | Join | Not


def parse(text: str) -> Condition:
    """The condition a `$filter` states."""
    reader = _Reader(_tokens(text))
    condition = reader.any_of()
    if reader.kind:
        raise bad_query(f"Syntax error in $filter at '{reader.text}'.")
    return condition


def comparisons(condition: Condition) -> list[Compare]:
    """Every comparison in a condition."""
    match condition:
        case Join(_, parts):
            return [found for part in parts for found in comparisons(part)]
        case Not(part):
            return comparisons(part)
        case Compare():
            return [condition]


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place = 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise bad_query(f"Syntax error at position {place} in '{text}'.")
        found.append((match.lastgroup or "", match.group(match.lastgroup or 0)))
        place = match.end()
    return found


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._place = 0

    @property
    def kind(self) -> str:
        return self._tokens[self._place][0] if self._place < len(self._tokens) else ""

    @property
    def text(self) -> str:
        return self._tokens[self._place][1] if self._place < len(self._tokens) else ""

    def any_of(self) -> Condition:
        return self._joined("or", self._all_of)

    def _all_of(self) -> Condition:
        return self._joined("and", self._one)

    def _joined(self, op: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self.kind == "word" and self.text == op:
            self._next()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Join(op, tuple(parts))

    def _one(self) -> Condition:
        if self.text == "(":
            self._next()
            inner = self.any_of()
            self._expect(")")
            return inner
        if self.text == "not":
            self._next()
            return Not(self._one())
        return self._function() if self.text in _FUNCTIONS else self._comparison()

    def _comparison(self) -> Condition:
        field = self._field()
        op = self._next()
        if op not in _COMPARISONS:
            raise bad_query(f"'{op}' is no comparison.")
        return Compare(field, op, self._literal())

    def _function(self) -> Condition:
        name = self._next()
        self._expect("(")
        if name == "substringof":  # OData 3 writes the part first
            literal, field = self._literal(), self._after_comma(self._field)
        else:
            field, literal = self._field(), self._after_comma(self._literal)
        self._expect(")")
        found = Compare(field, name, literal)
        if self.text != "eq":
            return found
        self._next()
        return found if self._literal().value is True else Not(found)

    def _after_comma(self, part: Callable[[], Any]) -> Any:
        self._expect(",")
        return part()

    def _field(self) -> str:
        if self.kind not in ("word", "cf"):
            raise bad_query(f"A field is wanted, not '{self.text}'.")
        return self._next()

    def _literal(self) -> Literal:
        kind, text = self.kind, self._next()
        if kind == "text":
            return Literal("String", text[1:-1].replace("''", "'"))
        if kind == "number":
            return Literal("Decimal", Decimal(text.rstrip("MmDdFfLl")))
        if kind == "typed":
            return _typed(text)
        words = {"true": Literal("Boolean", True), "false": Literal("Boolean", False), "null": Literal("Null", None)}
        if text in words:
            return words[text]
        raise bad_query(f"'{text}' is no literal.")

    def _next(self) -> str:
        if not self.kind:
            raise bad_query("The $filter ends too early.")
        self._place += 1
        return self._tokens[self._place - 1][1]

    def _expect(self, mark: str) -> None:
        if self._next() != mark:
            raise bad_query(f"'{mark}' is missing in the $filter.")


def _typed(text: str) -> Literal:
    prefix, value, _ = text.split("'")
    try:
        if prefix == "guid":
            return Literal("Guid", str(UUID(value)))
        moment = datetime.fromisoformat(value)
    except (ValueError, InvalidOperation):
        raise bad_query(f"Unrecognized literal {text}.") from None
    if prefix == "datetimeoffset":
        return Literal("DateTime", moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return Literal("DateTime", moment.replace(tzinfo=None))  # read in the server's zone
