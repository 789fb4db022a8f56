"""The instance's own description of its tables: columns, labels, lengths, with what a table inherits.

Column names differ between installations and most Source-to-Pay ones are not documented (apis/servicenow.md §6.3),
so a map may name a column or its label, and both are resolved here, live.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigError, Forbidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ml_connector.vendors.servicenow.reader import Reader

STAGING = "sys_import_set_row"  # what every staging table extends
SYSTEM_PREFIX = "sys_"
# Types whose max_length is a number of characters a person writes (D r_FieldTypes.md); a reference's 32 is its sys_id.
TEXT_TYPES = frozenset(
    {"string", "string_full_utf8", "translated_text", "translated_field", "html", "url", "email", "choice", "ph_number"}
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    element: str
    label: str
    type: str
    max_length: int | None
    reference: str = ""  # the table it refers to
    choice: bool = False  # whether people see a label from a list
    display: bool = False  # whether it stands for the whole row

    @property
    def is_text(self) -> bool:
        """Say whether the column keeps a text as it was written."""
        return self.type in TEXT_TYPES

    @property
    def text_limit(self) -> int | None:
        """How many characters the column keeps, None when its type has no such limit."""
        return self.max_length if self.is_text else None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its own and inherited columns, its own first."""

    name: str
    lineage: tuple[str, ...]  # itself, its parent, …
    layers: tuple[Mapping[str, Column], ...]  # by element, in the order of `lineage`

    @property
    def is_staging(self) -> bool:
        """Say whether the Import Set API takes rows for this table."""
        return STAGING in self.lineage[1:]

    @property
    def own_columns(self) -> Mapping[str, Column]:
        """The columns that the table adds to what it inherits."""
        return self.layers[0]

    @property
    def columns(self) -> dict[str, Column]:
        """Every column by its name, inherited ones first; a table's own definition wins."""
        return {name: column for layer in reversed(self.layers) for name, column in layer.items()}

    @property
    def display(self) -> str:
        """The column that stands for a row, '' for none; the nearest layer decides."""
        return next((name for layer in self.layers for name, column in layer.items() if column.display), "")

    def find(self, name: str) -> list[Column]:
        """Return the columns that `name` may mean: by column name, else by label; the nearest layer decides."""
        by_name = [layer[name] for layer in self.layers if name in layer]
        if by_name:
            return by_name[:1]
        wanted = name.strip().casefold()
        labelled = ([c for c in layer.values() if c.label.strip().casefold() == wanted] for layer in self.layers)
        return next((found for found in labelled if found), [])

    def column(self, name: str) -> Column:
        """Return the one column that `name` means. Raises ConfigError."""
        found = self.find(name)
        if len(found) == 1:
            return found[0]
        raise ConfigError(f"{self.name}: {self.complaint(name, found)}")

    def element(self, name: str) -> str:
        """Return the column name to query by; behind a dot, the name belongs to the table referred to."""
        first, dot, rest = name.partition(".")
        return f"{self.column(first).element}{dot}{rest}"

    def complaint(self, name: str, found: Sequence[Column]) -> str:
        """Say why `name` is no single column, and what to write instead."""
        if found:
            elements = ", ".join(sorted(column.element for column in found))
            return f"the label {name!r} belongs to {elements}: name the column itself"
        words = set(name.lower().replace("_", " ").split())
        near = [c for layer in self.layers for c in layer.values() if words & set(c.label.lower().split())]
        hint = "; similar: " + ", ".join(f"{c.element} ({c.label})" for c in near[:5]) if near else ""
        return f"{name!r} is neither a column nor a label{hint}"


class Dictionary:
    """Reads and keeps table descriptions for one run; any number of threads may ask."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._tables: dict[str, Table] = {}
        self._lock = threading.RLock()

    def load(self, names: Iterable[str]) -> set[str]:
        """Read these tables in few calls; return the names that the instance does not have. Raises Forbidden."""
        with self._lock:
            wanted = set(names) - self._tables.keys()
            lineages = self._lineages(wanted)
            columns = self._columns(set().union(*lineages.values())) if lineages else {}
            for name, lineage in lineages.items():
                layers = tuple(columns.get(ancestor, {}) for ancestor in lineage)
                self._tables[name] = Table(name, lineage, layers)
            return wanted - lineages.keys()

    def table(self, name: str) -> Table:
        """Return one table. Raises ConfigError when the instance has none of this name."""
        with self._lock:
            if name not in self._tables and self.load([name]):
                raise ConfigError(f"the instance has no table {name!r}: check the map, or install the application")
            return self._tables[name]

    def _lineages(self, names: set[str]) -> dict[str, tuple[str, ...]]:
        parents: dict[str, str] = {}
        asked: set[str] = set()
        while open_names := (names | set(parents.values())) - asked - {""}:
            asked |= open_names
            found = self._reader.lookup(
                "sys_db_object", ["name"], [(name,) for name in open_names], ["super_class"], ["super_class.name"]
            )
            parents |= {key[0]: _parent(rows[0]) for key, rows in found.items()}
        return {name: tuple(_ancestry(name, parents)) for name in names if name in parents}

    def _columns(self, tables: set[str]) -> dict[str, dict[str, Column]]:
        fields = ("element", "column_label", "internal_type", "max_length", "active")
        told = ("reference", "choice", "display")
        found = self._reader.lookup("sys_dictionary", ["name"], [(table,) for table in tables], fields, told)
        columns: dict[str, dict[str, Column]] = defaultdict(dict)
        for (table,), rows in found.items():
            for row in rows:
                if row["element"] and row.get("internal_type") != "collection" and row.get("active") != "false":
                    columns[table][row["element"]] = _column(row)
        return columns


def _ancestry(name: str, parents: Mapping[str, str]) -> Iterator[str]:
    while name:
        yield name
        name = parents.get(name, "")


def _parent(row: Mapping[str, str]) -> str:
    """Return the table that a table extends; an instance may leave out what is reached through an empty reference."""
    name = row.get("super_class.name", "")
    if row["super_class"] and not name:
        raise Forbidden("sys_db_object.super_class.name is not readable: give the account a role that may read it")
    return name


def _column(row: Mapping[str, str]) -> Column:
    length = row.get("max_length", "")
    return Column(
        element=row["element"],
        label=row.get("column_label", ""),
        type=row.get("internal_type", ""),
        max_length=int(length) if length.isdigit() else None,
        reference=row.get("reference", ""),
        choice=row.get("choice", "") not in ("", "0"),
        display=row.get("display") == "true",
    )
