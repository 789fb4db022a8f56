"""Finding a record by any handle a person has: its key or a part of it, its number, its id in the target."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from ml_connector.store.tables import dead_letters, deliveries, effects

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST = 50
_ESCAPE = "\\"


@dataclass(frozen=True, slots=True)
class Hit:
    """A delivery that a handle means."""

    id: int
    target_id: str
    business_key: str
    pipeline: str
    company: str
    record_type: str
    title: str
    state: str
    amount: str | None
    currency: str | None

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return asdict(self)


def find(connection: Connection, handle: str) -> list[Hit]:
    """Return what a handle means, at most 50: what it names exactly, else what ends with it or is called so.

    Exact are a business key, the id of a row in the target, and `#12`, the number of a dead letter.
    """
    if handle.startswith("#") and handle[1:].isdigit():
        return _select(connection, _letter(int(handle[1:])))
    in_target = deliveries.c.id.in_(select(effects.c.delivery_id).where(effects.c.remote_id == handle))
    for exact in (deliveries.c.business_key == handle, in_target):
        if found := _select(connection, exact):
            return found
    text = handle.replace(_ESCAPE, _ESCAPE * 2).replace("%", r"\%").replace("_", r"\_")
    tails = [deliveries.c.business_key.like(f"%{sign}{text}", escape=_ESCAPE) for sign in (":", "/")]
    called = [
        func.lower(deliveries.c.title).like(each.lower(), escape=_ESCAPE) for each in (text, f"{text} %", f"% {text}")
    ]
    number = [_letter(int(handle))] if handle.isdecimal() and len(handle) < 10 else []  # noqa: PLR2004  # fits an integer
    return _select(connection, or_(*tails, *called, *number))


def _letter(number: int) -> Any:
    same = (dead_letters.c.business_key == deliveries.c.business_key) & (
        dead_letters.c.target_id == deliveries.c.target_id
    )
    return select(dead_letters.c.id).where(dead_letters.c.id == number, same).exists()


def _select(connection: Connection, wanted: Any) -> list[Hit]:
    columns = [deliveries.c[name] for name in Hit.__slots__]
    query = select(*columns).where(wanted).order_by(deliveries.c.business_key, deliveries.c.id).limit(MOST)
    return [Hit(*row) for row in connection.execute(query)]
