"""What people decide: who by the operating system, all or nothing, and never while a run is under way."""

from __future__ import annotations

import json
import os
import pwd
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from ml_connector.audit.actions import action
from ml_connector.audit.actor import actor
from ml_connector.cli.summary import newest_runs, run_ids
from ml_connector.delivery.lock import pipeline_lock
from ml_connector.errors import EnvironmentFault
from ml_connector.store import tables
from sqlalchemy import select

from tests.audit.test_trail import a_run, the_events

if TYPE_CHECKING:
    from ml_connector.store import Store

ME = pwd.getpwuid(os.getuid()).pw_name


def test_the_actor_is_who_the_operating_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "somebody-else")
    assert actor() == ME


def test_a_uid_without_a_name_is_told_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 987_654)
    assert actor() == "uid 987654"


def test_an_action_is_a_run_of_its_own_with_who_and_why(store: Store, url: str) -> None:
    a_run(store, "p")
    with action(store, url, "p", "dead drop") as doing:
        doing.note("waived", "k1", {"reason": "paid by hand"})
    with store.reading() as connection:
        run = connection.execute(select(tables.runs).where(tables.runs.c.id == doing.run_id)).one()
    assert (run.kind, run.actor, run.pipeline, run.target_id, run.outcome) == ("action", ME, "p", "t", "finished")
    assert run.message == "dead drop"
    started, noted, ended = the_events(store)[-3:]
    assert (started["run_id"], noted["kind"], noted["business_key"]) == (doing.run_id, "waived", "k1")
    assert json.loads(noted["data"])["reason"] == "paid by hand"
    assert run.head == ended["hash"]


def test_an_action_that_fails_leaves_nothing(store: Store, url: str) -> None:
    a_run(store, "p")
    before = the_events(store)
    with suppress(ZeroDivisionError), action(store, url, "p", "dead drop") as doing:
        doing.note("waived", "k1", {})
        raise ZeroDivisionError
    assert the_events(store) == before


def test_no_action_while_a_run_is_under_way(store: Store, url: str) -> None:
    a_run(store, "p")
    before = the_events(store)
    with (
        pipeline_lock(url, "p"),
        pytest.raises(EnvironmentFault, match="another process"),
        action(store, url, "p", "x"),
    ):
        pass
    assert the_events(store) == before


def test_readers_of_the_last_runs_pass_actions_by(store: Store, url: str) -> None:
    run_id = a_run(store, "p")
    with action(store, url, "p", "dead drop"):
        pass
    with store.reading() as connection:
        assert newest_runs(connection) == [run_id]
        assert run_ids(connection) == {run_id}
