"""From what a rehearsal saw to the records of a plan: each with its verdict, its rows, and old beside new."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.delivery.outbox import pages
from ml_connector.delivery.sink import State
from ml_connector.mapping.nested import flat
from ml_connector.plan.document import Cell, Record, Row, Verdict
from ml_connector.secrets.sealing import masked
from ml_connector.store.tables import deliveries, effects
from ml_connector.store.text import decode, encode, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from ml_connector.delivery.run import Run
    from ml_connector.delivery.sink import Effect
    from ml_connector.delivery.work import Work


_OLDER_FIRST = "(An older version of it, read in the same run, would be sent before.)"


@dataclass(slots=True)
class Sighting:
    """What a rehearsal saw of one record, all its versions together."""

    withdrawn: bool = False
    effects: dict[str, Effect] = field(default_factory=dict)  # as they would be sent last
    sends: dict[str, dict[str, str]] = field(default_factory=dict)  # source hash → row → hash
    gone: set[str] = field(default_factory=set)
    defaulted: list[str] = field(default_factory=list)
    left_out: Work | None = None  # a rule left it out, and the store does not know it


@dataclass(slots=True)
class _Before:
    """What the store has of a record's last sending."""

    amount: str | None
    delivered: bool
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)  # row → payload that was sent


def draw(now: Connection, before: Connection, run: Run, sightings: Mapping[str, Sighting]) -> list[Record]:
    """Return every record the rehearsal touched; `now` is its own store, `before` the one it was copied from."""
    known = _before(before, run, [key for key, each in sightings.items() if each.effects])
    found = [_left_out(work) for each in sightings.values() if (work := each.left_out) is not None]
    for row in now.execute(select(deliveries).where(deliveries.c.last_run == run.id)).mappings():
        sighting = sightings.get(row["business_key"], Sighting())
        found.append(_record(dict(row), sighting, known.get(row["business_key"])))
    return sorted(found, key=lambda record: (record.company, record.record_type, record.key))


def _before(connection: Connection, run: Run, keys: list[str]) -> dict[str, _Before]:
    found: dict[str, _Before] = {}
    columns = (deliveries.c.business_key, deliveries.c.amount, deliveries.c.settled_source_hash)
    of_row = (effects.c.name, effects.c.payload, effects.c.settled_hash, effects.c.sent_at)
    for page in pages(keys):
        query = select(*columns, *of_row).join(effects, effects.c.delivery_id == deliveries.c.id)
        mine = (deliveries.c.target_id == run.target_id, deliveries.c.business_key.in_(page))
        for key, amount, settled, name, payload, row_settled, sent_at in connection.execute(query.where(*mine)):
            known = found.setdefault(key, _Before(amount, settled is not None))
            known.delivered |= row_settled is not None
            if row_settled is not None or sent_at is not None:
                known.rows[name] = run.store.sealer.reveal(decode(payload))
    return found


def _record(row: Mapping[str, Any], sighting: Sighting, before: _Before | None) -> Record:
    sent = bool(sighting.effects)
    verdict = _verdict(row, sighting, sent, before)
    told = _shown({name: row[name] for name in ("title", "message", "suggestion")})
    value = _shown({row["field"] or "": row["value"]})
    rows = list(_rows(sighting, before))
    message = told["message"]
    if sent and verdict in (Verdict.BLOCKED, Verdict.SKIPPED):
        message = " ".join(filter(None, (message, _OLDER_FIRST)))
    amount_before = before.amount if before and before.delivered and before.amount != row["amount"] else None
    return Record(
        key=row["business_key"],
        company=row["company"],
        record_type=row["record_type"],
        verdict=verdict,
        source_hash=row["source_hash"],
        title=told["title"] or "",
        amount=row["amount"],
        amount_before=amount_before if sent else None,
        currency=row["currency"],
        state=State.UNCHANGED if verdict == Verdict.UNCHANGED else row["state"],
        reason=row["reason"],
        field=row["field"],
        value=value[row["field"] or ""],
        message=message,
        suggestion=told["suggestion"],
        defaulted=sighting.defaulted,
        rows=rows,
        sends=sighting.sends,
    )


def _verdict(row: Mapping[str, Any], sighting: Sighting, sent: bool, before: _Before | None) -> Verdict:
    if row["state"] in (State.SKIPPED, State.WAIVED):
        return Verdict.SKIPPED
    if row["state"] != State.DELIVERED:
        return Verdict.BLOCKED
    if not sent:
        return Verdict.UNCHANGED
    if sighting.withdrawn:
        return Verdict.CANCELLED
    return Verdict.CHANGED if before and before.delivered else Verdict.NEW


def _left_out(work: Work) -> Record:
    record, verdict = work.record, work.verdict
    return Record(
        key=record.business_key,
        company=record.company,
        record_type=record.record_type,
        verdict=Verdict.SKIPPED,
        source_hash=work.source_hash,
        title=_shown({"": record.title})[""] or "",
        amount=None if record.amount is None else str(record.amount),
        currency=record.currency,
        state=State.SKIPPED,
        reason=verdict.reason if verdict else None,
        message=verdict.message if verdict else None,
    )


# rows, field by field


def _rows(sighting: Sighting, before: _Before | None) -> Iterator[Row]:
    sent_last = before.rows if before else defaultdict[str, dict[str, Any]](dict)
    for name, effect in sighting.effects.items():
        old = sent_last.get(name)
        columns = _cells(effect.payload, old)
        change = "new" if old is None else "changed" if columns else "again"
        yield Row(name, effect.table, change, columns)
    for name in sorted(sighting.gone - sighting.effects.keys()):
        yield Row(name, "", "gone")


def _cells(payload: Mapping[str, Any], old: Mapping[str, Any] | None) -> dict[str, Cell]:
    """Return what would be sent of a new row, or how a row differs from what was sent of it last."""
    now = flat(decode(encode(payload)))
    if old is None:
        return {name: Cell(new=text) for name, text in _shown(now).items() if text is not None}
    last = flat(old)
    gone = [name for name in last if name not in now and name.partition(".")[0] in payload]  # lines that disappeared
    differ = [name for name in (*now, *gone) if _plain(now.get(name)) != _plain(last.get(name))]
    new, before = (_shown({name: side.get(name) for name in differ}) for side in (now, last))
    return {name: Cell(new=new[name], old=before[name]) for name in differ}


def _plain(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return None if value is None else str(value)
    return str(plain(Decimal(value) if isinstance(value, int) else value))


def _shown(values: Mapping[str, Any]) -> dict[str, str | None]:
    """Return values for people; bank and personal identifiers are masked (L10)."""
    texts = {name: None if value is None else str(value) for name, value in values.items()}
    shown: dict[str, str | None] = masked(texts)
    return shown
