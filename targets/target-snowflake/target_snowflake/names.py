"""What streams and properties are called in Snowflake: upper case, always quoted, so plain SQL in any case works."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 255
"""Characters an identifier may have (apis/snowflake.md §6)."""

_OTHER = re.compile(r"[^A-Z0-9_$]")
_ROOM = 240

_OURS = re.compile(r"_ML_.*|.*__(?:EXACT|INT|NUMBER|FLOAT|BOOL|TEXT|TIMESTAMP|DATE|TIME|BINARY|JSON)(?:_\d)?")
"""Names of this target's own tables and columns: metadata, and columns beside one whose type changed."""


def identifier(name: str) -> str:
    """Return a name as an unquoted identifier would be stored: `invoiceLines` is `INVOICELINES`.

    One that this target gives to things of its own gets a mark.
    """
    plain = _OTHER.sub("_", name.upper())
    if not plain or plain[0].isdigit() or plain[0] == "$":
        plain = f"_{plain}"
    if _OURS.fullmatch(plain):
        plain = f"{plain}__{_mark(name, 4)}"
    return plain if len(plain) <= _ROOM else f"{plain[: _ROOM - 9]}_{_mark(name, 8)}"


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """Return the identifier of each name; of several that would be alike, all but the first by sorting get a mark."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(names):
        plain = identifier(name)
        if plain in taken:
            plain = f"{plain}__{_mark(name, 4)}"
        taken.add(plain)
        found[name] = plain
    return found


def quoted(name: str) -> str:
    """Return an identifier as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | None) -> str:
    """Return a text as SQL writes it."""
    if text is None:
        return "NULL"
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def mark(text: str) -> str:
    """Return eight characters that stand for a text, as part of an identifier."""
    return _mark(text, 8)


def _mark(text: str, length: int) -> str:
    return sha256(text.encode()).hexdigest()[:length].upper()
