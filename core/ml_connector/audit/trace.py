"""One record's whole story, from what the store and the trail have of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.audit.book import Event
from ml_connector.audit.links import links
from ml_connector.bulk.load import is_bulk
from ml_connector.delivery.sink import State
from ml_connector.delivery.work import OPEN_STATES
from ml_connector.secrets.sealing import masked
from ml_connector.store.tables import dead_letters, deliveries, effects, events, runs, tallies
from ml_connector.store.text import decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, RowMapping

    from ml_connector.audit.find import Hit

_PASSED = (State.DELIVERED, State.SENT, State.UNCHANGED)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, when, in which run, and what there is to know of it."""

    at: str
    what: str
    run_id: str | None = None
    who: str | None = None
    why: str | None = None
    details: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Story:
    """A record from its first reading until now."""

    record: dict[str, Any]
    steps: list[Step]
    rows: list[dict[str, Any]]
    balance: list[dict[str, Any]]
    links: list[dict[str, Any]]
    """What it is in the other system: `written_as`, or `written_of`, with what became of that record here."""

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data, bank and personal identifiers masked (L10)."""
        told: dict[str, Any] = masked(asdict(self))
        return told


_OF_THE_RECORD = (
    *("business_key", "title", "company", "record_type", "amount", "currency", "document_date", "period"),
    *("target_id", "pipeline", "state", "reason", "field", "message", "suggestion", "since", "verified_at"),
    *("attempts", "next_attempt_at", "source_state", "source_modified_at", "source_hash", "map_version"),
    *("origin", "extracted_at", "last_run", "run_outcome"),
)
_OF_A_ROW = (
    *("name", "table_name", "key", "state", "action", "remote_id", "request_id", "response"),
    *("sent_at", "settled_at", "reason"),
)


def story(connection: Connection, hit: Hit) -> Story:
    """Return the whole story of a record."""
    row = connection.execute(select(deliveries).where(deliveries.c.id == hit.id)).mappings().one()
    record = {name: row[name] for name in _OF_THE_RECORD}
    letters = _letters(connection, hit)
    dated = sorted([*_events(connection, hit, letters), *_superseded(letters)], key=lambda each: each[0])
    rows, balance = _rows(connection, hit), _balance(connection, row)
    return Story(record, [step for _, step in dated], rows, balance, list(links(connection, hit)))


def _rows(connection: Connection, hit: Hit) -> list[dict[str, Any]]:
    query = select(*(effects.c[name] for name in _OF_A_ROW)).where(effects.c.delivery_id == hit.id)
    found = connection.execute(query.order_by(effects.c.phase, effects.c.id)).mappings()
    return [{**row, "key": decode(row["key"])} for row in found]


def _balance(connection: Connection, row: RowMapping) -> list[dict[str, Any]]:
    """Return the line of its last run's balance that it counts in."""
    mine = (
        tallies.c.run_id == row["last_run"],
        tallies.c.company == row["company"],
        tallies.c.record_type == row["record_type"],
        tallies.c.kind == row["run_outcome"],
        tallies.c.currency == (row["currency"] or ""),
    )
    query = select(tallies, runs.c.balance, runs.c.outcome).join(runs, runs.c.id == tallies.c.run_id).where(*mine)
    found = [dict(line) for line in connection.execute(query).mappings()]
    exact = [line for line in found if line["reason"] == (row["reason"] or "")]
    return exact or found


def _events(connection: Connection, hit: Hit, letters: Sequence[RowMapping]) -> Iterator[tuple[str, Step]]:
    """Yield what the trail tells, with the moment it was written: clocks of taps are not the store's."""
    kept = {letter["run_id"]: f"its original is kept as dead letter {letter['id']}" for letter in letters}
    of_run = [runs.c[name] for name in ("kind", "actor", "host", "mapping", "map_version", "message", "pipeline")]
    columns = [events.c[name].label(f"e_{name}") for name in Event._fields]
    query = select(*columns, *of_run).join(runs, runs.c.id == events.c.run_id)
    mine = (events.c.business_key == hit.business_key, runs.c.target_id == hit.target_id)
    read: tuple[str, str] | None = None
    for row in connection.execute(query.where(*mine).order_by(events.c.seq)).mappings():
        event = Event(*(row[f"e_{name}"] for name in Event._fields))
        told = event.told
        if row["kind"] == "action":
            yield event.at, _decided(event, row, told)
            continue
        version = (told.get("received") or told.get("source_hash") or "", told.get("origin") or "")
        if any(version) and version != read:
            read = version
            yield event.at, _read(event, row, told)
        yield event.at, _outcome(event, told, kept.pop(event.run_id, "") if event.kind in OPEN_STATES else "")


