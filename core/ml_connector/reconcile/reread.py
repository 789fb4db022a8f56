"""The target re-read: what it shows now of every row it confirmed, told as plain lines; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ml_connector.delivery import outbox
from ml_connector.delivery.reading import Found
from ml_connector.delivery.sink import State
from ml_connector.secrets.sealing import masked
from ml_connector.store.tables import deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ml_connector.delivery.reading import Reading
    from ml_connector.delivery.sink import Effect, Sink
    from ml_connector.mapping.target_map import TargetMap
    from ml_connector.reconcile.scope import Scope
    from ml_connector.store import Store

_PAGE = 500
_WORST_FIRST = (Found.MISSING, Found.DIFFERS, Found.UNREADABLE, Found.EQUAL)


@dataclass(slots=True)
class _Table:
    """What was compared in one table."""

    read_in: str
    rows: int = 0
    compared: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


class Rereading:
    """Asks a sink for the delivered rows of one pipeline in one target."""

    def __init__(self, store: Store, sink: Sink, target_map: TargetMap, target_id: str) -> None:
        self._store = store
        self._sink = sink
        self._map = target_map
        self._target_id = target_id
        self._owners = _owners(target_map)
        self._tables: dict[str, _Table] = {}

    def lines(self, scope: Scope) -> Iterator[dict[str, Any]]:
        """Yield one line per delivered record, then one per table on what was compared there."""
        for page in outbox.pages(self._delivered(scope), _PAGE):
            yield from self._page(dict(page))
        for name, table in self._tables.items():
            facts = {"read_in": table.read_in, "rows": table.rows, "compared": table.compared}
            yield {"table": name, **facts, "left_out": table.left_out}

    def _delivered(self, scope: Scope) -> list[tuple[int, tuple[str, str]]]:
        mine = (deliveries.c.target_id == self._target_id, deliveries.c.state == State.DELIVERED)
        query = select(deliveries.c.id, deliveries.c.business_key, deliveries.c.record_type)
        with self._store.reading() as connection:
            rows = connection.execute(query.where(*mine, *scope.where()).order_by(deliveries.c.id))
            return [(number, (key, record_type)) for number, key, record_type in rows]

    def _page(self, records: dict[int, tuple[str, str]]) -> Iterator[dict[str, Any]]:
        with self._store.reading() as connection:
            found = list(outbox.effects_of(connection, list(records), self._store.sealer))
        asked = [self._of_the_source(effect) for _, effect in found]
        readings: dict[str, list[Reading]] = {}
        for reading in self._sink.reread(asked) if asked else ():
            readings.setdefault(reading.effect.business_key, []).append(reading)
            self._note(reading)
        yield from (self._record(*record, readings.get(record[0], [])) for record in records.values())

    def _of_the_source(self, effect: Effect) -> Effect:
        """Return a row without what the target's people may change."""
        owners = self._owners.get(effect.table, {})
        kept = {name: value for name, value in effect.payload.items() if owners.get(name, "source") == "source"}
        return replace(effect, payload=kept)

    def _note(self, reading: Reading) -> None:
        table = self._tables.setdefault(reading.effect.table, _Table(reading.table))
        table.rows += 1
        for name in reading.compared:
            table.compared[name] = table.compared.get(name, 0) + 1
        for name, why in reading.left_out.items():
            table.left_out.setdefault(name, why)

    def _record(self, key: str, record_type: str, readings: Sequence[Reading]) -> dict[str, Any]:
        results = {reading.found for reading in readings} or {Found.UNREADABLE}
        amount, currency = self._amount(record_type, readings)
        return {
            "record": key,
            "result": next(result for result in _WORST_FIRST if result in results),
            "amount": amount,
            "currency": currency,
            "rows": [_row(reading) for reading in readings if reading.found is not Found.EQUAL],
        }

    def _amount(self, record_type: str, readings: Sequence[Reading]) -> tuple[str | None, str | None]:
        """Return the document's total as the target holds it, and its currency where the target tells."""
        record_map = self._map.record_types.get(record_type)
        for reading in readings:
            document = record_map.document_in(reading.effect.table) if record_map else None
            if document is not None and document.amount in reading.amounts:
                amount, currency = reading.amounts[document.amount]
                return amount, currency or None
        return None, None


def _owners(target_map: TargetMap) -> dict[str, dict[str, str]]:
    return {rows.table: rows.owners for document in target_map.documents for rows in document.rows}


def _row(reading: Reading) -> dict[str, Any]:
    differences = {
        name: [masked({name: value})[name] for value in values] for name, values in reading.differences.items()
    }
    return {
        "name": reading.effect.name,
        "table": reading.table,
        "sent_to": reading.effect.table,
        "result": reading.found,
        "differences": differences,
        "message": reading.message,
    }
