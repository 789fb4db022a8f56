"""Delivered documents read again by id, and compared value by value; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.delivery.reading import TWICE, Found, Reading, is_number
from ml_connector.errors import Forbidden

from target_acumatica.document import CURRENCIES, Difference
from target_acumatica.lines import all_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ml_connector.delivery.sink import Effect

    from target_acumatica.document import Document, Record
    from target_acumatica.writer import Writer


@dataclass(slots=True)
class Rereader:
    """Compares documents with the tenant."""

    writer: Writer

    def reread(self, effects: Iterable[Effect]) -> Iterator[Reading]:
        """Yield what the tenant shows now of each document."""
        for effect in effects:
            try:
                yield self._reading(effect)
            except Forbidden as error:
                yield Reading.unreadable(effect, effect.table, error)

    def _reading(self, effect: Effect) -> Reading:
        document = self.writer.document(effect)
        reader = self.writer.reader
        record = reader.by_id(effect.table, effect.target_id, document.expand) if effect.target_id else None
        if record is None:
            rows = self.writer.references([effect])[effect.id]
            if len(rows) != 1:
                found = Found.DIFFERS if rows else Found.MISSING
                return Reading(effect, found, effect.table, message=TWICE if rows else "")
            record = reader.by_id(effect.table, rows[0]["id"], document.expand)
        return Reading(effect, Found.MISSING, effect.table) if record is None else _compared(effect, document, record)


def _compared(effect: Effect, document: Document, record: Record) -> Reading:
    found = list(_all_differences(effect, document, record))
    differences = {it.path: (it.sent, it.live) for it in found if it.shown}
    hidden = {it.path: "Acumatica does not show it" for it in found if not it.shown}
    kept = "it was empty, which leaves the field as it is"
    empty = {name: kept for name, value in effect.payload.items() if value in (None, "")}
    left_out = {name: why for name, why in (empty | hidden).items() if name not in differences}
    inside = [f"{name}.{field}" for name, lines in document.lists.items() for line in lines.values() for field in line]
    compared = tuple(name for name in dict.fromkeys((*document.header, *inside)) if name not in left_out)
    shown = document.values(record)
    currency = next((shown[name] for name in CURRENCIES if shown.get(name)), "")
    # Totals are Acumatica's own and never sent: what a map names as the document's amount may be one of them.
    amounts = {name: (text, currency) for name, text in shown.items() if is_number(text)}
    kind = Found.DIFFERS if differences else Found.EQUAL
    return Reading(effect, kind, effect.table, differences, compared, left_out, amounts)


def _all_differences(effect: Effect, document: Document, record: Record) -> Iterator[Difference]:
    yield from document.header_differences(record)
    for name, lines in all_lines(document, record, effect.memory).items():
        yield from (Difference(f"{name}.{row}", "a line", "none", shown=True) for row in lines.missing)
        for row, live in lines.pairs.items():
            yield from document.line_differences(name, row, live)
