"""Every statement of a load times every fault of the way: the run completes, or says why and the next one does."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import stamina
from ml_connector.errors import ConnectorError, OutOfPatience
from ml_connector_simulators.snowflake import SnowflakeServer
from target_snowflake.connection import Session
from target_snowflake.target import TargetSnowflake

from tests.target_snowflake.conftest import Loading, record, schema, state

INVOICES = schema("invoices", {"_company": "string", "number": "integer", "amount": "integer"}, ["_company", "number"])
BATCHES = ([(1, 1), (2, 1), (3, 1), (3, 2)], [(1, 5), (2, 1), (3, 1), (4, 1)])
"""Numbers and amounts: the second batch changes 1 and 3, and leaves 2 as it is."""

WANTED = [(1, 5), (2, 1), (3, 1), (4, 1)]
LOADED = [(4, 3, 0, 0, 1), (4, 1, 2, 1, 0)]
"""Staged, new, changed, unchanged and superseded rows of each batch, as `_ML_LOADS` has them."""

KINDS: dict[str, dict[str, Any]] = {
    "show schemas": {"text": "^SHOW SCHEMAS"},
    "create stage": {"text": "^CREATE STAGE"},
    "create loads": {"text": '^CREATE TABLE IF NOT EXISTS "_ML_LOADS"'},
    "remove": {"text": "^REMOVE"},
    "show tables": {"text": "^SHOW TABLES LIKE 'INVOICES'"},
    "create table": {"text": '^CREATE TABLE IF NOT EXISTS "INVOICES"'},
    "describe": {"text": "^DESCRIBE"},
    "staging": {"text": "^CREATE OR REPLACE TRANSIENT"},
    "put": {"text": "^PUT"},
    "upload": {"path": "/fs_bucket/"},
    "copy": {"text": "^COPY"},
    "weigh": {"text": "^SELECT CASE"},
    "begin": {"text": "^BEGIN", "after": 1},
    "insert": {"text": '^INSERT INTO "INVOICES"', "after": 1},
    "delete": {"text": "^DELETE", "after": 1},
    "merge": {"text": "^MERGE", "after": 1},
    "loads": {"text": '^INSERT INTO "_ML_LOADS"', "after": 1},
    "commit": {"text": "^COMMIT", "after": 1},
    "drop": {"text": "^DROP"},
}

FAULTS: dict[str, dict[str, Any]] = {
    "503": {"kind": "status", "status": 503},
    "500": {"kind": "status", "status": 500},
    "reset": {"kind": "reset"},
    "answer lost": {"kind": "commit_then_drop"},
    "timeout": {"kind": "timeout", "seconds": 0.5},
    "390112": {"kind": "token_expiry"},
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Neither the connector nor the target waits between two tries."""
    monkeypatch.setattr("snowflake.connector.time_util.TimeoutBackoffCtx.current_sleep_time", 0.05)
    with stamina.set_testing(True, attempts=6, cap=True):
        yield


def settings(kind: str, **more: Any) -> dict[str, Any]:
    merging = {"upsert_by": "merge"} if kind == "merge" else {}
    return {"batch_size_rows": 4, **merging, **more}


def load(loading: Loading, **given: Any) -> list[Any]:
    """Load both batches; a STATE follows each."""
    messages: list[Any] = [INVOICES]
    for number, batch in enumerate(BATCHES, 1):
        messages += [record("invoices", _company="NO01", number=key, amount=amount) for key, amount in batch]
        messages.append(state({"batch": number}))
    return loading.here(*messages, **given)


def check(loading: Loading) -> None:
    """The tables are those of an undisturbed run."""
    assert loading.rows("SELECT NUMBER, AMOUNT FROM INVOICES ORDER BY 1, 2") == WANTED
    columns = "ROWS_STAGED, ROWS_NEW, ROWS_CHANGED, ROWS_UNCHANGED, ROWS_SUPERSEDED"
    assert loading.rows(f"SELECT {columns} FROM _ML_LOADS ORDER BY LOADED_AT") == LOADED
    tables = {row[1] for row in loading.rows("SHOW TABLES")}
    assert tables == {"INVOICES", "_ML_LOADS"}
    assert loading.rows('LIST @"_ML_STAGE"') == []


DANGEROUS = ("put", "copy", "begin", "insert", "delete", "merge", "loads", "commit", "drop")
"""Kinds after which something is in Snowflake that was not there before."""


