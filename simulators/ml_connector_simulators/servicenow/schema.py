"""What an instance is made of: tables, columns, transform maps, written down as plain values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

GENERATED_LENGTH = 40  # default of columns an import made (apis/servicenow.md §3.3)
NUMERIC = frozenset({"integer", "longint", "decimal", "float"})
SECRET = frozenset({"password", "password2"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column as `sys_dictionary` tells it; `table` is the table that declares it, maybe a parent."""

    element: str
    label: str
    type: str = "string"
    max_length: int = GENERATED_LENGTH
    reference: str = ""
    mandatory: bool = False
    default: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    display: bool = False
    table: str = ""

    @property
    def numeric(self) -> bool:
        """Whether the column compares and sorts as a number."""
        return self.type in NUMERIC

    @property
    def secret(self) -> bool:
        """Whether the API never shows the column."""
        return self.type in SECRET


@dataclass(frozen=True, slots=True)
class Table:
    """One table; an abstract one holds no rows of its own and reads as the union of its children."""

    name: str
    label: str
    columns: tuple[Column, ...]
    parent: str = ""
    number_prefix: str = ""
    abstract: bool = False
    audited: bool = False  # a delete leaves a row in sys_audit_delete (apis/servicenow.md §2.8)
    updatable: bool = True  # without: no sys_updated_on, as sys_journal_field (§2.3)


@dataclass(frozen=True, slots=True)
class FieldMap:
    """One `sys_transform_entry`: a staging column copied into a target column."""

    source: str
    target: str
    coalesce: bool = False
    choice_action: str = "create"
    by: str = ""  # the column of the referenced table a code is looked up in
    currency_from: str = ""  # stands for the delivered script that joins currency and amount


@dataclass(frozen=True, slots=True)
class TransformMap:
    """One `sys_transform_map` with its field maps."""

    name: str
    source: str
    target: str
    fields: tuple[FieldMap, ...]
    active: bool = True
    order: int = 100


SYSTEM_COLUMNS = (
    Column("sys_id", "Sys ID", "GUID", 32),
    Column("sys_created_on", "Created", "glide_date_time"),
    Column("sys_created_by", "Created by"),
    Column("sys_updated_on", "Updated", "glide_date_time"),
    Column("sys_updated_by", "Updated by"),
    Column("sys_mod_count", "Updates", "integer"),
)
CLASS_NAME = Column("sys_class_name", "Class", "sys_class_name", 80)


class Schema:
    """Every table of an instance, with inheritance worked out."""

    def __init__(self, tables: Mapping[str, Table], maps: tuple[TransformMap, ...]) -> None:
        self.tables = dict(tables)
        self.maps = maps
        self._declared = {name: self._own(name) for name in self.tables}
        self._columns = {name: self._inherited(name) for name in self.tables}

    def __contains__(self, table: str) -> bool:
        return table in self.tables

    def columns(self, table: str) -> dict[str, Column]:
        """Every column of `table`, its parents' included, each naming the table that declares it."""
        return self._columns[table]

    def children(self, table: str) -> list[str]:
        """The tables with rows that extend `table`."""
        return [name for name, it in self.tables.items() if not it.abstract and table in self.ancestors(name)]

    def ancestors(self, table: str) -> list[str]:
        """The table and its parents, nearest first."""
        found = [table]
        while parent := self.tables[found[-1]].parent:
            found.append(parent)
        return found

    def extends(self, table: str, parent: str) -> bool:
        """Whether `table` is `parent` or below it."""
        return table in self.tables and parent in self.ancestors(table)

    def display_column(self, table: str) -> str:
        """The column whose value stands for a row of `table`."""
        for element, column in self.columns(table).items():
            if column.display:
                return element
        return "sys_id"

    def _inherited(self, table: str) -> dict[str, Column]:
        nearest_last = reversed(self.ancestors(table))
        return {column.element: column for owner in nearest_last for column in self.declared(owner)}

    def declared(self, table: str) -> tuple[Column, ...]:
        """The columns `sys_dictionary` lists under this very table (apis/servicenow.md §2.7)."""
        return self._declared[table]

    def _own(self, table: str) -> tuple[Column, ...]:
        it = self.tables[table]
        system = SYSTEM_COLUMNS if it.updatable else SYSTEM_COLUMNS[:3]
        own = it.columns if it.parent else (*system, *self._class_name(table), *it.columns)
        return tuple(replace(column, table=table) for column in own)

    def _class_name(self, table: str) -> tuple[Column, ...]:
        return (CLASS_NAME,) if self.tables[table].abstract else ()


def slug(label: str) -> str:
    """The column name the platform would derive from a label: `ERP PO number` → `erp_po_number`."""
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


def columns(text: str, prefix: str = "") -> tuple[Column, ...]:
    """Read a block of `Label | type | element` lines; type and element may be left out.

    Type words: a type name, a number (max_length), `->table` (reference), `*` (mandatory), `=value` (default),
    `display`, `a/b/c` (choices).
    """
    return tuple(_column(line, prefix) for line in text.splitlines() if line.strip())


def _column(line: str, prefix: str) -> Column:
    label, words, element = (part.strip() for part in (line + "||").split("|")[:3])
    options: dict[str, object] = {}
    for word in words.split():
        options.update(_option(word))
    return Column(element or prefix + slug(label), label, **options)  # type: ignore[arg-type]


def _option(word: str) -> dict[str, object]:
    if word.isdigit():
        return {"max_length": int(word)}
    if word.startswith("->"):
        return {"type": "reference", "reference": word[2:], "max_length": 32}
    if word.startswith("="):
        return {"default": word[1:]}
    if "/" in word:
        return {"type": "choice", "choices": {it: it.replace("_", " ").capitalize() for it in word.split("/")}}
    flags: dict[str, dict[str, object]] = {"*": {"mandatory": True}, "display": {"display": True}}
    return flags.get(word) or {"type": word}
