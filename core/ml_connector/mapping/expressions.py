"""Expressions of map files, bound to their place: what they cannot compute is a refused record, never a crash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.errors import RecordRefused
from ml_connector.mapping.compiler import Compiled, Names, NotAllowed, compile_expression
from ml_connector.mapping.loader import Node, Place, Problems, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector.finance.kinds import Convert

#: All that a checked expression can raise on odd data; each means that the record does not fit the map.
DATA_TROUBLE = (ArithmeticError, TypeError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression of a map file."""

    text: str
    place: Place
    compiled: Compiled

    @property
    def run(self) -> Callable[..., Any]:
        """The bare function of (row, record, var, index, dimension)."""
        return self.compiled.function

    def evaluate(self, row: Mapping[str, Any], record: Mapping[str, Any], var: Mapping[str, Any]) -> Any:
        """Compute the value for one record; raises RecordRefused when its data does not fit."""
        try:
            return self.compiled.function(row, record, var, None, None)
        except DATA_TROUBLE as error:
            raise self.trouble(error, None) from None

    def trouble(self, error: Exception, field: str | None) -> RecordRefused:
        """Return the refusal for an error met while this expression was computed or its value converted."""
        what = str(error) or type(error).__name__
        return RecordRefused(
            "not_mappable",
            f"{field or 'The value'} cannot be computed by `{self.text}` ({self.place}): {what}",
            field=field,
            suggestion="Correct the value in the source, or the expression in the map.",
        )


@dataclass(frozen=True, slots=True)
class Column:
    """A named expression and the conversion of its value."""

    name: str
    expression: Expression
    run: Callable[..., Any]
    convert: Convert | None = None

    @classmethod
    def of(cls, name: str, expression: Expression, convert: Convert | None = None) -> Column:
        """Bind an expression to the field or column it fills."""
        return cls(name, expression, expression.run, convert)


def read_expression(node: Node, names: Names, problems: Problems) -> Expression | None:
    """Compile the expression of a node; a mistake is noted, and None returned."""
    if not isinstance(node, Text) or node.value is None or not node.value.strip():
        problems.add(node.place, "", "an expression is expected here", "Give one, or leave the line out.")
        return None
    try:
        return Expression(node.value, node.place, compile_expression(node.value, names))
    except NotAllowed as error:
        problems.add(node.place, node.value, str(error), "The maps README lists the vocabulary.")
        return None