@pytest.mark.parametrize("by", ["delete", "merge"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_every_statement_does_no_harm(
    loading: Loading, server: SnowflakeServer, fault: str, by: str
) -> None:
    absent = {"merge"} if by == "delete" else {"delete", "insert"}
    kinds = {kind: where for kind, where in KINDS.items() if kind not in absent}
    for where in kinds.values():
        server.fault(**FAULTS[fault], **where)
    assert load(loading, **settings(by))[-1] == {"batch": 2}
    assert {where.get("text") or where["path"]: 1 for where in kinds.values()} == struck(server)
    check(loading)


def struck(server: SnowflakeServer) -> dict[str, int]:
    return {each["text"] or each["path"]: each["struck"] for each in server.faults()}


@pytest.mark.parametrize("fault", ["answer lost", "503"])
@pytest.mark.parametrize("kind", DANGEROUS)
def test_a_fault_alone_does_no_harm(loading: Loading, server: SnowflakeServer, kind: str, fault: str) -> None:
    server.fault(**FAULTS[fault], **KINDS[kind])
    assert load(loading, **settings(kind))[-1] == {"batch": 2}
    assert list(struck(server).values()) == [1]
    check(loading)


@pytest.mark.parametrize("kind", [*DANGEROUS, "create stage", "describe", "weigh"])
def test_sessions_that_end_are_opened_again(
    loading: Loading, server: SnowflakeServer, kind: str, before: Callable[..., None]
) -> None:
    before(KINDS[kind]["text"], lambda: server.edit("end_sessions"), KINDS[kind].get("after", 0))
    assert load(loading, **settings(kind))[-1] == {"batch": 2}
    check(loading)


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Do something once, right before the target sends a statement that begins so."""

    def arm(begins: str, act: Callable[[], Any], after: int = 0) -> None:
        original, left = Session.execute, [after]

        def execute(self: Session, sql: str, *args: Any, **options: Any) -> Any:
            if sql.startswith(begins.removeprefix("^")):
                left[0] -= 1
                if left[0] == -1:
                    act()
            return original(self, sql, *args, **options)

        monkeypatch.setattr(Session, "execute", execute)

    return arm


LASTING = {kind: KINDS[kind] for kind in ("create stage", "copy", "loads")}


@pytest.mark.slow
@pytest.mark.parametrize("kind", LASTING)
def test_a_fault_that_lasts_is_told_and_the_next_run_completes(
    loading: Loading, server: SnowflakeServer, kind: str
) -> None:
    server.fault("status", status=503, times=None, **LASTING[kind])
    with pytest.raises(ConnectorError, match="503") as raised:
        load(loading, **settings(kind, network_timeout=1))
    assert isinstance(raised.value, OutOfPatience)
    assert raised.value.exit_code == 3
    server.clear_faults()
    assert load(loading, **settings(kind))[-1] == {"batch": 2}
    assert loading.rows("SELECT NUMBER, AMOUNT FROM INVOICES ORDER BY 1, 2") == WANTED
    assert {row[1] for row in loading.rows("SHOW TABLES")} == {"INVOICES", "_ML_LOADS"}


@pytest.mark.parametrize("method", ["upsert", "append"])
def test_a_commit_whose_answers_are_all_lost_is_looked_up(
    loading: Loading, server: SnowflakeServer, method: str
) -> None:
    """It had committed: the batch is not loaded again, not even where it would be appended twice."""
    server.fault("commit_then_drop", text="^COMMIT", times=None)
    assert load(loading, **settings("commit", network_timeout=2, load_method=method))[-1] == {"batch": 2}
    assert len(server.sql("COPY INTO")) == len(BATCHES)
    if method == "upsert":
        check(loading)
    else:
        assert loading.rows("SELECT COUNT(*) FROM INVOICES") == [(8,)]


@pytest.mark.parametrize("method", ["upsert", "append"])
def test_a_commit_that_never_got_there_is_done_again(
    loading: Loading, server: SnowflakeServer, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """It had not committed: the batch is loaded again, from its files."""
    original = Session.reopen

    def reopen(self: Session) -> None:
        server.clear_faults()
        original(self)

    monkeypatch.setattr(Session, "reopen", reopen)
    server.fault("reset", text="^COMMIT", times=None)
    assert load(loading, **settings("commit", network_timeout=2, load_method=method))[-1] == {"batch": 2}
    assert len(server.sql("COPY INTO")) == len(BATCHES) + 1
    if method == "upsert":
        check(loading)
    else:
        assert loading.rows("SELECT COUNT(*) FROM INVOICES") == [(8,)]


def test_what_was_committed_before_the_way_was_lost_is_told_by_the_next_run(
    loading: Loading, server: SnowflakeServer
) -> None:
    """The answer to COMMIT is lost, and then Snowflake is gone: STATE waits, and the batch's event comes later."""
    server.fault("commit_then_drop", text="^COMMIT", times=None)
    server.fault("status", path="login-request", status=503, after=3, times=None)  # sign-in, two loaders' at most
    server.fault("status", text="^SELECT COUNT", status=503, times=None)
    with pytest.raises(OutOfPatience):
        load(loading, **settings("commit", network_timeout=1))
    server.clear_faults()
    assert load(loading, **settings("commit"))[-1] == {"batch": 2}
    assert loading.rows("SELECT NUMBER, AMOUNT FROM INVOICES ORDER BY 1, 2") == WANTED
    with closing(sqlite3.connect(loading.folder / "store.db")) as store:
        kinds = dict(store.execute("SELECT kind, count(*) FROM events GROUP BY 1").fetchall())
    assert (kinds["batch_found"], kinds["run_checked"]) == (1, 1)


SWAPS = {
    "rows": "^SELECT COUNT",
    "others": '^INSERT INTO "_ML_S_[^"]*" \\([^)]*\\) SELECT [^(]* FROM "INVOICES"',
    "swap": "^ALTER TABLE .* SWAP",
    "drop": '^DROP TABLE IF EXISTS "_ML_S_.*_NEW_INVOICES"',
    "note": '^INSERT INTO "_ML_LOADS" .* 0, 0, 0, 0, 0, ',
    "rename": "^ALTER TABLE .* RENAME",
}


def overwrite(loading: Loading, *numbers: int, company: str = "NO01", amount: int = 1) -> list[Any]:
    rows = [record("invoices", _company=company, number=number, amount=amount) for number in numbers]
    return loading.here(INVOICES, *rows, state({"at": len(rows)}), load_method="overwrite", network_timeout=1)


def overwritten(loading: Loading, *rows: tuple[str, int, int]) -> None:
    assert loading.rows('SELECT "_COMPANY", NUMBER, AMOUNT FROM INVOICES ORDER BY 1, 2') == list(rows)
    assert {row[1] for row in loading.rows("SHOW TABLES")} == {"INVOICES", "_ML_LOADS"}


@pytest.mark.parametrize("fault", ["reset", "answer lost"])
@pytest.mark.parametrize("kind", SWAPS)
def test_a_table_is_replaced_once_whatever_gets_lost(
    loading: Loading, server: SnowflakeServer, monkeypatch: pytest.MonkeyPatch, kind: str, fault: str
) -> None:
    """The fault lasts until the session is opened again, so that the connector's own repetition does not cure it."""
    if kind != "rename":
        overwrite(loading, 1, 2, 3)
        overwrite(loading, 7, company="SE01")
    reopen = Session.reopen

    def cured(self: Session) -> None:
        server.clear_faults()
        reopen(self)

    monkeypatch.setattr(Session, "reopen", cured)
    server.fault(**FAULTS[fault], text=SWAPS[kind], times=None)
    assert overwrite(loading, 1, 2, amount=5) == [{"at": 2}]
    assert server.faults() == []
    others = [] if kind == "rename" else [("SE01", 7, 1)]
    overwritten(loading, ("NO01", 1, 5), ("NO01", 2, 5), *others)


def test_no_state_passes_a_batch_that_failed(loading: Loading, server: SnowflakeServer, capsys: Any) -> None:
    """Other streams go on until the run ends, and so does nothing of the stream whose batch failed."""
    payments = schema("payments", {"number": "integer"}, ["number"])
    messages: list[Any] = [INVOICES, payments]
    for at in range(1, 7):
        messages += [record("payments", number=at), record("invoices", _company="NO01", number=at, amount=1)]
        messages.append(state({"at": at}))
    server.fault("status", text='^COPY INTO .*_00004"', status=503, times=None)
    with pytest.raises(OutOfPatience):
        TargetSnowflake(config={**loading.config, "batch_size_rows": 1, "network_timeout": 1}).listen(
            io.StringIO("".join(f"{json.dumps(each)}\n" for each in messages))
        )
    passed = [json.loads(line)["at"] for line in capsys.readouterr().out.splitlines()]
    assert passed in ([], [1])
    assert loading.rows("SELECT NUMBER FROM INVOICES") == [(1,)]
    server.clear_faults()
    assert loading.here(*messages, batch_size_rows=1)[-1] == {"at": 6}
    assert loading.rows("SELECT COUNT(*), COUNT(DISTINCT NUMBER) FROM INVOICES") == [(6, 6)]
    assert loading.rows("SELECT COUNT(*), COUNT(DISTINCT NUMBER) FROM PAYMENTS") == [(6, 6)]
