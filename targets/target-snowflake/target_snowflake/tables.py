"""Tables of the target and how they follow their streams: made, widened, or given a second column, never recreated."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigError

from target_snowflake.columns import PRECISION, Column, Kind, Type
from target_snowflake.group import EXACT
from target_snowflake.names import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_snowflake.connection import Session
    from target_snowflake.shape import Shape

_NUMERIC = (Kind.INTEGER, Kind.NUMBER)
_SUFFIXES = {Kind.INTEGER: "INT", Kind.BOOLEAN: "BOOL", Kind.VARIANT: "JSON"}
_MOST_SECONDS = 9


class Contract(StrEnum):
    """What may change in a table that is there."""

    EVOLVE = "evolve"
    FREEZE = "freeze"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a column of the stream is stored: the same column of the table, or a second one of another type."""

    column: Column
    name: str
    type: Type


@dataclass(slots=True)
class Layout:
    """How a stream's columns lie in its table, and what has to be changed there first."""

    table: str
    is_new: bool
    places: list[Place] = field(default_factory=list)
    emptied: dict[str, str] = field(default_factory=dict)  # other columns of the same properties, and whose
    carried: list[str] = field(default_factory=list)  # columns the stream knows nothing of: they keep their values
    added: dict[str, Type] = field(default_factory=dict)
    widened: dict[str, Type] = field(default_factory=dict)
    discarded: list[str] = field(default_factory=list)

    def statements(self) -> list[str]:
        """Return the DDL, one statement for all new columns."""
        name = quoted(self.table)
        if self.is_new:
            columns = ", ".join(f"{quoted(each)} {kind.sql}" for each, kind in self.added.items())
            return [f"CREATE TABLE IF NOT EXISTS {name} ({columns})"]
        found = []
        if self.added:
            columns = ", ".join(f"IF NOT EXISTS {quoted(each)} {kind.sql}" for each, kind in self.added.items())
            found.append(f"ALTER TABLE {name} ADD COLUMN {columns}")
        return found + [
            f"ALTER TABLE {name} ALTER COLUMN {quoted(each)} SET DATA TYPE {kind.sql}"
            for each, kind in self.widened.items()
        ]


def read_table(session: Session, table: str) -> dict[str, Type | None] | None:
    """Return a table's columns and types, None for a type this target does not write; None: no such table."""
    rows = session.execute(f"SHOW TABLES LIKE {literal(table)}").rows
    if table not in (row[1] for row in rows):  # LIKE takes an underscore for any character
        return None
    described = session.execute(f"DESCRIBE TABLE {quoted(table)}").rows
    return {row[0]: _parsed(row[1]) for row in described}


def _parsed(text: str) -> Type | None:
    try:
        return Type.parse(text)
    except ConfigError:
        return None


def layout(
    shape: Shape, exact: Sequence[Column], existing: Mapping[str, Type | None] | None, contract: Contract
) -> Layout:
    """Return how a stream lies in its table.

    Raises:
        ConfigError: The contract forbids what would have to change, or a key has another type now.
    """
    made = Layout(shape.table, existing is None)
    there = dict(existing or {})
    for column in (*shape.columns, *exact):
        _place(made, column, there, contract)
    taken = {place.name for place in made.places}
    own = {name: column.name for column in shape.columns for name in _names(column, there)}
    made.added |= {name: kind for name, kind in shape.metadata.items() if name not in there}
    made.emptied = {name: column for name, column in sorted(own.items()) if name not in taken}
    made.carried = sorted(there.keys() - taken - set(made.emptied) - shape.metadata.keys())
    if contract == Contract.FREEZE and existing is not None and (made.added or made.widened):
        changes = ", ".join(f"{name} {kind.sql}" for name, kind in {**made.added, **made.widened}.items())
        raise ConfigError(
            f"the table {shape.table} would have to change ({changes}), and its contract is `freeze`. "
            "Nothing of this batch was loaded. Change the table yourself, or set `contract: evolve`."
        )
    return made


def _place(made: Layout, column: Column, there: Mapping[str, Type | None], contract: Contract) -> None:
    for name in _candidates(column):
        if name not in there:
            if contract == Contract.DISCARD and not made.is_new and not column.is_key:
                made.discarded.append(column.name)
                return
            made.added[name] = column.type
            made.places.append(Place(column, name, column.type))
            return
        stored = there[name]
        if stored is not None and holds(stored, column.type):
            wide = widened(stored, column.type)
            if wide != stored:
                made.widened[name] = wide
            made.places.append(Place(column, name, wide))
            return
        if column.is_key:
            raise ConfigError(
                f"the key column {column.name} of {made.table} is {stored.sql if stored else 'of another type'}, and "
                f"the stream now has {column.type.sql} there: rows could not be found by their key any more. Load the "
                "stream into another schema, or state its old type in `column_types`."
            )
    raise ConfigError(f"{made.table} has no room for another version of {column.name}. Drop columns no one reads.")


def _candidates(column: Column) -> list[str]:
    """Return the names a column may be stored under, the plain one first."""
    second = f"{column.name}__{_SUFFIXES.get(column.type.kind, str(column.type.kind))}"
    return [column.name, second, *(f"{second}_{number}" for number in range(2, _MOST_SECONDS))]


def _names(column: Column, there: Mapping[str, Type | None]) -> list[str]:
    """Return every column of a table that has held this property."""
    suffixes = {_SUFFIXES.get(kind, str(kind)) for kind in Kind} | {EXACT.strip("_")}
    seconds = {f"{column.name}__{suffix}" for suffix in suffixes}
    return [
        name for name in there if name == column.name or name in seconds or name.rstrip("0123456789")[:-1] in seconds
    ]


def holds(stored: Type, wanted: Type) -> bool:
    """Return whether every value of a type can stand in a column of another one, exactly."""
    if stored.kind == Kind.VARIANT:
        return True
    if stored.kind == Kind.TEXT:  # moments and floats would be written as the account's settings say, JSON in quotes
        return wanted.kind in (Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN)
    if stored.kind in _NUMERIC and wanted.kind in _NUMERIC:
        return stored.scale >= wanted.scale
    if stored.kind == Kind.TIMESTAMP and wanted.kind == Kind.DATE:
        return True
    return stored.kind == wanted.kind


def widened(stored: Type, wanted: Type) -> Type:
    """Return a stored type with the precision or length that is needed; Snowflake widens these in place."""
    if stored.kind == Kind.TEXT:
        return Type(Kind.TEXT)
    if stored.kind in _NUMERIC and wanted.kind in _NUMERIC and stored.precision < PRECISION:
        return Type(stored.kind, PRECISION, stored.scale)
    return stored
