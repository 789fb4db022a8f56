"""What has happened to a record that waits: its versions, its attempts, and what people decided, in order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from ml_connector.delivery import decisions, edited
from ml_connector.delivery.sink import State
from ml_connector.secrets.sealing import masked
from ml_connector.store.tables import dead_letters, events
from ml_connector.store.text import decode
from ml_connector.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from ml_connector.cli.letters import Letter
    from ml_connector.delivery.decisions import Decision

_TOLD = (*State, edited.VOID)
"""The kinds of events that are shown; what people decided is told in their own words."""


class Entry(NamedTuple):
    """One line of the history."""

    at: str
    what: str
    who: str = ""
    why: str = ""


def history(connection: Connection, letter: Letter) -> list[Entry]:
    """Return what happened to a letter's record, oldest first."""
    made = decisions.of_keys(connection, [letter.business_key]).get(letter.business_key, [])
    told = [*_versions(connection, letter), *_events(connection, letter)]
    told += [entry for decision in made for entry in _decision(decision)]
    return sorted(told, key=lambda entry: entry.at)


def _versions(connection: Connection, letter: Letter) -> Iterator[Entry]:
    same = (dead_letters.c.business_key == letter.business_key, dead_letters.c.target_id == letter.target_id)
    for row in connection.execute(select(dead_letters).where(*same)).mappings():
        yield Entry(row["opened_at"], f"dead letter {row['id']} opened by run {row['run_id']}")
        if row["closed_at"]:
            yield Entry(row["closed_at"], f"dead letter {row['id']} closed: {row['closed_by']}")


def _events(connection: Connection, letter: Letter) -> Iterator[Entry]:
    query = select(events.c.at, events.c.kind, events.c.run_id, events.c.data)
    mine = (events.c.business_key == letter.business_key, events.c.kind.in_(_TOLD))
    for at, kind, run_id, data in connection.execute(query.where(*mine).order_by(events.c.seq)):
        facts: dict[str, Any] = decode(data) if data else {}
        fields = ", ".join(facts.get("fields") or facts.get("edited") or ())
        words = ": ".join(filter(None, (plain(kind), facts.get("reason"), fields)))
        if kind != State.WAIVED:  # somebody's decision, told as such
            yield Entry(at, f"{words} (run {run_id})")


def _decision(decision: Decision) -> Iterator[Entry]:
    asked = decision.state == decisions.WAITING or decision.approved_by
    verb = (
        f"asked for: {decision.kind}" if asked else {"edit": "edited", "drop": "dropped"}.get(decision.kind, "replayed")
    )
    changes = ", ".join(changed(decision.data.get("changes") or {}))
    yield Entry(decision.at, f"{verb} {changes}".rstrip(), decision.actor, decision.reason)
    if decision.approved_at and decision.approved_by:
        ending = "withdrawn" if decision.state == decisions.WITHDRAWN else "approved"
        yield Entry(decision.approved_at, f"{decision.kind} {ending}", decision.approved_by)


def changed(edit: dict[str, Any]) -> Iterator[str]:
    """Yield each change of an edit: `lines[0].account: 4000 → 4010`."""
    for path, (old, new) in masked(edit).items():
        yield f"{path}: {_shown(old)} → {_shown(new)}"


def _shown(value: Any) -> str:
    return "(empty)" if value is None else str(value)
