"""Retention: what is too old loses its content, and an event in the chain, a tombstone, says what, how much and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from ml_connector.audit.actions import action
from ml_connector.audit.export import OWN_PIPELINE
from ml_connector.audit.spans import Spans
from ml_connector.audit.verify import PURGED
from ml_connector.delivery.decisions import WAITING
from ml_connector.delivery.sink import State
from ml_connector.delivery.withdrawal import CANCELLED
from ml_connector.delivery.work import OPEN_STATES
from ml_connector.store.tables import dead_letters, decisions, deliveries, effects, events
from ml_connector.store.text import encode

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from ml_connector.store import Store

_SETTLED = (State.DELIVERED, State.SKIPPED)
_NOTHING = encode({})


@dataclass(frozen=True, slots=True)
class Purged:
    """How much was purged."""

    payloads: int  # rows that were sent
    records: int  # originals of closed dead letters, with what was edited in them
    decisions: int  # what people changed, once it is done; who, when and why stay
    events: int  # lines of the trail that lost their data, not their place


def purge(store: Store, store_url: str, before: str, reason: str, company: str | None = None) -> Purged:
    """Purge what was settled before a moment; of a record that still waits for anything, nothing.

    A row keeps its key, its hashes and its id in the target: unchanged records are still recognised, and a withdrawn
    one can still be cancelled.

    Raises:
        EnvironmentFault: Another purge or export is under way.
    """
    with action(store, store_url, OWN_PIPELINE, "audit purge") as doing:
        connection = doing.connection
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA secure_delete = ON")  # else the content stays in the file's free pages
        told = _of_events(company) & (events.c.at < before)
        spans = Spans.of(connection.execute(select(events.c.seq).where(told).order_by(events.c.seq)).scalars())
        done = Purged(
            payloads=_change(connection, effects, _of_rows(company, before), payload=effects.c.key),
            records=_change(connection, dead_letters, _of_letters(company, before), record=_NOTHING, edit=None),
            decisions=_change(connection, decisions, _of_decisions(company, before), data=_NOTHING),
            events=_change(connection, events, told, data=None),
        )
        words = {"reason": reason, "before": before, "company": company, "counts": asdict(done)}
        doing.note(PURGED, None, {**words, "events": str(spans)})
    return done


def _change(connection: Connection, table: Any, wanted: ColumnElement[bool], **values: Any) -> int:
    count: int = connection.execute(select(func.count()).select_from(table).where(wanted)).scalar_one()
    connection.execute(update(table).where(wanted).values(**values))
    return count


def _of_events(company: str | None) -> ColumnElement[bool]:
    """Return which events may lose their data: not those of open records, nor the last word on a record.

    The last word is what the record's delivery is verified against.
    """
    later = events.alias()
    newer = (later.c.business_key == events.c.business_key) & (later.c.seq > events.c.seq)
    overtaken = select(later.c.seq).where(newer, later.c.kind.in_([*State, CANCELLED])).exists()
    mine = deliveries.c.business_key == events.c.business_key
    still_open = select(deliveries.c.id).where(mine, deliveries.c.state.in_(OPEN_STATES)).exists()
    found = (events.c.business_key.is_not(None)) & (events.c.data.is_not(None)) & ~still_open & overtaken
    if company is None:
        return found
    return found & select(deliveries.c.id).where(mine, deliveries.c.company == company).exists()


def _of_rows(company: str | None, before: str) -> ColumnElement[bool]:
    closed = select(deliveries.c.id).where(deliveries.c.state.not_in(OPEN_STATES))
    if company is not None:
        closed = closed.where(deliveries.c.company == company)
    old = func.coalesce(effects.c.settled_at, effects.c.sent_at) < before
    mine = effects.c.delivery_id.in_(closed) & effects.c.state.in_(_SETTLED)
    return mine & old & (effects.c.payload != effects.c.key)


def _of_decisions(company: str | None, before: str) -> ColumnElement[bool]:
    found = (decisions.c.at < before) & (decisions.c.state != WAITING) & (decisions.c.data != _NOTHING)
    mine = deliveries.c.business_key == decisions.c.business_key
    still_open = select(deliveries.c.id).where(mine, deliveries.c.state.in_(OPEN_STATES)).exists()
    if company is not None:
        found &= select(deliveries.c.id).where(mine, deliveries.c.company == company).exists()
    return found & ~still_open


def _of_letters(company: str | None, before: str) -> ColumnElement[bool]:
    found = (dead_letters.c.closed_at < before) & (dead_letters.c.record != _NOTHING)
    if company is None:
        return found
    mine = (deliveries.c.target_id == dead_letters.c.target_id) & (
        deliveries.c.business_key == dead_letters.c.business_key
    )
    return found & select(deliveries.c.id).where(mine, deliveries.c.company == company).exists()
