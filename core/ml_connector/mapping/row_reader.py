"""Reading the rows of a target map: one block per table, with its key, columns and their owners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.mapping.compiler import Names
from ml_connector.mapping.expressions import Column, Expression, read_expression
from ml_connector.mapping.loader import Block, Node, Problems, Text
from ml_connector.mapping.nested import Nested
from ml_connector.mapping.record_map import OWNERS, RowMap
from ml_connector.mapping.target_names import refuse_partial_key, refuse_unknown_names
from ml_connector.mapping.words import read_word, read_words, refuse_unknown_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.finance.catalog import RecordType
    from ml_connector.mapping.crosswalk import Crosswalks
    from ml_connector.mapping.dimensions import Dimension

_NESTED_WORDS = ("__each__", "__filter__", "__row__")
_ROW_WORDS = ("__alias__", "__via__", "__key_properties__", "__each__", "__filter__", "__row__")
_OWNED_WORDS = ("__value__", "__owner__")


@dataclass(slots=True)
class RowReader:
    """Reads the row blocks of one record type."""

    type: RecordType
    via: Node | None  # how a table is written when its block does not say
    dimensions: Mapping[str, Dimension]
    crosswalks: Crosswalks
    problems: Problems

    def read(self, name: str, block: Block, phase: int) -> RowMap:
        """Read one block."""
        values, place = block.values, block.place
        refuse_unknown_words(block, _ROW_WORDS, self.problems)
        each = self.condition(values["__each__"], None) if "__each__" in values else None
        row_type = self._row_type(each)
        columns, nested, owners = self._columns(row_type, block)
        rows = RowMap(
            name=name,
            phase=phase,
            table=read_word(values.get("__alias__"), place, "__alias__ (the table)", self.problems),
            via=read_word(values.get("__via__", self.via), place, "__via__ (how it is written)", self.problems),
            key=read_words(values.get("__key_properties__"), self.problems),
            columns=columns,
            nested=nested,
            owners=owners,
            each=each,
            keep=self.condition(values["__filter__"], row_type) if "__filter__" in values else None,
            number=self.condition(values.get("__row__", Text("line_number", place)), row_type) if each else None,
        )
        refuse_partial_key(rows, place, self.problems)
        return rows

    def condition(self, node: Node, row_type: RecordType | None) -> Expression | None:
        """Read an expression that decides about rows, before any dimension is proven."""
        return self._checked(read_expression(node, Names(), self.problems), row_type)

    def _value(self, node: Node, row_type: RecordType | None) -> Expression | None:
        names = Names(dimensions=self.dimensions, crosswalk=self.crosswalks.opener(node.place))
        return self._checked(read_expression(node, names, self.problems), row_type)

    def _checked(self, expression: Expression | None, row_type: RecordType | None) -> Expression | None:
        if expression:
            refuse_unknown_names(expression, self.type, row_type, self.problems)
        return expression

    def _row_type(self, each: Expression | None) -> RecordType | None:
        if each is None:
            return None
        nested = self.type.fields.get(each.text.strip())
        if nested is None or nested.rows is None:
            lists = ", ".join(name for name, field in self.type.fields.items() if field.rows) or "none"
            self.problems.add(each.place, each.text, f"{self.type.name} have no such list", f"They have {lists}.")
            return None
        return nested.rows

    def _columns(self, row_type: RecordType | None, block: Block) -> tuple[list[Column], list[Nested], dict[str, str]]:
        columns: list[Column] = []
        nested: list[Nested] = []
        owners: dict[str, str] = {}
        for name, node in block.plain():
            owners[name], value = self._owned(node)
            if isinstance(value, Block):
                nested.append(self._nested(name, value, row_type))
            elif value and (expression := self._value(value, row_type)):
                columns.append(Column.of(name, expression))
        return columns, nested, owners

    def _nested(self, name: str, block: Block, row_type: RecordType | None) -> Nested:
        """Read a column that holds an object, or with `__each__` a list of objects."""
        values = block.values
        refuse_unknown_words(block, _NESTED_WORDS, self.problems)
        each = self.condition(values["__each__"], None) if "__each__" in values else None
        inside = self._row_type(each) if each else row_type
        columns: list[Column] = []
        inner: list[Nested] = []
        for key, node in block.plain():
            if isinstance(node, Block):
                inner.append(self._nested(key, node, inside))
            elif expression := self._value(node, inside):
                columns.append(Column.of(key, expression))
        return Nested(
            name=name,
            columns=columns,
            inner=inner,
            each=each,
            keep=self.condition(values["__filter__"], inside) if "__filter__" in values else None,
            number=self.condition(values.get("__row__", Text("line_number", block.place)), inside) if each else None,
        )

    def _owned(self, node: Node) -> tuple[str, Node | None]:
        """Return whose a column is, and its value; the target's own columns are named, but never sent."""
        if not isinstance(node, Block) or not any(word in node.values for word in _OWNED_WORDS):
            return "source", node  # a block without those words is a nested value
        refuse_unknown_words(node, _OWNED_WORDS, self.problems)
        owner = read_word(node.values.get("__owner__"), node.place, "__owner__", self.problems)
        value = node.values.get("__value__")
        if owner not in OWNERS or (owner == "target") is (value is not None):
            self.problems.add(
                node.place,
                owner,
                "a column is owned by source, create_only or target; only what is sent has a __value__",
                "Correct __owner__ or __value__.",
            )
        return owner, value
