"""What a record is in the other system: what we wrote of it came back through a tap, or it came of what we wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.store.tables import deliveries, effects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from ml_connector.audit.find import Hit

_TOLD = ("title", "state", "reason", "since", "pipeline")


def links(connection: Connection, hit: Hit) -> Iterator[dict[str, Any]]:
    """Yield the records on the other side, each with its state; one that no tap has read back yet has none."""
    written = select(effects.c.known_as).where(effects.c.delivery_id == hit.id, effects.c.known_as.is_not(None))
    for known_as in connection.execute(written).scalars():
        if "?" not in known_as:  # else the target has not told its key
            yield {"kind": "written_as", "business_key": known_as, **_state(connection, known_as)}
    mine = (effects.c.known_as == hit.business_key, deliveries.c.id != hit.id)
    query = select(deliveries.c.business_key).join(effects, effects.c.delivery_id == deliveries.c.id).where(*mine)
    for origin in connection.execute(query).scalars():
        yield {"kind": "written_of", "business_key": origin, **_state(connection, origin)}


def _state(connection: Connection, business_key: str) -> dict[str, Any]:
    columns = [deliveries.c[name] for name in _TOLD]
    query = select(*columns).where(deliveries.c.business_key == business_key).order_by(deliveries.c.id).limit(1)
    row = connection.execute(query).mappings().first()
    return dict(row) if row else dict.fromkeys(_TOLD)
