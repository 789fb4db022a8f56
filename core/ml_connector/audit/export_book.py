"""The books in an exported file, for verification without store or project."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from ml_connector.audit.book import Event, Scope
from ml_connector.audit.chain import GENESIS
from ml_connector.audit.export import EXPORTED, FORMAT, OWN_PIPELINE, Part
from ml_connector.audit.findings import Finding, Report
from ml_connector.audit.trail import hash_tallies
from ml_connector.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TALLY = ("company", "record_type", "kind", "reason", "currency", "count", "amount")


class ExportBook:
    """Reads a file in passes, so that no more than its runs are kept in memory."""

    def __init__(self, path: Path) -> None:
        """Open an export.

        Raises:
            ConfigError: It is no export of this format.
        """
        self._path = path
        self.unreadable: list[Finding] = []
        self._rows: dict[str, dict[str, Any]] = {}
        self._tallies: dict[str, str] = {}
        first = next(self._lines(), {})
        if first.get("format") != FORMAT:
            raise ConfigError(f"{path} is no export of ml-connector. Name a file that `audit export` wrote.")
        self.parts = _parts(self._look_through())
        if self.parts != _parts(first.get("parts")):
            self.unreadable.append(Finding("the first line says otherwise than the export's own event what is in here"))

    def _look_through(self) -> Any:
        """Gather runs and tallies; return what the export's own event, the last of its kind, says is in the file."""
        found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        parts: Any = {}
        for number, line in enumerate(self._lines(), 1):
            kind, event = line.get("type"), _event(line) if line.get("type") == "event" else None
            if kind == "run" and str(line.get("id")) not in self._rows:
                self._rows[str(line.get("id"))] = {name: line[name] for name in line if name != "type"}
            elif kind == "tally" and (values := _tally(line)):
                found[str(line.get("run_id"))].append(values)
            elif event and event.kind == EXPORTED:
                parts = event.told.get("parts")
            elif not event and (kind != "export" or number > 1):
                self.unreadable.append(Finding(f"line {number} of the file cannot be read, or is there twice"))
        self._tallies = {run_id: hash_tallies(rows) for run_id, rows in found.items()}
        return parts

    def _lines(self) -> Iterator[dict[str, Any]]:
        with self._path.open("rb") as file:
            for text in file:
                try:
                    line = msgspec.json.decode(text)
                except msgspec.DecodeError:
                    line = None
                yield line if isinstance(line, dict) else {}

    def pipelines(self) -> dict[str, str]:
        """Return the pipeline of every run."""
        return {run_id: str(row.get("pipeline")) for run_id, row in self._rows.items()}

    def row_of(self, run_id: str) -> dict[str, Any]:
        """Return what the trail would bind of a line of `runs`, and its `head`."""
        return {"head": None, **self._rows[run_id]}

    def tallies_of(self, run_id: str) -> str:
        """Return the hash of a run's tallies."""
        return self._tallies.get(run_id) or hash_tallies([])

    def strays(self) -> list[str]:
        """Return the runs of which there are tallies, but no line."""
        return sorted(self._tallies.keys() - self._rows.keys())

    def events(self, *kinds: str) -> Iterator[Event]:
        """Yield the events in order, or those of some kinds."""
        for line in self._lines():
            if line.get("type") == "event" and (not kinds or line.get("kind") in kinds):
                event = _event(line)
                if event is not None:
                    yield event

    def scope(self, pipeline: str) -> Scope | None:
        """Return which part of a pipeline's chain is here."""
        part = self.parts.get(pipeline)
        if pipeline == OWN_PIPELINE:
            return Scope(part.after if part else GENESIS)
        return Scope(part.after, part.first, part.last) if part else Scope(last=-1)

    def check_ends(self, report: Report) -> None:
        """Compare where every chain ended with what the export's own event says."""
        for finding in self.unreadable:
            report.add(finding)
        for pipeline, part in self.parts.items():
            if pipeline != OWN_PIPELINE and report.heads.get(pipeline) != part.head:
                words = f"its part of the chain does not end with event {part.last}, as the export says: it was cut off"
                report.add(Finding(words, pipeline=pipeline, seq=part.last))


def _tally(line: dict[str, Any]) -> tuple[Any, ...] | None:
    values = tuple(line.get(name) for name in _TALLY)
    right = all(isinstance(value, int if name == "count" else str) for name, value in zip(_TALLY, values, strict=True))
    return values if right else None


def _event(line: dict[str, Any]) -> Event | None:
    try:
        return msgspec.convert([line.get(name) for name in Event._fields], Event)
    except msgspec.ValidationError:
        return None


def _parts(told: Any) -> dict[str, Part]:
    try:
        return msgspec.convert(told or {}, dict[str, Part])
    except msgspec.ValidationError:
        return {}
