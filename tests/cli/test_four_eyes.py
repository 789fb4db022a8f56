"""Four eyes: what one operating-system user asks for, another one has to agree to."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ml_connector.store import open_store, tables
from sqlalchemy import select

from tests.cli.conftest import House

NOBODY = 65534
FOUR_EYES = """
  utilities:
  - {name: ml-connector, namespace: ml_connector, config: {approval: four_eyes}}
jobs:
"""
PROGRAM = """
import contextlib, os, sys
from ml_connector.cli.commands import cli
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(open(os.devnull, "w")):
    cli(["dead", "list", "--json"])  # what is imported late is imported now: the other user may not read it
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
cli(sys.argv[2:])
"""


def rows(house: House, name: str) -> list[dict[str, Any]]:
    table = tables.metadata.tables[name]
    store = open_store(house.store_url)
    with store.reading() as connection:
        # Two runs in one second have ids that sort by chance.
        order = [table.c.started_at] if "started_at" in table.c else list(table.primary_key)
        found = [dict(row) for row in connection.execute(select(table).order_by(*order)).mappings()]
    store.close()
    return found


def state_of(house: House, number: str) -> str:
    (row,) = [row for row in rows(house, "deliveries") if row["business_key"].endswith(f"/{number}")]
    return str(row["state"])


@pytest.fixture
def strict(october: House) -> House:
    file = october.root / "meltano.yml"
    file.write_text(file.read_text().replace("\njobs:\n", FOUR_EYES))
    return october


@pytest.fixture
def shared(strict: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The project where two operating-system users may work."""
    if os.getuid() != 0:
        pytest.skip("only root can become another operating-system user")
    folder = Path(tempfile.mkdtemp(dir="/tmp")) / "project"  # pytest's own folders are private
    shutil.copytree(strict.root, folder)
    for path in (folder.parent, folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    monkeypatch.chdir(folder)
    yield House(folder)
    shutil.rmtree(folder.parent)


def as_nobody(house: House, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "HOME": "/"}
    command = [sys.executable, "-c", PROGRAM, str(NOBODY), *words]
    return subprocess.run(
        command, cwd=house.root, env=environ, capture_output=True, text=True, check=False, timeout=120
    )


def test_another_user_approves_and_the_same_one_may_not(shared: House) -> None:
    asked = shared.call("dead", "drop", "7", "--reason", "paid by hand", "--json")
    assert asked.exit_code == 0, asked.stderr
    assert json.loads(asked.stdout)["waits_for_approval"] is True
    assert state_of(shared, "2") == "parked"
    shown = shared.call("dead", "list").stdout
    assert "[drop waits for approval]" in shown

    same = shared.call("dead", "approve", "7")
    assert same.exit_code == 2
    assert "another operating-system user" in " ".join(same.stderr.split())
    assert state_of(shared, "2") == "parked"

    done = as_nobody(shared, "dead", "approve", "7", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    me, other = pwd.getpwuid(0).pw_name, pwd.getpwuid(NOBODY).pw_name
    assert (told["asked_by"], told["approved_by"]) == (me, other)
    assert state_of(shared, "2") == "waived"
    (decision,) = rows(shared, "decisions")
    assert (decision["actor"], decision["approved_by"], decision["state"]) == (me, other, "done")
    acts = [(row["kind"], row["actor"]) for row in rows(shared, "runs") if row["kind"] == "action"]
    assert acts == [("action", me), ("action", other)]
    kinds = [row["kind"] for row in rows(shared, "events") if row["business_key"]]
    assert kinds == ["drop_asked", "waived"]


def test_the_one_who_asked_second_cannot_approve_for_the_first(shared: House) -> None:
    """Who you are is told by the operating system: no variable and no option says otherwise."""
    done = as_nobody(shared, "dead", "drop", "7", "--reason", "x")
    assert done.returncode == 0, done.stderr
    environ = {"USER": "root", "LOGNAME": "root", "SUDO_USER": "root", "ML_CONNECTOR_APPROVAL": "one"}
    command = [sys.executable, "-c", PROGRAM, str(NOBODY), "dead", "approve", "7"]
    refused = subprocess.run(
        command, cwd=shared.root, env={**os.environ, **environ}, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert state_of(shared, "2") == "parked"
    assert shared.call("dead", "approve", "7").exit_code == 0
    assert state_of(shared, "2") == "waived"


def test_what_waits_is_withdrawn(strict: House) -> None:
    assert strict.call("dead", "drop", "7", "8", "--reason", "paid by hand").exit_code == 0
    assert strict.call("dead", "drop", "7", "--reason", "again").exit_code == 2
    done = strict.call("dead", "withdraw", "7", "--reason", "mistaken")
    assert done.exit_code == 0, done.stderr
    assert [row["state"] for row in rows(strict, "decisions")] == ["withdrawn", "waiting"]
    assert state_of(strict, "2") == "parked"
    nothing = strict.call("dead", "approve", "7")
    assert nothing.exit_code == 2
    assert "nothing about dead letter 7 waits" in nothing.stderr
    assert "ask" in strict.call("dead", "show", "8").stdout
    assert "next: as another person: ml-connector dead approve 8" in strict.call("status").stdout
    assert [each["letter_id"] for each in strict.answer("status")["waits_for_approval"]] == [8]
    told = [json.loads(row["data"])["reason"] for row in rows(strict, "events") if row["kind"] == "drop_withdrawn"]
    assert told == ["mistaken"]


def test_a_word_that_is_neither_stops(house: House) -> None:
    file = house.root / "meltano.yml"
    file.write_text(file.read_text().replace("\njobs:\n", FOUR_EYES.replace("four_eyes", "four-eyes")))
    house.run("r1")
    house.delivery("2", "parked", reason="cost_center_missing")
    house.letter(7, "2", "{}")
    done = house.call("dead", "drop", "7", "--reason", "x")
    assert done.exit_code == 2
    assert "four_eyes" in done.stderr
    assert state_of(house, "2") == "parked"


def test_an_environment_may_be_stricter(october: House) -> None:
    file = october.root / "meltano.yml"
    strict = "- name: prod\n  config: {plugins: {utilities: [{name: ml-connector, config: {approval: four_eyes}}]}}\n"
    text = file.read_text().replace("- name: prod\n", strict)
    file.write_text(text.replace("\njobs:\n", FOUR_EYES.replace("four_eyes", "one")))
    store = ["--store", october.store_url]
    assert october.call("dead", "drop", "7", "--reason", "x", "-e", "prod", *store).exit_code == 0
    assert state_of(october, "2") == "parked"
    assert october.call("dead", "drop", "8", "--reason", "x").exit_code == 0
    assert state_of(october, "3") == "waived"


FEED = """
    import sqlite3
    from pathlib import Path
    Path("fed").write_text(sys.stdin.read())
    store = sqlite3.connect(".ml-connector/demo/store.db")
    store.execute("UPDATE deliveries SET state='delivered', reason=NULL WHERE business_key LIKE '%/3'")
    store.commit()
"""
CHANGED = """
    print(json.dumps({"id": 8, "record": {"referenceNumber": "3", "total": 9}}, separators=(",", ":")))
    sys.exit(0)
"""


def test_a_replay_of_an_edited_record_waits_too(strict: House, monkeypatch: pytest.MonkeyPatch) -> None:
    strict.meltano(monkeypatch, FEED)
    store = open_store(strict.store_url)
    with store.transaction() as connection:
        connection.execute(tables.dead_letters.update().values(edit='{"title":["a","b"]}').where(_is(8)))
    store.close()
    done = strict.call("dead", "replay", "8", "--reason", "coded again")
    assert done.exit_code == 4
    assert "next: as another person: ml-connector dead approve 8" in done.stdout
    assert not (strict.root / "fed").exists()
    assert strict.call("dead", "approve", "8").exit_code == 2
    monkeypatch.setattr("ml_connector.audit.actions.actor", lambda: "colleague")
    strict.meltano(monkeypatch, FEED, CHANGED)
    changed = strict.call("dead", "approve", "8")
    assert changed.exit_code == 2
    assert "has changed since" in changed.stderr
    assert not (strict.root / "fed").exists()
    strict.meltano(monkeypatch, FEED)
    assert strict.call("dead", "approve", "8").exit_code == 0
    assert '"referenceNumber":"3"' in (strict.root / "fed").read_text()
    (decision,) = rows(strict, "decisions")
    assert (decision["kind"], decision["state"], decision["approved_by"]) == ("replay", "done", "colleague")


def test_a_replay_of_a_record_as_it_came_does_not_wait(strict: House, monkeypatch: pytest.MonkeyPatch) -> None:
    strict.meltano(monkeypatch, FEED)
    assert strict.call("dead", "replay", "8").exit_code == 0
    assert (strict.root / "fed").exists()


def _is(number: int) -> Any:
    return tables.dead_letters.c.id == number
