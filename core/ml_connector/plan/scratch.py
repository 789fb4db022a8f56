"""A copy of the store to rehearse on: it takes every write and is gone with the process, however that ends."""

from __future__ import annotations

import sqlite3

from sqlalchemy import Connection, Select, Table, create_engine, event, or_, select
from sqlalchemy.pool import StaticPool

from ml_connector.store import Store
from ml_connector.store.tables import dead_letters, deliveries, effects, events, metadata

_AT_ONCE = 2000


def scratch_copy(store: Store, target_id: str) -> Store:
    """Return a private copy of what the store knows of one target, and of rows we wrote that a tap may read back.

    The trail stays behind. It is a temporary database of SQLite: a file without a name, which the operating system
    removes with the process.
    """
    engine = create_engine("sqlite://", creator=_nameless, poolclass=StaticPool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    with engine.begin() as connection:
        metadata.create_all(connection)
    copy = Store(engine, store.sealer)
    with store.reading() as source, copy.transaction() as target:
        for table in metadata.sorted_tables:
            if table is not events:
                _pour(source, target, table, target_id)
    return copy


def _nameless() -> sqlite3.Connection:
    return sqlite3.connect("", isolation_level=None)


def _pour(source: Connection, target: Connection, table: Table, target_id: str) -> None:
    """Copy rows as they are: every column is text or a number, in both databases."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = ", ".join("?" for _ in table.columns)
    statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608  # names of our own tables
    rows = source.execution_options(yield_per=_AT_ONCE).execute(_what_matters(table, target_id))
    for page in rows.partitions():
        target.exec_driver_sql(statement, [tuple(row) for row in page])


def _what_matters(table: Table, target_id: str) -> Select[tuple[object, ...]]:
    echoes = effects.c.known_as.is_not(None)
    if table is deliveries:
        written = select(effects.c.delivery_id).where(echoes)
        return select(table).where(or_(table.c.target_id == target_id, table.c.id.in_(written)))
    if table is effects:
        mine = or_(deliveries.c.target_id == target_id, echoes)
        return select(table).join(deliveries, deliveries.c.id == table.c.delivery_id).where(mine)
    if table is dead_letters:
        of_use = or_(table.c.closed_at.is_(None), table.c.edit.is_not(None))  # an edit holds after its letter closed
        return select(table).where(table.c.target_id == target_id, of_use)
    return select(table)
