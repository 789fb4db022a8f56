"""Crosswalk files: what a source value is called in the target, from when until when.

A CSV with the columns `company,value,target,valid_from,valid_to,note`. Dates are inclusive; an empty one is open. A
company may be `*`; a row of the company itself goes before a `*` row. Rows of one company and value must not overlap.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ml_connector.errors import ConfigError
from ml_connector.finance import kinds
from ml_connector.mapping import loader
from ml_connector.mapping.compiler import NotAllowed
from ml_connector.mapping.loader import Place, Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

COLUMNS = ["company", "value", "target", "valid_from", "valid_to", "note"]
EVERY_COMPANY = "*"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: what a value is called in the target between two dates, both included."""

    target: str
    valid_from: date
    valid_to: date
    place: Place


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """A crosswalk file, looked up by company, value and posting date."""

    name: str
    entries: Mapping[tuple[str, str], Sequence[Entry]]
    version: str

    @classmethod
    def load(cls, name: str, search: Sequence[Path]) -> Crosswalk:
        """Read and check a crosswalk file; raises ConfigError with every bad row."""
        path = loader.find(name, search)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise ConfigError(f"{name}: the file is not UTF-8 text. Save it as CSV UTF-8.") from None
        problems = Problems()
        entries = _read(path.name, text, problems)
        _refuse_overlaps(entries, problems)
        problems.stop_if_any()
        return cls(name, entries, loader.digest(text))

    def lookup(self, company: str | None, value: str | None, on: date | None) -> str | None:
        """Return the target's value on a day, None when no row covers it; without a day, the row that stays valid."""
        if value is None:
            return None
        day = on or date.max
        for owner in (company or EVERY_COMPANY, EVERY_COMPANY):
            for entry in self.entries.get((owner, value), ()):
                if entry.valid_from <= day <= entry.valid_to:
                    return entry.target
        return None


def _read(file: str, text: str, problems: Problems) -> dict[tuple[str, str], list[Entry]]:
    rows = csv.reader(text.splitlines())
    header = [name.strip() for name in next(rows, [])]
    entries: dict[tuple[str, str], list[Entry]] = {}
    if header != COLUMNS:
        problems.add(Place(file, 1), ",".join(header), "these are not the columns", f"They are {','.join(COLUMNS)}.")
        return entries
    for row in rows:
        cells = [cell.strip() for cell in row]
        if any(cells):
            _add(cells, Place(file, rows.line_num), entries, problems)
    return entries


def _add(cells: list[str], place: Place, entries: dict[tuple[str, str], list[Entry]], problems: Problems) -> None:
    text = ",".join(cells)
    if len(cells) != len(COLUMNS) or not all(cells[:3]):
        problems.add(place, text, "company, value and target are needed, and six columns", "Complete the row.")
        return
    company, value, target, start, end, _note = cells
    try:
        first = date.fromisoformat(start) if start else date.min
        last = date.fromisoformat(end) if end else date.max
    except ValueError:
        problems.add(place, text, "valid_from and valid_to are dates like 2026-10-31", "Correct the date.")
        return
    if first > last:
        problems.add(place, text, "valid_from is after valid_to", "Correct the dates.")
    entries.setdefault((company, value), []).append(Entry(target, first, last, place))


def _refuse_overlaps(entries: Mapping[tuple[str, str], list[Entry]], problems: Problems) -> None:
    for (company, value), rows in entries.items():
        rows.sort(key=lambda entry: entry.valid_from)
        for earlier, later in pairwise(rows):
            if later.valid_from <= earlier.valid_to:
                problems.add(
                    later.place,
                    f"{company},{value}",
                    f"the row overlaps in time with line {earlier.place.line}",
                    "End one before the other begins.",
                )


def _look_up(crosswalk: Crosswalk, company: Any, value: Any, on: Any) -> str | None:
    """Look up what an expression computed: codes may be numbers, days may be texts."""
    code = None if value is None else kinds.to_text(value)
    return crosswalk.lookup(company, code, None if on is None else kinds.to_date(on))


@dataclass(slots=True)
class Crosswalks:
    """The crosswalk files one map uses, each read once."""

    search: Sequence[Path]
    problems: Problems
    files: dict[str, Crosswalk | None] = field(default_factory=dict)

    def opener(self, place: Place) -> Callable[[str], Callable[..., str | None]]:
        """Return what gives the compiler a file's look-up, for expressions at `place`."""

        def open_for_expression(name: str) -> Callable[..., str | None]:
            crosswalk = self.open(name, place)
            if crosswalk is None:
                raise NotAllowed(f"the crosswalk {name} cannot be used")
            return partial(_look_up, crosswalk)

        return open_for_expression

    def open(self, name: str, place: Place) -> Crosswalk | None:
        """Return a crosswalk file; its mistakes are noted, and None returned."""
        if name not in self.files:
            self.files[name] = self._load(name, place)
        return self.files[name]

    def _load(self, name: str, place: Place) -> Crosswalk | None:
        try:
            return Crosswalk.load(name, self.search)
        except loader.MalformedMap as error:
            self.problems.findings.extend(error.findings)
        except ConfigError as error:
            self.problems.add(place, name, "the crosswalk cannot be read", str(error))
        return None

    @property
    def versions(self) -> list[str]:
        """The versions of the files used, in a stable order."""
        return [each.version for _, each in sorted(self.files.items()) if each is not None]
