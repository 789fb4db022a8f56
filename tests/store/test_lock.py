"""One writer per pipeline, whatever happens to the one that holds it: killed, cut off, halted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ml_connector.audit.actor import actor, host
from ml_connector.delivery.lock import pipeline_lock
from ml_connector.errors import EnvironmentFault
from ml_connector.store import open_store
from ml_connector.store.tables import pipelines
from sqlalchemy import make_url, select, update

from tests.postgres import PostgresServer

HOLDER = """
import sys
from ml_connector.delivery.lock import pipeline_lock
from ml_connector.store import open_store
from ml_connector.store.tables import pipelines
url = sys.argv[1]
store = open_store(url)
with pipeline_lock(url, "held") as fence, store.fenced(fence):
    print(fence.number, flush=True)
    for line in sys.stdin:
        with store.transaction() as connection:
            connection.execute(pipelines.update().values(taken_at=line.strip()))
        print("written", flush=True)
"""


@contextmanager
def holder(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the pipeline `held`; for each line it reads, it writes."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        try:
            yield process
        finally:
            process.kill()


def taken_at(url: str) -> str:
    store = open_store(url)
    with store.reading() as connection:
        told: str = connection.execute(select(pipelines.c.taken_at).where(pipelines.c.name == "held")).scalar_one()
    store.close()
    return told


def test_a_second_process_is_refused_and_told_who_holds_the_pipeline(store_url: str) -> None:
    with holder(store_url) as other:
        words = f"another process is running the pipeline 'held': {actor()} on {host()}, process {other.pid} since 20"
        with pytest.raises(EnvironmentFault, match=words), pipeline_lock(store_url, "held"):
            pass
        with pipeline_lock(store_url, "another") as fence:
            assert fence.number == 1


def test_a_killed_holder_holds_nothing(store_url: str) -> None:
    with holder(store_url) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
        with pipeline_lock(store_url, "held") as fence:
            assert fence.number == 2


def test_every_holder_gets_a_higher_number(store_url: str) -> None:
    open_store(store_url).close()
    numbers = []
    for _ in range(3):
        with pipeline_lock(store_url, "p") as fence:
            numbers.append(fence.number)
    assert numbers == [1, 2, 3]


def test_who_was_overtaken_writes_nothing_more_and_says_so(store_url: str) -> None:
    store = open_store(store_url)
    with pipeline_lock(store_url, "p") as fence, store.fenced(fence):
        with store.transaction() as connection:  # as another machine does it
            connection.execute(update(pipelines).values(fence=fence.number + 1, holder="kari on otherhost, process 7"))
        with pytest.raises(EnvironmentFault, match=r"taken over .* kari on otherhost, process 7 since") as told:
            store.prove()
        with pytest.raises(EnvironmentFault, match="writes nothing more"), store.transaction() as connection:
            connection.execute(update(pipelines).values(taken_at="never"))
    assert "the other one goes on" in str(told.value)
    with store.transaction() as connection:  # its claim has ended with its run
        assert connection.execute(select(pipelines.c.taken_at)).scalar_one() != "never"
    store.close()


def test_a_store_put_back_from_a_backup_stops_the_run(store_url: str) -> None:
    store = open_store(store_url)
    with pipeline_lock(store_url, "p") as fence, store.fenced(fence):
        with store.transaction() as connection:
            connection.execute(pipelines.delete())
        with pytest.raises(EnvironmentFault, match="another one"), store.transaction():
            pass
    store.close()


def test_a_place_that_takes_no_lock_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    open_store(url).close()
    (tmp_path / "locks").write_text("a file where the folder should be")
    with (
        pytest.raises(EnvironmentFault, match=r"cannot be locked beside .* Let this user write there"),
        pipeline_lock(url, "p"),
    ):
        pass


def terminate(postgres: PostgresServer, url: str) -> None:
    """End every session of a database, as a network does that is cut."""
    name = make_url(url).database
    ended = postgres.administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert ended


def test_a_halted_process_that_lost_its_lock_cannot_write_once_another_has_it(
    postgres: PostgresServer, postgres_url: str
) -> None:
    with holder(postgres_url) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        first.stdin.write("early\n")
        first.stdin.flush()
        assert first.stdout.readline() == "written\n"
        os.kill(first.pid, signal.SIGSTOP)
        terminate(postgres, postgres_url)
        with pipeline_lock(postgres_url, "held") as fence:
            assert fence.number == 2
            os.kill(first.pid, signal.SIGCONT)
            first.stdin.write("late\n")
            first.stdin.flush()
            assert first.wait(60) != 0
            assert first.stderr is not None
            assert "was taken over" in first.stderr.read()
            assert taken_at(postgres_url) not in ("early", "late")


def test_a_process_that_lost_only_its_lock_goes_on_while_nobody_else_wants_it(
    postgres: PostgresServer, postgres_url: str
) -> None:
    with holder(postgres_url) as first:
        terminate(postgres, postgres_url)
        assert first.communicate("late\n", timeout=60)[0] == "written\n"
    assert taken_at(postgres_url) == "late"


def test_an_idle_writer_is_thrown_out_so_that_others_can_write(postgres: PostgresServer, postgres_url: str) -> None:
    """A process halted inside a transaction holds the writers' lock; the server ends it, and that is told."""
    store, other = open_store(postgres_url), open_store(postgres_url)
    with pytest.raises(EnvironmentFault, match="halted in the middle"), store.transaction() as connection:  # noqa: PT012
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
        with other.transaction() as writing:  # it waits until the server has ended the idle one
            assert writing.execute(select(pipelines.c.name)).all() == []
        connection.execute(select(pipelines.c.name))
    store.close()
    other.close()
