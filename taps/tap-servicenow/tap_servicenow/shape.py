"""What a stream reads of a table: which fields, from which paths, as what (apis/servicenow.md §2.6, §2.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_servicenow.values import SCHEMA_TYPE, Money, Part, is_code, is_listed, kind_of, money_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ml_connector.vendors.servicenow.dictionary import Column, Dictionary, Table

SYS_ID, STAMP = "sys_id", "sys_updated_on"
CURRENCY, DISPLAY = "__currency", "__display"
"""What the companions of a column are called."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record."""

    name: str
    kind: str
    path: str
    part: Part = Part.VALUE
    beyond: str = ""
    """The reference that the path leads through: where that is empty, an instance may leave the path out."""

    @property
    def type(self) -> str:
        """Its type in the schema."""
        return SCHEMA_TYPE.get(self.kind, self.kind)


@dataclass(frozen=True, slots=True)
class Shape:
    """A table's fields, and which of them are money."""

    table: str
    fields: tuple[Field, ...]
    money: frozenset[str] = frozenset()

    @property
    def types(self) -> Mapping[str, str]:
        """The fields' names and types in the schema."""
        return {field.name: field.type for field in self.fields}

    def only(self, names: Collection[str]) -> Shape:
        """Return the shape with these fields, and always the row's id."""
        kept = tuple(field for field in self.fields if field.name in names or field.name == SYS_ID)
        return Shape(self.table, kept, self.money)

    @property
    def paths(self) -> list[str]:
        """What to ask for; each once, with the references that paths lead through."""
        return list(dict.fromkeys(path for field in self.fields for path in (field.beyond, field.path) if path))

    @property
    def needs_display(self) -> bool:
        """Whether display values must be asked for, which is slower."""
        return any(field.part is not Part.VALUE for field in self.fields)


def shape_of(table: Table, *, display_values: bool = False) -> Shape:
    """Return the shape of a table: its own and inherited columns, with the companions of each."""
    columns = sorted(filter(is_listed, table.columns.values()), key=lambda column: column.element)
    fields = tuple(field for column in columns for field in _fields(column, display_values=display_values))
    return Shape(table.name, fields, frozenset(column.element for column in columns if money_of(column)))


def with_walks(shape: Shape, dictionary: Dictionary, walks: Mapping[str, str]) -> Shape:
    """Return a shape with fields of tables that it refers to, by name and dot-walk, where they exist."""
    columns = dictionary.table(shape.table).columns
    found = []
    for name, path in walks.items():
        reference, _, last = path.partition(".")
        column = columns.get(reference)
        if column is None or not column.reference or dictionary.load([column.reference]):
            continue
        target = dictionary.table(column.reference).columns.get(last)
        if target is not None and name not in shape.types:
            found.append(Field(name, kind_of(target), path, beyond=reference))
    return Shape(shape.table, (*shape.fields, *found), shape.money)


def _fields(column: Column, *, display_values: bool) -> Iterator[Field]:
    name = column.element
    match money_of(column):
        case Money.INSTANCE:
            yield Field(name, "number", f"{name}.amount", beyond=name)
            yield Field(name + CURRENCY, "currency", f"{name}.currency", beyond=name)
        case Money.TEXT:
            yield Field(name, "amount", name, Part.MONEY)
            yield Field(name + CURRENCY, "entered_in", name, Part.MONEY)
        case _:
            yield Field(name, kind_of(column), name)
            if display_values and is_code(column):
                yield Field(name + DISPLAY, "string", name, Part.DISPLAY)
