"""Verification: follow every chain link by link, and compare what the events bind with what is there now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ml_connector.audit.chain import hash_text, link
from ml_connector.audit.findings import Finding, Report
from ml_connector.audit.run_rows import RunRows
from ml_connector.audit.spans import Spans
from ml_connector.audit.trail import HEADS, STARTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.audit.book import Book, Event, Scope

PURGED = "purged"
"""The event that says which events' data was purged, and why: a tombstone."""


class Witness(NamedTuple):
    """Somebody saw an event when it was the newest of its pipeline: a run that began, or an exported head."""

    hash: str
    pipeline: str | None
    words: str


@dataclass(slots=True)
class _Chain:
    """How far one pipeline's chain was followed; `ends` are the hashes that the next event may follow."""

    ends: tuple[str, ...]
    seq: int | None = None
    run_id: str | None = None


@dataclass(slots=True)
class Verifier:
    """Goes through a book from end to end, after a first look for what later events say of earlier ones.

    `seen` are events that must be there, by their place; more are gathered from the runs that saw them.
    """

    book: Book
    seen: dict[int, Witness] = field(default_factory=dict)
    report: Report = field(default_factory=Report)
    _chains: dict[str, _Chain] = field(default_factory=dict)
    _purged: Spans = field(default_factory=Spans)

    def verify(self, must_have: str | None = None) -> Report:
        """Return what is wrong, or that nothing is; `must_have` is the hash of an event that must be there."""
        pipelines = self.book.pipelines()
        rows = RunRows(self.book, self.report)
        self._look_ahead(pipelines)
        for event in self.book.events():
            pipeline = pipelines.get(event.run_id)
            scope = self.book.scope(pipeline) if pipeline else None
            if pipeline and scope:
                self._follow(event, pipeline, scope)
                rows.follow(event, pipeline)
                must_have = None if must_have == event.hash else must_have
            elif not pipeline:
                self._tell(event, "belongs to no run that is there: the run's line was deleted, or the event inserted")
        rows.end([run_id for run_id, name in pipelines.items() if self.book.scope(name)])
        self._end(must_have)
        return self.report

    def _look_ahead(self, pipelines: Mapping[str, str]) -> None:
        tombstones = []
        for event in self.book.events(STARTED, PURGED):
            if event.kind == PURGED:
                tombstones.append(str(event.told.get("events", "")))
                continue
            words = f"run {event.run_id} of {pipelines.get(event.run_id)} saw it when it began, at {event.at}"
            for pipeline, (seq, link_hash) in _heads(event.told).items():
                scope = self.book.scope(pipeline)
                if scope and scope.first <= seq and (scope.last is None or seq <= scope.last):
                    self.seen.setdefault(seq, Witness(link_hash, pipeline, words))
        self._purged = Spans.read(*tombstones)

    def _follow(self, event: Event, pipeline: str, scope: Scope) -> None:
        chain = self._chains.setdefault(pipeline, _Chain((scope.after,)))
        right = link(event.previous_hash, *event[:5], event.data_hash)
        if event.data is None:
            self.report.purged += 1
            if event.seq not in self._purged:
                self._tell(event, "its data was taken away, and no purge says so", pipeline, chain)
        elif hash_text(str(event.data)) != event.data_hash:  # somebody may have put bytes there
            self._tell(event, "its data was changed", pipeline, chain)
        if right != event.hash:
            self._tell(event, "one of its columns was changed: its hash is that of others", pipeline, chain)
        elif event.previous_hash not in chain.ends:
            self._tell(event, _gap(chain), pipeline, chain)
        witness = self.seen.pop(event.seq, None)
        if witness and witness.hash not in (event.hash, right):
            self._tell(event, f"is not the event that was there: {witness.words}", pipeline, chain)
        chain.ends, chain.seq, chain.run_id = (event.hash, right), event.seq, event.run_id
        self.report.count(event.at, pipeline, event.hash)

    def _tell(self, event: Event, words: str, pipeline: str | None = None, chain: _Chain | None = None) -> None:
        place = (event.run_id, pipeline, event.seq, event.at, event.business_key)
        self.report.add(Finding(words, *place, after=chain.seq if chain else None))

    def _end(self, missing: str | None) -> None:
        for seq, witness in sorted(self.seen.items()):
            words = f"this event is gone: {witness.words}; the end of its chain was cut off, or it was deleted"
            self.report.add(Finding(words, pipeline=witness.pipeline, seq=seq))
        if missing:
            words = f"no event has the hash {missing}: the end of the trail was cut off, or all of it was written anew"
            self.report.add(Finding(words))


def _gap(chain: _Chain) -> str:
    if chain.seq is None:
        return "is the first of its pipeline that is there, but it followed another one: the beginning was deleted"
    return (
        f"does not follow the event before it, {chain.seq} of run {chain.run_id}: "
        "one of the two was changed, or one was deleted, inserted or moved between them"
    )


def _heads(data: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    """Return the heads of other pipelines that a run saw when it began; nothing when somebody made them unreadable."""
    try:
        return msgspec.convert(data.get(HEADS, {}), dict[str, tuple[int, str]])
    except msgspec.ValidationError:
        return {}
