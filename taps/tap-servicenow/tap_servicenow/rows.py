"""Rows of an answer → records of a shape; what is odd or missing is told, once for each field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_servicenow.values import CONVERT, Part, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_servicenow.shape import Field, Shape

Raw = dict[str, Any]
Record = dict[str, Any]


class RowReader:
    """Makes records of one shape.

    A field that the account may not read is left out of rows without a word (apis/servicenow.md §2.5). It is then left
    out of the record, too: null would say that it is empty.
    """

    def __init__(self, shape: Shape, tell: Callable[[str, str], None]) -> None:
        self._fields = shape.fields
        self._paths = frozenset(shape.paths)
        self._amounts = any(field.part is Part.MONEY for field in shape.fields)
        self._tell = tell
        self._plan = [(field, field.name, field.path, field.part, CONVERT.get(field.kind)) for field in shape.fields]

        self._texts = [(f.name, f.path) for f in shape.fields if f.part is Part.VALUE and f.kind not in CONVERT]
        self._typed = [plan for plan in self._plan if plan[-1] is not None]

    def missing(self, rows: Iterable[Raw]) -> set[str]:
        """Return the names of the fields that any of these rows lacks."""
        return {
            field.name
            for row in rows
            if self._amounts or not self._paths <= row.keys()
            for field in self._fields
            if _lacks(field, row)
        }

    def records(self, rows: Iterable[Raw], *, plain: bool = False) -> list[Record]:
        """Return the rows as records; `plain` ones have texts only."""
        return list(map(self._plain_record if plain else self._record, rows))

    def _plain_record(self, row: Raw) -> Record:
        """Return the record of a row of texts that lacks nothing, in few steps; of any other as ever."""
        try:
            record: Record = {name: row[path] or None for name, path in self._texts}
            for _, name, path, _, convert in self._typed:
                text = row[path]
                record[name] = convert(text) if text and convert else None
        except (KeyError, ValueError):
            return self._record(row)
        return record

    def _record(self, row: Raw) -> Record:
        """Return one record. Most fields are texts that are as they should be: they take no call."""
        record: Record = {}
        value = Part.VALUE
        for field, name, path, part, convert in self._plan:
            entry = row.get(path)
            text = entry if entry.__class__ is str and part is value else text_of(entry, part)
            if not text:
                if entry == "" or not _lacks(field, row):
                    record[name] = None
            elif convert is None:
                record[name] = text
            else:
                try:
                    record[name] = convert(text)
                except ValueError:
                    record[name] = text
                    self._tell(name, f"a text that is no {field.kind}; it is kept as it came")
        return record


def _lacks(field: Field, row: Raw) -> bool:
    """Say whether a row does not tell a field: what is reached through an empty reference is empty, not untold."""
    entry = row.get(field.path)
    if entry is not None:
        return field.part is Part.MONEY and not text_of(entry, Part.MONEY) and bool(text_of(entry, Part.VALUE))
    return not field.beyond or field.beyond not in row or bool(text_of(row[field.beyond], Part.VALUE))
