"""Records that the target has already, though nobody delivered them: found before a second one is made (L4).

A row that agrees in a number and all that belongs to it is taken over: it gets the record's key, and all that follows
is an update. Whatever is less sure waits for a person's decision. A row that has another record's key already counts
only when a number agrees, too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.delivery.sink import State
from ml_connector.delivery.work import Verdict
from ml_connector.mapping.match import CREATE, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ml_connector.delivery.settings import EngineSettings
    from ml_connector.delivery.sink import Key, Row, Sink
    from ml_connector.delivery.work import Work
    from ml_connector.mapping.match import Match
    from ml_connector.mapping.target_map import TargetMap

SHOWN = 5  # candidates that a message names


@dataclass(slots=True)
class _Case:
    """One record, and the target's own rows that may be it, by their ids."""

    work: Work
    match: Match
    keys: dict[str, str] = field(default_factory=dict)
    decided: str | None = None
    agreeing: dict[str, Row] = field(default_factory=dict)
    alike: dict[str, Row] = field(default_factory=dict)  # the number agrees, what belongs to it does not
    namesakes: dict[str, Row] = field(default_factory=dict)

    def note(self, rows: Iterable[Row], columns: Mapping[str, str]) -> None:
        """Take note of rows with the record's number; another company's of the same source are none of its."""
        for row in rows:
            if not self.is_siblings(row):
                agrees = all(_fold(row.get(name)) == _fold(value) for name, value in columns.items())
                (self.agreeing if agrees else self.alike)[row["id"]] = row

    def is_siblings(self, row: Row) -> bool:
        """Say whether a row is that of another record of the same source system."""
        prefix = f"{self.work.record.source_system}:"
        return any(str(row.get(column) or "").startswith(prefix) for column in self.keys) and self.is_taken(row)

    def is_taken(self, row: Row) -> bool:
        """Say whether a row has another record's key."""
        return any(_fold(row.get(column)) not in ("", _fold(value)) for column, value in self.keys.items())


class Matcher:
    """Looks for the records of one batch together: a few calls, however many records there are."""

    def __init__(self, settings: EngineSettings, target_map: TargetMap, sink: Sink) -> None:
        self._settings = settings
        self._map = target_map
        self._sink = sink

    def match(self, works: Sequence[Work]) -> None:
        """Give records that were never delivered the row that takes an existing one over, or a reason to wait."""
        if not self._settings.match_existing:
            return
        cases: dict[int, list[_Case]] = {}
        for work in works:
            match = self._map.record_types[work.record.record_type].document(work.record).match
            if match is not None and not (work.known and work.known.was_delivered):
                cases.setdefault(id(match), []).append(_Case(work, match, texts(match.keys, work.record)))
        for members in cases.values():
            self._match(members[0].match, members)

    def _match(self, match: Match, cases: Sequence[_Case]) -> None:
        there = self._sink.lookup(match.table, tuple(match.keys), [_key(case.keys) for case in cases], ())
        strangers = [case for case in cases if _key(case.keys) not in there]
        for case in strangers:
            case.decided = match.decision(case.work.record)
        undecided = [case for case in strangers if case.decided is None]
        self._by_numbers(match, undecided)
        self._by_name(match, [case for case in undecided if not (case.agreeing or case.alike)])
        self._as_decided(match, [case for case in strangers if case.decided not in (None, CREATE)])
        wanted = Counter(number for case in strangers for number in case.agreeing)
        for case in strangers:
            _conclude(case, wanted, create=self._settings.create_unmatched)

    def _by_numbers(self, match: Match, cases: Sequence[_Case]) -> None:
        asked = [(case, texts(group, case.work.record)) for case in cases for group in match.by]
        for column in dict.fromkeys(next(iter(group)) for group in match.by):
            mine = [(case, columns) for case, columns in asked if next(iter(columns)) == column and columns[column]]
            found = self._rows(match, column, (columns[column] for _, columns in mine))
            for case, columns in mine:
                case.note(found.get((columns[column],), ()), columns)

    def _by_name(self, match: Match, cases: Sequence[_Case]) -> None:
        (column,) = match.name
        names = [(case, texts(match.name, case.work.record)[column]) for case in cases]
        found = self._rows(match, column, (name for _, name in names))
        for case, name in names:
            case.namesakes = {row["id"]: row for row in found.get((name,), ()) if not case.is_taken(row)}

    def _as_decided(self, match: Match, cases: Sequence[_Case]) -> None:
        found = self._rows(match, match.id, (case.decided or "" for case in cases))
        for case in cases:
            case.agreeing = {row["id"]: row for row in found.get((case.decided or "",), ())}

    def _rows(self, match: Match, column: str, values: Iterable[str]) -> dict[Key, list[Row]]:
        keys = [(value,) for value in dict.fromkeys(values) if value]
        return self._sink.lookup(match.table, (column,), keys, match.columns) if keys else {}


