"""Old stores become new ones whole or not at all, whoever kills, waits or comes with an older program."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from ml_connector.audit.book import StoreBook
from ml_connector.audit.chain import GENESIS, hash_text, link
from ml_connector.audit.verify import Verifier
from ml_connector.errors import ConfigError
from ml_connector.store import Store, open_store
from ml_connector.store.database import Mode, begun, open_engine
from ml_connector.store.tables import metadata
from ml_connector.store.upgrade import REVISION
from sqlalchemy import Connection, inspect, text

from tests.postgres import PostgresServer
from tests.store.old_store import KEYS, RECORDS, SCHEMAS, chain, delivery, effect, letter, make_old_store

OPEN_AND_DIE = """
import os, signal, sys
from sqlalchemy import event
from ml_connector.store import database, open_store, upgrade
seen = 0
def count(connection, cursor, statement, *_):
    global seen
    seen += 1
    if seen == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
def listen(url):
    engine = database.open_engine(url)
    event.listen(engine, "before_cursor_execute", count)
    return engine
upgrade.upgrade(listen(sys.argv[1]))
print(seen)
"""
OPEN_WHEN_TOLD = """
import sys
from sqlalchemy import event
from ml_connector.store import database, upgrade
def migrate(connection, revision=upgrade.REVISION):
    print("migrating", flush=True)
    sys.stdin.readline()
    real(connection, revision)
real, upgrade.migrate = upgrade.migrate, migrate
begun = upgrade.begun
def asking(engine, mode):
    print(mode.name, flush=True)
    return begun(engine, mode)
upgrade.begun = asking
sys.stdin.readline()
upgrade.upgrade(database.open_engine(sys.argv[1]))
print("open", flush=True)
"""


def rows(store: Store, table: str, order: str) -> list[dict[str, Any]]:
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY {order}")).mappings()]


def same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Every column that was there is there, with its value."""
    assert [{name: row[name] for name in old} for row, old in zip(found, expected, strict=True)] == expected


def check_upgraded(store: Store) -> None:
    numbers = range(1, RECORDS + 1)
    same(rows(store, "deliveries", "id"), [delivery(number) for number in numbers])
    same(rows(store, "effects", "id"), [effect(number, name) for number in numbers for name in ("header", "line:1")])
    check_letters(store)
    check_chain(store)
    with store.reading() as connection:
        assert Verifier(StoreBook(connection)).verify().valid
    with store.transaction() as connection:  # what the database refers to is there, and it insists on it
        assert connection.execute(text("SELECT count(*) FROM effects JOIN deliveries d ON d.id = delivery_id")).scalar()
        keys = {table: len(inspect(connection).get_foreign_keys(table)) for table in ("effects", "dead_letters")}
    assert keys == {"effects": 1, "dead_letters": 1}


def check_letters(store: Store) -> None:
    letters = [letter(number) for number in range(1, 11)]
    moved = [
        {name: value for name, value in each.items() if name not in ("schema", "key_properties")} for each in letters
    ]
    found = rows(store, "dead_letters", "id")
    same(found, moved)
    assert {row["schema"] for row in rows(store, "shapes", "hash")} == set(SCHEMAS)
    shapes = {row["hash"]: (row["schema"], row["key_properties"]) for row in rows(store, "shapes", "hash")}
    assert [shapes[row["shape"]] for row in found] == [(each["schema"], KEYS) for each in letters]


def check_chain(store: Store) -> None:
    events, old = rows(store, "events", "seq"), list(chain())
    assert len(events) == 2 * (RECORDS + 2)
    names = ("seq", "run_id", "at", "business_key", "kind", "data")
    assert [{name: row[name] for name in names} for row in events] == [{n: row[n] for n in names} for row in old]
    head = GENESIS
    for row in events:
        assert row["previous_hash"] == head
        assert row["data_hash"] == hash_text(row["data"])
        head = link(head, *(row[name] for name in ("seq", "run_id", "at", "business_key", "kind", "data_hash")))
        assert row["hash"] == head
    assert [run["head"] for run in rows(store, "runs", "id")] == [events[RECORDS + 1]["hash"], head]


def test_an_old_store_keeps_its_content(empty_url: str) -> None:
    make_old_store(empty_url)
    store = open_store(empty_url)
    check_upgraded(store)
    with pytest.raises(Exception, match=r"(?i)foreign key|ForeignKeyViolation"), store.transaction() as connection:
        connection.execute(text("DELETE FROM shapes"))
    store.close()
    again = open_store(empty_url)
    check_upgraded(again)
    again.close()


def test_migrations_make_the_tables_the_program_works_with(empty_url: str) -> None:
    store = open_store(empty_url)
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}
    store.close()


def revision(url: str) -> str:
    engine = open_engine(url)
    with begun(engine, Mode.READ) as connection:
        found: str = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        columns = {column["name"] for column in inspect(connection).get_columns("dead_letters")}
        tables = set(inspect(connection).get_table_names())
    engine.dispose()
    new = found == REVISION
    assert ("shape" in columns, "schema" in columns, "pipelines" in tables) == (new, not new, new)
    assert not {name for name in tables if name.startswith("_alembic")}
    return found


def open_and_die(url: str, statement: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", OPEN_AND_DIE, url, str(statement)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_killed_upgrade_leaves_the_old_store_and_the_next_open_finishes_it(empty_url: str) -> None:
    make_old_store(empty_url)
    for statement in (20, 55, 80):
        assert open_and_die(empty_url, statement).returncode == -signal.SIGKILL
        assert revision(empty_url) == "0001"
    done = open_and_die(empty_url, 0)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 80  # so the last of them was in the middle of it
    assert revision(empty_url) == REVISION
    store = open_store(empty_url)
    check_upgraded(store)
    store.close()


def test_of_two_processes_that_find_an_old_store_one_upgrades_it_and_the_other_waits(empty_url: str) -> None:
    make_old_store(empty_url)
    command = [sys.executable, "-c", OPEN_WHEN_TOLD, empty_url]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as first, subprocess.Popen(command, **pipes) as second:
        told = ["READ\n", "MIGRATE\n", "migrating\n"]
        first.stdin.write("begin\n")
        first.stdin.flush()
        assert [first.stdout.readline() for _ in told] == told
        second.stdin.write("begin\n")
        second.stdin.flush()
        assert [second.stdout.readline() for _ in told[:2]] == told[:2]  # while the first is in the middle of it
        assert first.communicate("go on\n", timeout=60)[0] == "open\n"
        assert second.communicate(timeout=60)[0] == "open\n"  # and has migrated nothing
    store = open_store(empty_url)
    check_upgraded(store)
    store.close()


def test_an_older_program_refuses_a_newer_store(empty_url: str) -> None:
    store = open_store(empty_url)
    with store.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(ConfigError, match=r"revision 9999, newer than this program .* Upgrade ml-connector"):
        open_store(empty_url)


def test_an_upgrade_that_would_break_a_reference_leaves_the_old_store(tmp_path: Path) -> None:
    def orphan(connection: Connection) -> None:
        connection.execute(text("DELETE FROM deliveries WHERE id = 7"))

    url = f"sqlite:///{tmp_path / 'store.db'}"
    make_old_store(url, orphan)
    with pytest.raises(ConfigError, match="a row of effects refers to a row of deliveries that is not there"):
        open_store(url)
    assert revision(url) == "0001"


def test_a_database_of_another_encoding_is_refused(postgres: PostgresServer) -> None:
    postgres.administer("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0 OWNER ml_connector")
    with pytest.raises(ConfigError, match="encoding is LATIN1"):
        open_store(postgres.url("latin"))
