"""Several machines, one store on PostgreSQL: real processes, killed, halted, cut off, and a server that stops."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ml_connector_simulators.kit import Fault
from sqlalchemy import make_url

from tests.flow.conftest import Clean, Flow, open_flow
from tests.postgres import PostgresServer

WRITES = r"/api/now/(v1/batch|import)"
SMALL = {"batch_size_rows": 50, "max_concurrency": 1}


@pytest.fixture
def shared(tmp_path: Path, postgres_url: str) -> Iterator[Flow]:
    """A flow whose store is on PostgreSQL."""
    settings = {"store_url": postgres_url, "request_timeout": 120, **SMALL}
    with open_flow(tmp_path / "one", target_settings=settings) as ready:
        yield ready


@contextmanager
def busy(flow: Flow, stream: str, *, writes: int = 9, seconds: float = 120) -> Iterator[subprocess.Popen[bytes]]:
    """A target that has sent some rows and waits for the answer of a request that is never carried out."""
    fault = flow.servicenow.faults.add(Fault("timeout", WRITES, after=writes, seconds=seconds))
    with flow.started(stream) as process:
        assert flow.servicenow.log.wait_for_writes(writes, timeout=60), flow.logged
        assert flow.states()["in_doubt"]
        assert fault.struck == 1
        yield process


def finish(flow: Flow, clean: Clean) -> None:
    """Run again, and find everything as an undisturbed run leaves it, nothing twice."""
    flow.let_time_pass()
    code, log = flow.load(clean.stream)
    assert code == 0, log
    assert flow.landed() == clean.landed
    assert flow.states() == clean.states
    assert flow.last_run()["balance"] == "in_balance"


def test_a_whole_run(shared: Flow, clean: Clean) -> None:
    code, log = shared.load(clean.stream)
    assert code == 0, log
    assert shared.landed() == clean.landed
    assert shared.states() == clean.states
    assert "p%40ss" not in log
    before = len(shared.servicenow.log.writes())
    code, log = shared.load(clean.stream)
    assert code == 0, log
    assert len(shared.servicenow.log.writes()) <= before + 1  # the check that the Batch API may be used


def test_a_pipeline_runs_on_one_machine_at_a_time_and_is_free_once_its_process_is_killed(
    shared: Flow, clean: Clean, tmp_path: Path
) -> None:
    with busy(shared, clean.stream) as first:
        before = len(shared.servicenow.log.requests())
        code, log = shared.load(clean.stream)
        assert code == 3
        assert "another process is running the pipeline 'visma-NO01'" in log
        assert f"process {first.pid} since" in log
        assert len(shared.servicenow.log.requests()) == before  # the refused one has not even signed in
        with open_flow(tmp_path / "two", company="SE01", target_settings=shared.target_settings) as other:
            code, log = other.run()  # another machine, another pipeline, the same store
            assert code == 0, log
            assert other.last_run()["pipeline"] == "visma-SE01"
            assert sum(map(len, other.landed().values())) > 100
        first.send_signal(signal.SIGKILL)
        assert first.wait() == -signal.SIGKILL
        shared.let_time_pass()
        code, log = shared.load(clean.stream)  # at once
        assert code == 0, log
    assert shared.landed() == clean.landed


def test_a_halted_process_that_was_overtaken_writes_nothing_more(
    shared: Flow, clean: Clean, postgres: PostgresServer
) -> None:
    # One row per request, so that more would follow; and it gives the request up soon after it has come to itself.
    shared.target_settings |= {"mode": "single", "request_timeout": 10}
    with busy(shared, clean.stream) as first:
        first.send_signal(signal.SIGSTOP)
        shared.target_settings["mode"] = "auto"
        printed = shared.printed
        name = make_url(shared.store_url).database
        cut = postgres.administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        assert len(cut) >= 2  # the one that writes, the one that holds the lock
        finish(shared, clean)
        runs, writes = shared.last_run(), len(shared.servicenow.log.writes())
        assert runs["outcome"] == "finished"
        first.send_signal(signal.SIGCONT)
        assert first.wait(timeout=60) == 3
        assert "was taken over while this process was halted or cut off" in shared.logged
        assert shared.printed == printed
        assert len(shared.servicenow.log.writes()) == writes
        assert shared.last_run() == runs
    assert shared.landed() == clean.landed
    assert shared.states() == clean.states


def test_a_database_server_that_stops_in_mid_run_stops_the_run(
    shared: Flow, clean: Clean, postgres: PostgresServer
) -> None:
    with busy(shared, clean.stream, seconds=2) as first:
        printed = shared.printed
        postgres.stop()
        try:
            assert first.wait(timeout=60) == 3
            writes = len(shared.servicenow.log.writes())
            code, log = shared.load(clean.stream)
        finally:
            postgres.start()
        assert printed
        assert shared.printed == printed
        assert "See that the server is up" in shared.logged
        assert "Traceback" not in shared.logged
        assert "p%40ss" not in shared.logged + log
        assert code == 3
        assert "cannot be read" in log
        assert len(shared.servicenow.log.writes()) == writes
    finish(shared, clean)
