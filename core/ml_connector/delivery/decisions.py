"""What people decide about dead letters: who, why and what, and what still waits for a second person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, update

from ml_connector.delivery.outbox import pages
from ml_connector.secrets import MASK
from ml_connector.secrets.personal import without_iban
from ml_connector.store.tables import dead_letters, decisions
from ml_connector.store.text import decode, encode, stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

EDIT, DROP, REPLAY = "edit", "drop", "replay"
WAITING, DONE, WITHDRAWN, VOID = "waiting", "done", "withdrawn", "void"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision about one dead letter."""

    id: int
    letter_id: int
    business_key: str
    kind: str
    state: str
    reason: str
    data: Mapping[str, Any]
    at: str
    actor: str
    approved_at: str | None
    approved_by: str | None

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Wish:
    """What one person wants done with a dead letter, and why."""

    letter_id: int
    business_key: str
    kind: str
    reason: str
    data: Mapping[str, Any]


def keep(connection: Connection, wish: Wish, actor: str, state: str) -> int:
    """Write a decision down and return its number."""
    values = {
        "letter_id": wish.letter_id,
        "business_key": wish.business_key,
        "kind": wish.kind,
        "state": state,
        "reason": without_iban(wish.reason, MASK),
        "data": encode(dict(wish.data)),
        "at": stamp(utc_now()),
        "actor": actor,
    }
    number = connection.execute(decisions.insert().returning(decisions.c.id), values).scalar_one()
    return int(number)


def close(connection: Connection, number: int, state: str, actor: str) -> None:
    """Say how a waiting decision ended, and whose word that was."""
    mine = update(decisions).where(decisions.c.id == number, decisions.c.state == WAITING)
    connection.execute(mine.values(state=state, approved_at=stamp(utc_now()), approved_by=actor))


def void_edits(connection: Connection, letter_ids: Sequence[int]) -> None:
    """Say of these letters' edits that they hold no longer: the source record has changed."""
    mine = (decisions.c.letter_id.in_(letter_ids), decisions.c.kind == EDIT, decisions.c.state.in_([DONE, WAITING]))
    connection.execute(update(decisions).where(*mine).values(state=VOID))


def of_keys(connection: Connection, keys: Sequence[str]) -> dict[str, list[Decision]]:
    """Return what was decided about these records, by business key, oldest first."""
    found: dict[str, list[Decision]] = {}
    query = select(decisions).order_by(decisions.c.id)
    for page in pages(keys):
        for row in connection.execute(query.where(decisions.c.business_key.in_(page))).mappings():
            decision = Decision(**{**row, "data": decode(row["data"])})
            found.setdefault(decision.business_key, []).append(decision)
    return found


def all_waiting(connection: Connection) -> list[Decision]:
    """Return what waits for a second person, oldest first; of letters that have closed nothing can be carried out."""
    query = select(decisions).join(dead_letters, dead_letters.c.id == decisions.c.letter_id)
    still = or_(dead_letters.c.closed_at.is_(None), decisions.c.kind == REPLAY)
    rows = connection.execute(query.where(decisions.c.state == WAITING, still).order_by(decisions.c.id)).mappings()
    return [Decision(**{**row, "data": decode(row["data"])}) for row in rows]


def waiting(connection: Connection, letter_id: int) -> Decision | None:
    """Return the decision about a letter that waits for a second person, if one does."""
    query = select(decisions).where(decisions.c.letter_id == letter_id, decisions.c.state == WAITING)
    row = connection.execute(query.order_by(decisions.c.id)).mappings().first()
    return Decision(**{**row, "data": decode(row["data"])}) if row else None
