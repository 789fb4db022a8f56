"""A person's edit of a record that waits: which field it is, whether it may be changed, and the change itself.

An edit is a mapping of paths of the canonical record (`lines[0].account`) to the value before and after. It holds
until the source record changes: wherever that version of the record is met again, the engine applies it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.errors import ConfigError, RecordRefused
from ml_connector.finance.catalog import RECORD_TYPES, Field
from ml_connector.finance.editable import EDITABLE, SYNONYMS, TITLE
from ml_connector.finance.kinds import CONVERT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.finance.records import CanonicalRecord

    #: Path of the canonical record to the value before and after, as JSON has them.
    Edit = Mapping[str, Sequence[Any]]

DOES_NOT_FIT = "edit_does_not_fit"
"""Why a record is refused whose edit no longer finds the value it was made for: the map has changed since."""

_PATH = re.compile(r"(?:(?P<rows>[a-z_]+)\[(?P<index>\d+|\*)\]\.)?(?P<name>[a-z_]+)(?:\.(?P<entry>[A-Za-z0-9_]+))?")


@dataclass(frozen=True, slots=True)
class Spot:
    """One editable value of a record."""

    path: str
    field: Field
    holder: Any  # the mapping that has it; the record itself for the title
    name: str

    @property
    def value(self) -> Any:
        """The value it has now."""
        return getattr(self.holder, self.name) if self.path == TITLE else self.holder.get(self.name)

    def write(self, value: Any) -> None:
        """Give it another value."""
        if self.path == TITLE:
            setattr(self.holder, self.name, value)
        else:
            self.holder[self.name] = value

    def read(self, value: Any, currency: str | None) -> Any:
        """Return a text as a value of the field's type.

        Raises:
            ConfigError: It is none, or it is empty and the field must not be.
        """
        try:
            result = None if value in (None, "") else CONVERT[self.field.kind](value, currency)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{self.path} is a {self.field.kind}; {value!r} is not one: {error}.") from None
        if result is None and self.field.required:
            raise ConfigError(f"{self.path} must not be empty.")
        return result


def spots(record: CanonicalRecord) -> Iterator[Spot]:
    """Yield every editable value of a record, in the order of its fields."""
    allowed = EDITABLE.get(record.record_type, frozenset())
    if TITLE in allowed:
        yield Spot(TITLE, Field(TITLE, "text", required=True), record, TITLE)
    for field in RECORD_TYPES[record.record_type].fields.values():
        if field.rows is not None:
            for index, row in enumerate(record.fields.get(field.name) or ()):
                for inner in field.rows.fields.values():
                    if f"{field.name}.{inner.name}" in allowed:
                        yield from _spot(f"{field.name}[{index}].{inner.name}", inner, row)
        elif field.name in allowed:
            yield from _spot(field.name, field, record.fields)


def _spot(path: str, field: Field, holder: Any) -> Iterator[Spot]:
    if field.kind != "map":
        yield Spot(path, field, holder, field.name)
        return
    entries = holder.get(field.name) or {}
    for entry in entries:
        yield Spot(f"{path}.{entry}", Field(entry, "text"), entries, entry)


def find(record: CanonicalRecord, path: str) -> list[Spot]:
    """Return the editable values a person's path names: one, or with `lines[*]` that of every line.

    Raises:
        ConfigError: There is no such value, or it is not editable.
    """
    parts = _PATH.fullmatch(path.strip())
    if parts is None:
        raise ConfigError(f"{path!r} is not the path of a field. Paths look like due_date or lines[0].account.")
    tail = ".".join(filter(None, (parts["name"], parts["entry"])))
    tail = SYNONYMS.get(tail, tail) if parts["rows"] else tail
    known = {spot.path: spot for spot in spots(record)}
    head = f"{parts['rows']}[{parts['index']}]." if parts["rows"] else ""
    wanted = re.compile(re.escape(f"{head}{tail}").replace(r"\[\*\]", r"\[\d+\]"))
    found = [spot for path, spot in known.items() if wanted.fullmatch(path)]
    if not found:
        raise ConfigError(f"{path} cannot be edited. {_instead(record, tail, known)}")
    return found


def _instead(record: CanonicalRecord, tail: str, known: Mapping[str, Spot]) -> str:
    """Say what can be edited."""
    name = record.record_type.replace("_", " ")
    if not known:
        return f"Of {name} nothing can: correct the record in the source system."
    last = tail.rpartition(".")[2]
    inside = [path for path in known if path.endswith((f".{last}", f".{SYNONYMS.get(last, last)}"))]
    if inside:
        return f"Did you mean {inside[0]}?"
    return (
        "Amounts, currency, tax, partner, company, bank details and keys are corrected in the source system only. "
        f"Of these {name}: {', '.join(known)}."
    )


def change(record: CanonicalRecord, before: Edit, wanted: Mapping[str, str | None]) -> dict[str, Sequence[Any]]:
    """Return the edit that `wanted` (path to text) makes of an earlier one; a value set back to the source's is none.

    `record` is the record as its source has it; it stays so.

    Raises:
        ConfigError: A path or a value cannot be used.
    """
    result = dict(before)
    for path, text in wanted.items():
        for spot in find(record, path):
            old, new = spot.value, spot.read(text, record.currency)
            result.pop(spot.path, None)
            if old != new:
                result[spot.path] = [_plain(old), _plain(new)]
    return result


def apply(record: CanonicalRecord, edit: Edit) -> None:
    """Change a record as a person did.

    Raises:
        RecordRefused: A field no longer has the value the edit was made for.
    """
    known = {spot.path: spot for spot in spots(record)}
    for path, (old, new) in edit.items():
        spot = known.get(path)
        if spot is None or _plain(spot.value) not in (old, new):
            raise RecordRefused(
                DOES_NOT_FIT,
                f"{path} is not {old!r} any more, as it was when it was edited: the map reads the record otherwise.",
                field=path,
                suggestion="Edit the record again, or take the edit back: ml-connector dead edit ID --undo.",
            )
        spot.write(spot.read(new, record.currency))


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else value
