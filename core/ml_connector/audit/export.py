"""Export: the books of some time as one file of JSON lines, and a head to keep elsewhere.

The export is itself an event: it names where the exported part of every pipeline begins and ends, so that one hash, the
head, stands for all of it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from hashlib import file_digest
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import func, select

from ml_connector.audit.actions import action
from ml_connector.audit.book import Event
from ml_connector.audit.trail import bound_row
from ml_connector.store.tables import events, runs, tallies
from ml_connector.store.text import stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from ml_connector.store import Store

FORMAT = "ml-connector trail 1"
OWN_PIPELINE = "audit"
"""The pipeline that exports and purges belong to; it is always exported whole."""

EXPORTED = "exported"
_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Head:
    """What is kept elsewhere: it proves that a store, or an export, still has everything up to it."""

    head: str  # hash of the export's last event, which stands for all before it
    seq: int
    run_id: str
    at: str
    since: str | None  # of the runs exported
    until: str | None
    runs: int
    events: int
    file: str
    sha256: str  # of the file

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(asdict(self)), indent=2) + b"\n")


@dataclass(frozen=True, slots=True)
class Part:
    """The exported part of one pipeline's chain."""

    after: str  # what its first event follows
    first: int
    last: int
    head: str
    events: int


def export(store: Store, store_url: str, path: Path, since: str | None = None, until: str | None = None) -> Head:
    """Write the runs that began at or after `since` and before `until`, with all they did, and return the head.

    Raises:
        EnvironmentFault: Another export or purge is under way.
        OSError: The file cannot be written.
    """
    with action(store, store_url, OWN_PIPELINE, "audit export") as doing:
        parts = _parts(doing.connection, doing.run_id, since, until)
        told = {"since": since, "until": until, "parts": {name: asdict(part) for name, part in parts.items()}}
        doing.note(EXPORTED, None, told)
    with store.reading() as connection:
        own = [Event(*row) for row in connection.execute(_events().where(events.c.run_id == doing.run_id))]
        first = {"type": "export", "format": FORMAT, "made_at": stamp(utc_now()), "by": doing.actor, **told}
        counted: dict[str, int] = defaultdict(int)
        with path.open("wb") as file:
            for line in _lines(connection, parts, first, own):
                counted[line["type"]] += 1
                file.write(msgspec.json.encode(line) + b"\n")
    with path.open("rb") as file:
        sha256 = file_digest(file, "sha256").hexdigest()
    last = own[-1]
    place = (last.hash, last.seq, last.run_id, last.at)
    return Head(*place, since, until, counted["run"], counted["event"], path.name, sha256)


def _parts(connection: Connection, own_run: str, since: str | None, until: str | None) -> dict[str, Part]:
    """Return, per pipeline, the part of its chain that the runs of this time wrote."""
    spans = select(runs.c.pipeline, func.min(events.c.seq), func.max(events.c.seq), func.count())
    spans = spans.join(events, events.c.run_id == runs.c.id).where(runs.c.id != own_run)
    spans = spans.group_by(runs.c.pipeline).order_by(runs.c.pipeline)
    if since:
        spans = spans.where((runs.c.started_at >= since) | (runs.c.pipeline == OWN_PIPELINE))
    if until:
        spans = spans.where((runs.c.started_at < until) | (runs.c.pipeline == OWN_PIPELINE))
    parts = {}
    for pipeline, first, last, count in connection.execute(spans).all():
        ends = select(events.c.seq, events.c.previous_hash, events.c.hash).where(events.c.seq.in_([first, last]))
        rows = {row.seq: row for row in connection.execute(ends)}
        parts[pipeline] = Part(rows[first].previous_hash, first, last, rows[last].hash, count)
    return parts


def _lines(
    connection: Connection, parts: dict[str, Part], first: dict[str, Any], own: list[Event]
) -> Iterator[dict[str, Any]]:
    """Yield the first line, then runs, tallies and events in their order; the export's own events come last."""
    yield first
    names = {run_id: name for run_id, name in connection.execute(select(runs.c.id, runs.c.pipeline)) if name in parts}
    wanted = _run_ids(connection, parts, names) | {own[-1].run_id}
    for row in _stream(connection, select(runs).order_by(runs.c.id)):
        if row["id"] in wanted:
            words = {"message": row["message"]} if row["kind"] == "action" else {}  # the verb, which is ours
            yield {"type": "run", **bound_row(row), **words, "head": row["head"]}
    for row in _stream(connection, select(tallies).order_by(tallies.c.run_id)):
        if row["run_id"] in wanted:
            yield {"type": "tally", **row}
    last = max((part.last for part in parts.values()), default=0)
    for row in _stream(connection, _events().where(events.c.seq <= last)):
        part = parts.get(names.get(row["run_id"], ""))
        if part and part.first <= row["seq"] <= part.last:
            yield {"type": "event", **row}
    for event in own:
        yield {"type": "event", **event._asdict()}


def _run_ids(connection: Connection, parts: dict[str, Part], names: dict[str, str]) -> set[str]:
    ids: set[str] = set()
    spans = select(events.c.run_id, func.min(events.c.seq), func.max(events.c.seq)).group_by(events.c.run_id)
    for run_id, first, last in connection.execute(spans):
        part = parts.get(names.get(run_id, ""))
        if part and part.first <= first and last <= part.last:
            ids.add(run_id)
    return ids


def _events() -> Any:
    return select(*(events.c[name] for name in Event._fields)).order_by(events.c.seq)


def _stream(connection: Connection, query: Any) -> Iterator[dict[str, Any]]:
    for row in connection.execution_options(yield_per=_AT_ONCE).execute(query).mappings():
        yield dict(row)
