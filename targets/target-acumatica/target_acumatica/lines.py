"""Which live line is which of ours: an update addresses lines by id, because a line without one is appended.

Known ids tell first, then line numbers, then equal content, then the order lines were sent in (apis/acumatica.md §5).
A detail without a NoteID has another id in every session (§3), which is why its number is remembered, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from target_acumatica.document import NUMBER
from target_acumatica.values import plain, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_acumatica.document import Document

    Record = Mapping[str, Any]
    Memory = Mapping[str, Any]

RECEIVED = ("QtyOnReceipts", "ReceivedAmount")  # more than nothing of one of them: goods came for the line
# What a line is about: lines that differ in one of these are different lines, whatever their place.
TELLING = ("InventoryID", "TaxID", "AttributeID", "DocType", "ReferenceNbr", "PaymentInstructionsID", "Account")


@dataclass(slots=True)
class Matched:
    """The lines of one list, ours and the tenant's."""

    pairs: dict[str, Record] = field(default_factory=dict)  # our line → the live one
    missing: list[str] = field(default_factory=list)  # ours that are not there
    vanished: dict[str, Record] = field(default_factory=dict)  # written by us once, and not ours any more
    foreign: list[Record] = field(default_factory=list)  # of whom else
    removed: list[str] = field(default_factory=list)  # of the missing ones, those that were there once

    @property
    def is_unclear(self) -> bool:
        """Whether a line that seems to be missing may be one of the others: writing it could double it."""
        return bool(self.missing and self.foreign)

    def remembered(self) -> dict[str, dict[str, Any]]:
        """Return what tells these lines next time."""
        there = {**self.vanished, **self.pairs}
        return {row: {"id": live.get("id"), "nbr": plain(live, NUMBER)} for row, live in there.items()}


def match(document: Document, name: str, live: Record, memory: Memory | None, fresh: Record | None = None) -> Matched:
    """Pair the lines of a list with those of a live record; `memory` is what an earlier outcome kept.

    `fresh` says that the record shows what was just written, and is how it was before (empty: not there): the lines it
    did not have are ours, in order.
    """
    known: Mapping[str, Mapping[str, Any]] = ((memory or {}).get("lines") or {}).get(name) or {}
    ours = document.lists[name]
    left: list[Record] = _rows(live, name)
    there = _known(known, left, by_number=fresh is None)
    found = Matched({row: it for row, it in there.items() if row in ours})
    found.vanished = {row: it for row, it in there.items() if row not in ours}
    new = [row for row in ours if row not in known]
    old = {it.get("id") for it in _rows(fresh or {}, name)}
    left = [it for it in left if it.get("id") not in old]
    _pair(found, left, new, lambda row, it: not document.line_differences(name, row, it))
    if fresh is not None or not known:
        _pair(found, left, new, lambda row, it: _may_be(ours[row], it))
    if fresh is not None:
        _pair(found, left, new, lambda _row, _it: True)
    found.missing = [row for row in ours if row not in found.pairs]
    found.removed = [row for row in found.missing if row in known]
    found.foreign = [it for it in left if not known or any(_may_be(ours[row], it) for row in found.missing)]
    return found


def received(document: Document, name: str, lines: Matched) -> list[str]:
    """Return our lines for which goods have come, and that are gone from the source or about another item there."""
    gone = [row for row, live in lines.vanished.items() if _has_come(live)]
    there = [(row, live) for row, live in lines.pairs.items() if _has_come(live)]
    return gone + [row for row, live in there if not _may_be(document.lists[name][row], live)]


def _has_come(live: Record) -> bool:
    return any(plain(live, name) for name in RECEIVED)


def all_lines(
    document: Document, live: Record, memory: Memory | None, fresh: Record | None = None
) -> dict[str, Matched]:
    """Pair the lines of every list."""
    return {name: match(document, name, live, memory, fresh) for name in document.lists}


def _rows(record: Record, name: str) -> list[Record]:
    return [row for row in record.get(name) or () if isinstance(row, dict)]


def remember(matched: Mapping[str, Matched]) -> dict[str, Any]:
    """Return the memory of a document's lines."""
    return {"lines": {name: lines.remembered() for name, lines in matched.items()}}


def _pair(found: Matched, left: list[Record], rows: Sequence[str], fits: Callable[[str, Record], bool]) -> None:
    for row in rows:
        place = next((at for at, it in enumerate(left) if row not in found.pairs and fits(row, it)), None)
        if place is not None:
            found.pairs[row] = left.pop(place)


def _known(known: Mapping[str, Mapping[str, Any]], left: list[Record], *, by_number: bool) -> dict[str, Record]:
    """Take the lines that are remembered out of `left`; return them.

    Their ids tell. Only where none of them is there, because the tenant gives new ones in every session, their numbers
    do, and never after a write: a number may have been given to another line meanwhile.
    """
    ids = {told.get("id"): row for row, told in known.items() if told.get("id")}
    numbers = {text(told["nbr"]): row for row, told in known.items() if told.get("nbr") is not None}
    found = {ids[it["id"]]: it for it in left if it.get("id") in ids}
    if by_number and not found:
        found = {numbers[nbr]: it for it in left if (nbr := text(plain(it, NUMBER))) in numbers}
    left[:] = [it for it in left if not any(it is taken for taken in found.values())]
    return found


def _may_be(ours: Mapping[str, Any], live: Record) -> bool:
    """Say whether a line could be ours although values differ: the tenant changes some while it saves."""
    numbers = [name for name in (*TELLING, NUMBER) if name in ours]
    return all(
        text(ours[name]).casefold() == text(plain(live, name)).casefold() for name in numbers if plain(live, name)
    )
