"""What the target holds now of the rows a plan would change: where that is not what was sent, the plan says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from ml_connector.delivery import outbox
from ml_connector.delivery.reading import Found, Reading
from ml_connector.plan.document import Verdict
from ml_connector.secrets.sealing import masked
from ml_connector.store.tables import deliveries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from ml_connector.delivery.run import Run
    from ml_connector.delivery.sink import Effect, Sink
    from ml_connector.plan.document import Record, Row

_AT_ONCE = 500


def look(sink: Sink, store: Connection, run: Run, records: Iterable[Record]) -> None:
    """Read the rows that would change, and put what the target holds instead beside old and new."""
    changing = {each.key: each for each in records if each.verdict in (Verdict.CHANGED, Verdict.CANCELLED)}
    for page in outbox.pages(changing, _AT_ONCE):
        rows = {(key, row.name): row for key in page for row in changing[key].rows if row.change == "changed"}
        asked = list(_sent(store, run, page, rows))
        for reading in sink.reread(asked) if asked else ():
            _tell(rows[reading.effect.business_key, reading.effect.name], reading)


def _sent(store: Connection, run: Run, keys: list[str], rows: dict[tuple[str, str], Row]) -> Iterator[Effect]:
    """Yield these rows as they were sent last, with the columns that would change."""
    mine = (deliveries.c.target_id == run.target_id, deliveries.c.business_key.in_(keys))
    ids = list(store.execute(select(deliveries.c.id).where(*mine)).scalars())
    for _, effect in outbox.effects_of(store, ids, run.store.sealer):
        row = rows.get((effect.business_key, effect.name))
        if row is not None:
            wanted = {*row.columns, *(name.partition(".")[0] for name in row.columns)}  # a nested value's, whole
            yield replace(effect, payload={name: value for name, value in effect.payload.items() if name in wanted})


def _tell(row: Row, reading: Reading) -> None:
    if reading.found is Found.MISSING:
        row.note = f"{reading.table} does not hold the row any more"
    elif reading.message:
        row.note = reading.message
    for name, (_, live) in reading.differences.items():
        if name in row.columns:
            row.columns[name].target = masked({name: live})[name]