def _read(event: Event, row: RowMapping, told: dict[str, Any]) -> Step:
    version = told.get("received") or told.get("source_hash") or ""
    details = [
        f"from {told['origin']}" if told.get("origin") else "",
        f"changed in the source at {told['modified_at']}" if told.get("modified_at") else "",
        f"version {version[:8]}, {_read_with(row)}",
        f"amount {told['currency']} {told['amount']}" if told.get("amount") and told.get("currency") else "",
    ]
    return Step(told.get("extracted_at") or event.at, "read", event.run_id, details=list(filter(None, details)))


def _read_with(row: RowMapping) -> str:
    if is_bulk(row["mapping"]):
        return "taken as it came: its pipeline loads in bulk, without maps"
    return f"read with the maps {row['mapping']}, version {row['map_version'][:8]}"


def _outcome(event: Event, told: dict[str, Any], kept: str) -> Step:
    reason = told.get("reason", "")
    cause = f": {reason}" + (f", field {told['field']}" if told.get("field") else "") if reason else ""
    details = [_line(name, row) for name, row in told.get("rows", {}).items()]
    if event.data is None:
        details.append("its details were purged")
    elif event.kind in _PASSED:
        sent = details or told.get("batch")
        details.insert(0, "all checks passed" if sent else "all checks passed; nothing had to be sent")
    details += [f"row {name} is no longer in the source" for name in told.get("gone", ())]
    details += [kept] if kept else []
    details += [f"a newer version, or this one, was loaded with batch {told['batch']}"] if told.get("batch") else []
    details += [f"with the change a person made to {', '.join(told['edited'])}"] if told.get("edited") else []
    return Step(event.at, f"{event.kind.replace('_', ' ')}{cause}", event.run_id, details=details)


def _line(name: str, row: dict[str, Any]) -> str:
    """Return one row of an attempt: `header → invoices: created, HTTP 201, id 7, request 12`."""
    words = [row.get("action") or row.get("state"), row.get("reason"), row.get("response")]
    words += [
        f"{label} {row[part]}" for part, label in (("target_id", "id"), ("request_id", "request")) if row.get(part)
    ]
    return f"{name} → {row.get('table', '?')}: {', '.join(word for word in words if word)}"


def _decided(event: Event, row: RowMapping, told: dict[str, Any]) -> Step:
    changes = told.get("changes")
    details = [f"{path}: {change}" for path, change in changes.items()] if isinstance(changes, dict) else []
    details += [f"asked for by {told['asked_by']}"] if told.get("asked_by") else []
    who = f"{row['actor']} on {row['host']}"
    return Step(event.at, event.kind.replace("_", " "), event.run_id, who, told.get("reason"), details)


def _letters(connection: Connection, hit: Hit) -> Sequence[RowMapping]:
    mine = (dead_letters.c.business_key == hit.business_key, dead_letters.c.target_id == hit.target_id)
    query = select(*(dead_letters.c[name] for name in ("id", "run_id", "closed_at", "closed_by")))
    return connection.execute(query.where(*mine).order_by(dead_letters.c.id)).mappings().all()


def _superseded(letters: Sequence[RowMapping]) -> Iterator[tuple[str, Step]]:
    for letter in letters:
        if letter["closed_by"] == "superseded":
            yield (
                letter["closed_at"],
                Step(letter["closed_at"], f"a newer version took the place of dead letter {letter['id']}"),
            )
