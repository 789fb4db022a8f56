"""An effect as a row of text, under the columns of the live table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_servicenow_importset.transforms import KeyStyle
from target_servicenow_importset.values import CLEAR, EmptyValues, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.delivery.sink import Effect, Key
    from ml_connector.vendors.servicenow.dictionary import Dictionary, Table

MAX_CALL_BYTES = 2_000_000  # of one request; the Import Set API's own limit is UNCONFIRMED (apis/servicenow.md §3.1)


class Rows:
    """Writes effects as text rows."""

    def __init__(self, dictionary: Dictionary, empty_values: EmptyValues) -> None:
        self._dictionary = dictionary
        self._empty_values = empty_values

    def table(self, effect: Effect) -> Table:
        """Return the description of the table that an effect is written to."""
        return self._dictionary.table(effect.table)

    def texts_in(self, effect: Effect, target: str, fields: Mapping[str, str]) -> dict[str, str]:
        """Return the texts that a staging row leaves in the table it is transformed into, by its `fields`."""
        live = self._dictionary.table(target)
        sent = ((fields.get(name, ""), value) for name, value in self.plain(effect).items() if value)
        return {name: value for name, value in sent if any(column.is_text for column in live.find(name))}

    def plain(self, effect: Effect) -> dict[str, str]:
        """Return column name → text, the key's columns included."""
        table = self.table(effect)
        return {table.column(name).element: text(value) for name, value in {**effect.payload, **effect.key}.items()}

    def staging(self, effect: Effect, style: KeyStyle = KeyStyle.COLUMN) -> dict[str, str]:
        """Return the row as the staging table takes it, under column names or labels."""
        table = self.table(effect)
        clear = self._empty_values is EmptyValues.CLEAR and effect.target_id is not None
        return {
            table.column(element).label if style is KeyStyle.LABEL else element: value or (CLEAR if clear else "")
            for element, value in self.plain(effect).items()
        }

    def key_columns(self, effect: Effect) -> tuple[str, ...]:
        """Return the names of the columns that identify the row."""
        table = self.table(effect)
        return tuple(table.column(name).element for name in effect.key)

    def key(self, effect: Effect) -> Key:
        """Return the texts that identify the row, in the order of `key_columns`."""
        return tuple(text(value) for value in effect.key.values())


class Namesakes:
    """Notices, within one run, a key that ServiceNow takes for one that was written already.

    Its coalescing ignores case (apis/servicenow.md §3.3). Only rows that stand for a whole record are remembered: the
    key of a line holds its record's, and lines are not sent for a record that is parked.
    """

    def __init__(self) -> None:
        self._written: dict[int, bytes] = {}  # hash of the folded key → the key; one entry a record, so kept small

    def of(self, effect: Effect) -> str | None:
        """Return the other key that was written before this one, None when there is none."""
        if ":" in effect.name:
            return None
        key = ", ".join(map(text, effect.key.values())).encode()
        first = self._written.setdefault(hash(_identity(effect)), key)
        return None if first == key else first.decode()


def waves(effects: Sequence[Effect]) -> Iterator[list[Effect]]:
    """Part effects so that no wave holds one key twice: rows of one key must not overtake each other.

    Keys are compared without case, as coalescing does (apis/servicenow.md §3.3).
    """
    waiting = list(effects)
    while waiting:
        first: dict[tuple[str, ...], Effect] = {}
        later = [e for e in waiting if first.setdefault(_identity(e), e) is not e]
        yield list(first.values())
        waiting = later


def chunks(effects: Sequence[Effect], size: int) -> Iterator[list[Effect]]:
    """Part effects into calls of at most `size` rows and MAX_CALL_BYTES."""
    chunk: list[Effect] = []
    room = MAX_CALL_BYTES
    for effect in effects:
        cost = sum(len(name) + len(str(value).encode()) for name, value in effect.payload.items())
        if chunk and (len(chunk) == size or cost > room):
            yield chunk
            chunk, room = [], MAX_CALL_BYTES
        chunk.append(effect)
        room -= cost
    if chunk:
        yield chunk


def _identity(effect: Effect) -> tuple[str, ...]:
    return (effect.table, *(str(value).strip().casefold() for value in effect.key.values()))
