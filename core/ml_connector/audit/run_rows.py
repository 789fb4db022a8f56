"""A run's line and tallies against the events that bind them, and the order of a run's events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector.audit.chain import bound
from ml_connector.audit.findings import Finding
from ml_connector.audit.trail import ENDED, STARTED, TALLIES, hash_tallies

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ml_connector.audit.book import Book, Event
    from ml_connector.audit.findings import Report

_MAY_COME_LATER = frozenset({"plan", "state_from", "state_to"})
"""Columns that are filled in while a run is under way; its end binds them."""


@dataclass(slots=True)
class _Open:
    """The run whose events are being read."""

    run_id: str
    pipeline: str
    last: Event
    told: dict[str, Any] = field(default_factory=dict)
    ended: bool = False


def _hashed(value: Any) -> Any:
    return bound(value) if isinstance(value, str) else value


class RunRows:
    """Follows the events of every run, and looks at its line when the last one has been read."""

    def __init__(self, book: Book, report: Report) -> None:
        self._book = book
        self._report = report
        self._open: dict[str, _Open] = {}
        self._met: set[str] = set()

    def follow(self, event: Event, pipeline: str) -> None:
        """Take the next event of a pipeline."""
        run = self._open.get(pipeline)
        if run is None or run.run_id != event.run_id:
            run = self._next(event, pipeline)
        elif event.kind == STARTED:
            self._tell(run, event, "the run begins a second time")
        elif run.ended:
            self._tell(run, event, "comes after the end of its run")
        if event.kind in (STARTED, ENDED):
            run.told = run.told | event.told
            run.ended = run.ended or event.kind == ENDED
        run.last = event

    def _next(self, event: Event, pipeline: str) -> _Open:
        if (before := self._open.get(pipeline)) is not None:
            self._close(before)
        run = self._open[pipeline] = _Open(event.run_id, pipeline, event)
        if event.run_id in self._met:
            self._tell(run, event, "its run was over: another one had begun")
        elif event.kind != STARTED:
            self._tell(run, event, "is the first of its run, but it is not the run's beginning")
        self._met.add(event.run_id)
        return run

    def end(self, run_ids: Iterable[str]) -> None:
        """Look at the last run of each pipeline, and for lines and tallies without any event."""
        for run in self._open.values():
            self._close(run)
        self._report.runs = len(self._met)
        for run_id in run_ids:
            if run_id not in self._met:
                words = "no event of this run is there: its line was inserted, or its events were deleted"
                self._report.add(Finding(words, run_id))
        for run_id in self._book.strays():
            self._report.add(Finding("there are tallies of this run, but not its line", run_id))

    def _close(self, run: _Open) -> None:
        row = self._book.row_of(run.run_id)
        head = row.pop("head")
        for name in sorted(row.keys() | run.told.keys() - {TALLIES, "heads"}):
            if self._differs(run, name, row.get(name)):
                self._tell(run, run.last, f"the run's line says otherwise: {name} was changed")
        if head != (run.last.hash if run.ended else None):
            words = "the run's line names another event as its last: the line was changed, or the end was cut off"
            self._tell(run, run.last, words)
        tallies = run.told.get(TALLIES) if run.ended else hash_tallies([])
        if tallies and tallies != self._book.tallies_of(run.run_id):
            self._tell(run, run.last, "its tallies were changed: they are not those of its end")

    @staticmethod
    def _differs(run: _Open, name: str, value: Any) -> bool:
        told = run.told.get(name)
        if told is None and not run.ended:
            return value is not None and name not in _MAY_COME_LATER
        if told is None and TALLIES not in run.told:
            return False  # a release before this one bound fewer columns
        return all(one != other for one in (value, _hashed(value)) for other in (told, _hashed(told)))

    def _tell(self, run: _Open, event: Event, words: str) -> None:
        self._report.add(Finding(words, run.run_id, run.pipeline, event.seq, event.at, event.business_key))
