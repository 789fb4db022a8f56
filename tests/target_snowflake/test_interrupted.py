"""Runs that are cut short, and runs beside each other: nothing is lost, nothing doubled, nothing left behind."""

from __future__ import annotations

import json
import os
import select
import signal
import sqlite3
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.target_snowflake.conftest import PROGRAM, Loading, record, schema, state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ml_connector_simulators.snowflake import SnowflakeServer

INVOICES = schema("invoices", {"_company": "string", "number": "integer", "amount": "integer"}, ["_company", "number"])


def invoices(*numbers: int, company: str = "NO01", amount: int = 1) -> list[dict[str, Any]]:
    return [record("invoices", _company=company, number=number, amount=amount) for number in numbers]


@contextmanager
def started(loading: Loading, *messages: Any, **settings: Any) -> Iterator[subprocess.Popen[str]]:
    """A run that is given messages and waits for more."""
    path = loading.folder / f"config-{len(list(loading.folder.iterdir()))}.json"
    path.write_text(json.dumps({**loading.config, **settings}))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([PROGRAM, "--config", path], text=True, **pipes) as process:
        try:
            process.stdin.write("".join(json.dumps(each) + "\n" for each in messages))
            process.stdin.flush()
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line the process prints; a process that says nothing for a minute fails the test."""
    ready, _, _ = select.select([process.stdout], [], [], 60)
    assert ready, "nothing was printed"
    return process.stdout.readline()


def wait_for(server: SnowflakeServer, sql: str, process: subprocess.Popen[str]) -> None:
    """Return when the server has got such a statement."""
    while not server.sql(sql):
        assert process.poll() is None, process.stderr.read()


def runs(loading: Loading) -> list[tuple[str, int | None]]:
    with sqlite3.connect(loading.folder / "store.db") as store:
        return store.execute("SELECT outcome, exit_code FROM runs ORDER BY started_at").fetchall()


def left_over(loading: Loading) -> list[str]:
    tables = [row[1] for row in loading.rows("SHOW TABLES") if row[1].startswith("_ML_S")]
    folders = [path.name for path in (loading.folder / "spill").iterdir() if path.is_dir()]
    return tables + [row[0] for row in loading.rows('LIST @"_ML_STAGE"')] + folders


def test_sigterm_ends_a_run_after_the_batches_under_way(loading: Loading) -> None:
    messages = [INVOICES, *invoices(1, 2), state({"at": 2}), *invoices(3)]
    with started(loading, *messages, batch_size_rows=2) as process:
        assert json.loads(line_of(process)) == {"at": 2}
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
        assert process.stdout.read() == ""
        assert "Traceback" not in process.stderr.read()
    assert loading.rows("SELECT NUMBER FROM INVOICES ORDER BY 1") == [(1,), (2,)]
    assert runs(loading) == [("stopped", 143)]
    assert left_over(loading) == []
    done = loading.run(INVOICES, *invoices(3), state({"at": 3}))
    assert json.loads(done.stdout) == {"at": 3}
    assert loading.rows("SELECT COUNT(*) FROM INVOICES") == [(3,)]


def test_sigterm_while_a_batch_is_under_way_waits_for_it(loading: Loading, server: SnowflakeServer) -> None:
    server.fault("latency", text="^COPY", seconds=3)
    messages = [INVOICES, *invoices(1, 2), state({"at": 2})]
    with started(loading, *messages, batch_size_rows=2) as process:
        wait_for(server, "PUT ", process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
        assert json.loads(process.stdout.read()) == {"at": 2}
    assert loading.rows("SELECT COUNT(*) FROM INVOICES") == [(2,)]
    assert runs(loading) == [("stopped", 143)]


def test_a_second_process_of_a_pipeline_is_refused(loading: Loading) -> None:
    with started(loading, INVOICES, *invoices(1), state({"at": 1}), batch_size_rows=1) as process:
        assert json.loads(line_of(process)) == {"at": 1}
        refused = loading.run(INVOICES, *invoices(2), state({"at": 2}), code=3)
        assert "another process is running the pipeline" in refused.stderr
        assert refused.stdout == ""
        process.stdin.close()
        assert process.wait(60) == 0
    assert loading.rows("SELECT NUMBER FROM INVOICES") == [(1,)]


def test_two_pipelines_load_their_companies_into_one_table(loading: Loading) -> None:
    other = {"pipeline": "other", "store_url": f"sqlite:///{loading.folder}/other.db"}
    north = [INVOICES, *invoices(*range(40)), state({"at": 40})]
    with started(loading, *north, batch_size_rows=5) as process:
        south = invoices(*range(40), company="SE01") + invoices(*range(40), company="SE01", amount=2)
        loading.run(INVOICES, *south, state({"at": 80}), batch_size_rows=5, **other)
        process.stdin.close()
        assert process.wait(60) == 0, process.stderr.read()
    found = loading.rows('SELECT "_COMPANY", COUNT(*), SUM(AMOUNT) FROM INVOICES GROUP BY 1 ORDER BY 1')
    assert [(company, count, int(total)) for company, count, total in found] == [("NO01", 40, 40), ("SE01", 40, 80)]


def test_a_table_that_another_process_changed_is_weighed_again(loading: Loading, server: SnowflakeServer) -> None:
    loading.run(INVOICES, *invoices(1, 2))
    server.forget()
    server.fault("latency", text="^BEGIN", seconds=3)
    with started(loading, INVOICES, *invoices(1, 2, 3, amount=7), state({"at": 3})) as process:
        process.stdin.close()
        wait_for(server, "BEGIN", process)
        loading.session.execute("DELETE FROM INVOICES WHERE NUMBER = 1")  # it was weighed as changed, and is now new
        assert process.wait(60) == 0, process.stderr.read()
        assert json.loads(process.stdout.read()) == {"at": 3}
    assert loading.rows("SELECT NUMBER, AMOUNT FROM INVOICES ORDER BY 1") == [(1, 7), (2, 7), (3, 7)]
    assert len(server.sql("SELECT CASE")) == 2
    assert loading.rows("SELECT ROWS_NEW, ROWS_CHANGED FROM _ML_LOADS ORDER BY LOADED_AT DESC LIMIT 1") == [(2, 1)]


def test_a_load_that_took_no_table_s_place_leaves_no_rows_to_the_next(loading: Loading) -> None:
    keyless = schema("notes", {"text": "string"}, [])
    notes = [record("notes", text=text) for text in ("a", "b")]
    settings = {"load_method": "overwrite", "batch_size_rows": 1}
    loading.run(INVOICES, *invoices(1, 2), keyless, *notes, "{", code=1, **settings)
    loading.run(INVOICES, *invoices(2), keyless, notes[0], state({"at": 2}), **settings)
    assert loading.rows("SELECT NUMBER FROM INVOICES") == [(2,)]
    assert loading.rows("SELECT TEXT FROM NOTES") == [("a",)]
    assert left_over(loading) == []


def test_a_killed_run_is_told_of_by_the_next(loading: Loading, server: SnowflakeServer) -> None:
    server.fault("latency", text="^DROP", seconds=60)
    with started(loading, INVOICES, *invoices(1, 2), batch_size_rows=2) as process:
        wait_for(server, "DROP", process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(60)
    server.clear_faults()
    loading.run(INVOICES, *invoices(1, 2), state({"at": 2}), batch_size_rows=2)
    assert loading.rows("SELECT COUNT(*) FROM INVOICES") == [(2,)]
    assert runs(loading) == [("running", None), ("finished", 0)]
    assert left_over(loading) == []
    with sqlite3.connect(loading.folder / "store.db") as store:
        kinds = dict(store.execute("SELECT kind, count(*) FROM events GROUP BY 1").fetchall())
    assert (kinds["batch_found"], kinds["batch_loaded"], kinds["run_checked"]) == (1, 1, 1)


def test_other_companies_keep_columns_that_a_replacing_stream_lacks(loading: Loading) -> None:
    wide = schema("invoices", {"_company": "string", "number": "integer", "note": "string"}, ["_company", "number"])
    loading.run(wide, record("invoices", _company="SE01", number=7, note="paid"))
    loading.run(INVOICES, *invoices(1), load_method="overwrite")
    found = loading.rows('SELECT "_COMPANY", NUMBER, AMOUNT, NOTE FROM INVOICES ORDER BY 2')
    assert found == [("NO01", 1, 1, None), ("SE01", 7, None, "paid")]


def test_sigterm_ends_the_patience_with_a_snowflake_that_is_away(loading: Loading, server: SnowflakeServer) -> None:
    server.fault("status", text="^COPY", status=503, times=None)
    messages = [INVOICES, *invoices(1, 2), state({"at": 2})]
    with started(loading, *messages, batch_size_rows=2, network_timeout=2) as process:
        wait_for(server, "COPY", process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
        assert process.stdout.read() == ""
    assert len(server.sql("CREATE OR REPLACE TRANSIENT")) == 1
    assert runs(loading) == [("stopped", 143)]
    server.clear_faults()
    loading.run(INVOICES, *invoices(1, 2), state({"at": 2}))
    assert loading.rows("SELECT COUNT(*) FROM INVOICES") == [(2,)]
