"""`__match__`: how a record that the target may have already, though nobody delivered it, is known there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.finance import kinds
from ml_connector.mapping.record_map import RowPlan, scope_of
from ml_connector.mapping.words import read_block, read_word, refuse_unknown_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.finance.records import CanonicalRecord
    from ml_connector.mapping.crosswalk import Crosswalk, Crosswalks
    from ml_connector.mapping.expressions import Expression
    from ml_connector.mapping.loader import Block, Node, Problems
    from ml_connector.mapping.row_reader import RowReader

ADOPTION = "adoption"
"""The row by which a record takes over one that the target has already; it is sent before all others."""

CREATE = "new"
"""What a decision says of a record that is another one than all those in the target."""

_PARTS = ("table", "via", "id", "key", "by", "name", "decisions")


@dataclass(frozen=True, slots=True)
class Match:
    """Where the target's own rows are, and by which columns one of them is this record."""

    table: str
    via: str
    id: str  # the column that names one row for good
    keys: Mapping[str, Expression]  # the columns that make a row a source record's
    by: tuple[Mapping[str, Expression], ...]  # columns that must all agree; the first one finds the rows
    name: Mapping[str, Expression]  # the one column people know a row by
    decisions: Crosswalk | None  # source key → the `id` of the row it is, or `new`

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read beside those the rows are found by."""
        agreeing = (column for each in self.by for column in each)
        return tuple(dict.fromkeys([self.id, *self.keys, *agreeing, *self.name]))

    def adoption(self, record: CanonicalRecord, row_id: str) -> RowPlan:
        """Return the row that makes one of the target's own this record's."""
        payload = {self.id: row_id, **texts(self.keys, record)}
        return RowPlan(ADOPTION, -1, self.table, self.via, {self.id: row_id}, payload, dict.fromkeys(payload, "source"))

    def decision(self, record: CanonicalRecord) -> str | None:
        """Return what a person decided about a record, None when nothing."""
        return self.decisions.lookup(record.company, record.source_key, None) if self.decisions else None


def texts(columns: Mapping[str, Expression], record: CanonicalRecord) -> dict[str, str]:
    """Return the texts of some columns for a record; '' for what it has not."""
    scope = scope_of(record)
    values = {name: column.evaluate(scope, scope, {}) for name, column in columns.items()}
    return {name: "" if value is None else (kinds.to_text(value) or "") for name, value in values.items()}


def read_match(node: Node | None, block: Block, rows: RowReader, crosswalks: Crosswalks) -> Match | None:
    """Read a record block's `__match__`; mistakes are noted."""
    if node is None:
        return None
    problems = rows.problems
    own = read_block(node, block.place, "__match__", problems)
    refuse_unknown_parts(own, _PARTS, "__match__", problems)
    file = own.values.get("decisions")
    groups = _listed(own.values.get("by"))
    name = _columns(own.values.get("name"), own, "name", rows, problems)
    if len(name) != 1 or not groups:
        text = "a record is known by at least one list of columns, and by one name"
        problems.add(own.place, "__match__", text, "Write `by: [{Tax id: tax_id}]` and `name: {Legal name: name}`.")
    return Match(
        table=read_word(own.values.get("table"), own.place, "table", problems),
        via=read_word(own.values.get("via"), own.place, "via (how a row is taken over)", problems),
        id=read_word(own.values.get("id"), own.place, "id (the column that names one row)", problems),
        keys=_columns(own.values.get("key"), own, "key", rows, problems),
        by=tuple(_columns(each, own, "by", rows, problems) for each in groups),
        name=name,
        decisions=crosswalks.open(read_word(file, own.place, "decisions", problems), file.place) if file else None,
    )


def _listed(node: Node | None) -> tuple[Node, ...]:
    values = getattr(node, "values", None)
    return values if isinstance(values, tuple) else (node,) if node is not None else ()


def _columns(node: Node | None, block: Block, what: str, rows: RowReader, problems: Problems) -> dict[str, Expression]:
    columns = read_block(node, block.place, what, problems)
    read = {name: rows.condition(value, None) for name, value in columns.values.items()}
    return {name: expression for name, expression in read.items() if expression}
