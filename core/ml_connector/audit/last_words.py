"""Deliveries and their rows against the trail's last word on them: what they came to cannot be edited unseen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.audit.book import Event
from ml_connector.audit.findings import Finding
from ml_connector.delivery.news import BOUND
from ml_connector.delivery.sink import State
from ml_connector.store.tables import deliveries, effects, events, runs
from ml_connector.store.text import storable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Row

    from ml_connector.audit.findings import Report

_AT_ONCE = 500
GOING_OUT = "going_out"
"""Why a record is in doubt while its request leaves; only a run that was killed leaves it so."""

_STATES = frozenset(State)
Key = tuple[str, str]  # target, business key


@dataclass(slots=True)
class _LastWord:
    """What the trail says of a record, its events taken together; a value that is not told is missing."""

    event: Event
    content: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    whole: bool = True  # no event was purged, and none is of a release that told less

    def take(self, event: Event, *, decided: bool) -> None:
        """Add the next event, one of a run, or one that says what a person decided."""
        self.event, told = event, event.told
        rows = _mapping(told.get("rows"))
        self.rows |= {name: _mapping(row) for name, row in rows.items()}
        gone = told.get("gone")
        self.gone = (self.gone | set(map(str, gone if isinstance(gone, list) else ()))) - rows.keys()
        if "state" in told:
            self.content = {name: _as_kept(told.get(name)) for name in BOUND}
        elif event.kind in _STATES:
            state = State.DELIVERED if event.kind == State.UNCHANGED else event.kind
            if decided:
                kept = {name: value for name, value in self.content.items() if name in ("amount", "currency")}
                self.content = kept | {"state": state}
            else:
                self.content, self.whole = {"state": state}, False


def _mapping(told: Any) -> dict[str, Any]:
    """Return a mapping as it is; whatever else somebody put in its place, which its hash tells, as an empty one."""
    return told if isinstance(told, dict) else {}


def _as_kept(told: Any) -> Any:
    """Return a value as a database keeps it."""
    return storable(told) if isinstance(told, str) else told


def check_deliveries(connection: Connection, report: Report, pipeline: str | None = None) -> None:
    """Compare every delivery, and its rows, with what the trail says; a page of them at a time."""
    killed = set(connection.execute(select(runs.c.id).where(runs.c.ended_at.is_(None))).scalars())
    for page in _pages(connection, pipeline):
        words = _last_words(connection, page)
        rows = _rows(connection, page)
        for delivery in page:
            report.deliveries += 1
            word = words.get((delivery.target_id, delivery.business_key))
            if delivery.reason == GOING_OUT and delivery.last_run in killed:
                continue
            for what in _compare(delivery, word, rows.get(delivery.id, [])):
                report.add(_finding(what, delivery, word))
    _tell_missing(connection, report, pipeline)


def _pages(connection: Connection, pipeline: str | None) -> Iterator[Sequence[Row[Any]]]:
    names = ("id", "target_id", "business_key", "pipeline", "last_run", *BOUND)
    query = select(*(deliveries.c[name] for name in names)).order_by(deliveries.c.id).limit(_AT_ONCE)
    if pipeline:
        query = query.where(deliveries.c.pipeline == pipeline)
    last = 0
    while page := connection.execute(query.where(deliveries.c.id > last)).all():
        last = page[-1].id
        yield page


def _last_words(connection: Connection, page: Sequence[Row[Any]]) -> dict[Key, _LastWord]:
    columns = [events.c[name] for name in Event._fields]
    query = select(runs.c.target_id, runs.c.kind.label("run_kind"), *columns).join(runs, runs.c.id == events.c.run_id)
    query = query.where(events.c.business_key.in_([row.business_key for row in page])).order_by(events.c.seq)
    words: dict[Key, _LastWord] = {}
    for target_id, run_kind, *row in connection.execute(query):
        event = Event(*row)
        word = words.setdefault((target_id, event.business_key or ""), _LastWord(event))
        word.take(event, decided=run_kind == "action")
    return words


def _rows(connection: Connection, page: Sequence[Row[Any]]) -> dict[int, list[Row[Any]]]:
    names = ("delivery_id", "name", "state", "action", "remote_id")
    query = select(*(effects.c[name] for name in names)).where(effects.c.delivery_id.in_([row.id for row in page]))
    found: dict[int, list[Row[Any]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.delivery_id, []).append(row)
    return found


def _compare(delivery: Row[Any], word: _LastWord | None, rows: Sequence[Row[Any]]) -> Iterator[str]:
    if word is None:
        yield "the trail does not know this delivery: it was inserted"
        return
    for name in BOUND:
        if name in word.content and getattr(delivery, name) != word.content[name]:
            yield f"the delivery's {name} is not what the trail says of it last"
    arrived = {name for name, row in word.rows.items() if row.get("state") == State.DELIVERED} - word.gone
    for row in rows:
        if not word.whole and row.name not in word.rows:
            continue
        told = word.rows.get(row.name, {})
        claimed = (row.state, row.action or None, row.remote_id)
        if row.state == State.DELIVERED and claimed != tuple(
            _as_kept(told.get(n)) for n in ("state", "action", "target_id")
        ):
            yield f"its row {row.name} is not what the trail says of it last"
        elif delivery.state == State.DELIVERED and row.state not in (State.DELIVERED, State.SKIPPED):
            yield f"its row {row.name} is {row.state}, though the trail says that all of it arrived"
    if missing := arrived - {row.name for row in rows}:
        yield f"rows that arrived are no longer there: {', '.join(sorted(missing))}"


def _tell_missing(connection: Connection, report: Report, pipeline: str | None) -> None:
    """Tell of records that the trail knows and whose delivery is gone."""
    here = select(deliveries.c.id).where(deliveries.c.business_key == events.c.business_key)
    query = select(runs.c.pipeline, *(events.c[name] for name in Event._fields)).join(
        runs, runs.c.id == events.c.run_id
    )
    query = query.where(events.c.kind.in_(list(State)), events.c.business_key.is_not(None), ~here.exists())
    if pipeline:
        query = query.where(runs.c.pipeline == pipeline)
    for name, *row in connection.execute(query.order_by(events.c.seq)):
        event = Event(*row)
        place = (event.run_id, name, event.seq, event.at, event.business_key)
        report.add(Finding("the delivery that this event tells of is gone", *place))


def _finding(words: str, delivery: Row[Any], word: _LastWord | None) -> Finding:
    if word is None:
        return Finding(words, delivery.last_run, delivery.pipeline, business_key=delivery.business_key)
    place = (word.event.run_id, delivery.pipeline, word.event.seq, word.event.at, delivery.business_key)
    return Finding(words, *place)
