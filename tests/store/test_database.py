"""The store on either database: what text it keeps, how it orders, how many rows one call takes."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ml_connector.delivery import outbox
from ml_connector.store import Store, open_store, tables
from ml_connector.store.tables import deliveries, pipelines
from sqlalchemy import insert, inspect, select, text

from tests.postgres import PostgresServer


@pytest.fixture
def store(store_url: str) -> Any:
    opened = open_store(store_url)
    yield opened
    opened.close()


def named(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.execute(select(pipelines.c.name).order_by(pipelines.c.name)).scalars())


def add(store: Store, *names: str) -> None:
    rows = [{"name": name, "fence": 1, "holder": "-", "taken_at": "-"} for name in names]
    with store.transaction() as connection:
        connection.execute(insert(pipelines), rows)


def test_text_is_ordered_byte_by_byte(store: Store) -> None:
    names = ["b", "B", "a-b", "ab", "Å", "a b", "ä", "_", "10", "9", "é"]
    add(store, *names)
    assert named(store) == sorted(names)  # Python orders by code point, as UTF-8 does by byte


def test_every_text_column_on_postgresql_is_compared_bytewise(postgres_url: str) -> None:
    store = open_store(postgres_url)
    with store.reading() as connection:
        columns = {
            f"{table}.{column['name']}": column["type"].collation
            for table in tables.metadata.tables
            for column in inspect(connection).get_columns(table)
            if column["type"].python_type is str
        }
    store.close()
    assert len(columns) > 80
    assert {name for name, collation in columns.items() if collation != "C"} == set()


def test_text_that_a_database_refuses_is_kept_with_the_replacement_character(store: Store) -> None:
    add(store, "nul \0 in it", "half \ud83d of one", "grin \U0001f600")
    assert named(store) == sorted(["nul � in it", "half � of one", "grin \U0001f600"])
    with store.reading() as connection:
        query = select(pipelines.c.fence).where(pipelines.c.name == "nul \0 in it")
        assert connection.execute(query).scalar() == 1  # looked up as it is kept


def row(number: int) -> dict[str, Any]:
    needed = {column.name: "-" for column in deliveries.c if not column.nullable and column.name != "id"}
    return needed | {"business_key": f"key {number}", "state": "parked", "attempts": 0}


def test_a_full_batch_is_added_found_and_changed_in_order(store: Store) -> None:
    rows = [row(number) for number in range(outbox.MOST_KEYS)]
    with store.transaction() as connection:
        ids = outbox.add_deliveries(connection, rows)
        assert len(set(ids)) == outbox.MOST_KEYS
        found = outbox.find(connection, "-", [each["business_key"] for each in rows])
        assert [found[each["business_key"]].id for each in rows] == ids
        outbox.change_deliveries(connection, [{"id": each, "state": "sent"} for each in ids], ["-"] * len(ids))
        counted = connection.execute(text("SELECT count(*) FROM deliveries WHERE state = 'sent'")).scalar()
    assert counted == outbox.MOST_KEYS


def test_a_transaction_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(KeyError), store.transaction() as connection:  # noqa: PT012
        connection.execute(insert(pipelines), {"name": "x", "fence": 1, "holder": "-", "taken_at": "-"})
        raise KeyError
    assert named(store) == []


def test_writers_come_one_after_another_and_readers_do_not_wait(store: Store, store_url: str) -> None:
    """Two threads read a number and add one: with writers side by side, one of the two additions would be lost."""
    add(store, "x")
    other = open_store(store_url)
    begun = threading.Event()

    def count_up(which: Store) -> None:
        begun.set()
        for _ in range(20):
            with which.transaction() as connection:
                seen = connection.execute(select(pipelines.c.fence)).scalar_one()
                connection.execute(pipelines.update().values(fence=seen + 1))

    threads = [threading.Thread(target=count_up, args=[each]) for each in (store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with store.transaction() as writing:
        writing.execute(pipelines.update().values(holder="not yet"))
        with other.reading() as connection:
            assert connection.execute(select(pipelines.c.fence, pipelines.c.holder)).one() == (41, "-")
    other.close()


def test_a_look_sees_one_state_of_the_store(store: Store, store_url: str) -> None:
    other = open_store(store_url)
    with other.reading() as looking:
        assert looking.execute(select(pipelines.c.name)).all() == []
        add(store, "x")
        assert looking.execute(select(pipelines.c.name)).all() == []
    other.close()


def test_a_session_on_postgresql_is_durable_and_never_waits_for_ever(
    postgres: PostgresServer, postgres_url: str
) -> None:
    postgres.administer("ALTER ROLE ml_connector SET synchronous_commit = off")
    try:
        store = open_store(postgres_url)
        with store.transaction() as connection:
            told = [
                connection.exec_driver_sql(f"SHOW {name}").scalar()
                for name in ("synchronous_commit", "lock_timeout", "idle_in_transaction_session_timeout")
            ]
        store.close()
    finally:
        postgres.administer("ALTER ROLE ml_connector RESET ALL")
    assert told == ["on", "30s", "1min"]