def _conclude(case: _Case, wanted: Mapping[str, int], *, create: bool) -> None:
    decided = case.decided not in (None, CREATE)
    if why := _doubt(case, wanted, decided=decided):
        _park(case, *why)
    elif case.agreeing:
        (row,) = case.agreeing.values()
        name = next(iter(case.match.name))
        case.work.rows.insert(0, case.match.adoption(case.work.record, row[case.match.id]))
        case.work.adopted = f"took over {row[case.match.id]} ({row.get(name, '')}), which the target had already"
    elif not create and case.decided != CREATE:
        words = f"the target has no such {_one(case)}, and `create_unmatched` is off"
        _park(case, "unknown", words, {})


def _doubt(case: _Case, wanted: Mapping[str, int], *, decided: bool) -> tuple[str, str, Mapping[str, Row]] | None:
    """Return why it is not sure which row a record is: a reason's ending, words, and the rows it may be."""
    rows = case.agreeing
    taken = any(case.is_siblings(row) or (case.is_taken(row) and not decided) for row in rows.values())
    others = " and ".join(dict.fromkeys(name for group in case.match.by for name in list(group)[1:]))
    rules: tuple[tuple[object, str, str, Mapping[str, Row]], ...] = (
        (decided and not rows, "ambiguous", f"a decision names {case.decided}, which the target has not", {}),
        (len(rows) > 1, "ambiguous", f"{len(rows)} of the target's own agree with it", rows),
        (any(wanted[number] > 1 for number in rows), "ambiguous", "another record agrees with the same one", rows),
        (taken, "ambiguous", "one of the target's own agrees with it, but has the key of another record", rows),
        (not rows and case.alike, "ambiguous", f"one has the same number, but another {others}", case.alike),
        (case.namesakes, "name_match", "only the name agrees with one of the target's own", case.namesakes),
    )
    return next(((ending, words, found) for holds, ending, words, found in rules if holds), None)


def _park(case: _Case, ending: str, words: str, rows: Mapping[str, Row]) -> None:
    record, match = case.work.record, case.match
    shown = "; ".join(_shown(match, row) for row in list(rows.values())[:SHOWN])
    file = match.decisions.name if match.decisions else "a crosswalk named as `decisions` in the map"
    line = f"{record.company},{record.source_key}"
    case.work.verdict = Verdict(
        State.PARKED,
        f"{_one(case)}_{ending}",
        f"{words}: {shown}" if shown else words,
        next(iter(match.name)),
        ", ".join(row[match.id] for row in list(rows.values())[:SHOWN]) or None,
        f"Decide in {file} of your maps folder, then run again: the line `{line},ID,,,` takes over the row with that "
        f"{match.id}, `{line},{CREATE},,,` makes a new one.",
    )


def _shown(match: Match, row: Row) -> str:
    names = [*match.name, *match.keys]
    told = ", ".join(str(row[name]) for name in names if row.get(name))
    return f"{row[match.id]} ({told})"


def _one(case: _Case) -> str:
    return case.work.record.record_type.removesuffix("s")


def _key(columns: Mapping[str, str]) -> Key:
    return tuple(columns.values())


def _fold(value: object) -> str:
    return str(value or "").strip().casefold()
