"""Run: what Meltano is asked, and how its end and the store's word become one exit code."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

from tests.cli.conftest import MELTANO_YML, House

if TYPE_CHECKING:
    import pytest

RUN = """
    import sqlite3
    open("asked", "w").write(json.dumps({"argv": sys.argv[1:], "resend": os.environ.get("TARGET_SERVICENOW_RESEND")}))
    def insert(table, **values):
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        store.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))
    def log(**entry):
        print(json.dumps(entry))
    store = sqlite3.connect(".ml-connector/demo/store.db")
    usual = dict(id="r1", pipeline="p", kind="run", target_id="t", target_label="acmetest", mapping="", map_version="",
                 started_at="2026-11-01T05:00:00+00:00", ended_at="2026-11-01T05:00:09+00:00", outcome="finished",
                 balance="in_balance", exit_code=0)
"""


def test_run_shows_the_runs_it_caused_and_takes_their_code(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.run("before", exit_code=5)
    house.meltano(monkeypatch, RUN + '    insert("runs", **usual | {"exit_code": 4})\n    store.commit()\n')
    done = house.call("run", "--json")
    told = json.loads(done.stdout)
    assert [run["id"] for run in told["runs"]] == ["r1"]
    assert done.exit_code == told["exit_code"] == 4


def test_the_only_job_is_the_default_and_options_pass_through(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.meltano(monkeypatch, RUN)
    house.call("run")
    asked = json.loads((house.root / "asked").read_text())
    assert asked["argv"] == ["--environment=demo", "--log-format=json", "run", "visma-to-servicenow"]
    house.call("run", "--full-refresh", "tap-visma", "target-servicenow", "-e", "prod", "--store", house.store_url)
    asked = json.loads((house.root / "asked").read_text())
    assert asked["argv"] == [
        "--environment=prod",
        "--log-format=json",
        "run",
        "--full-refresh",
        "tap-visma",
        "target-servicenow",
    ]


def test_resend_reaches_the_targets_of_the_jobs(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.meltano(monkeypatch, RUN)
    house.call("run", "--resend")
    assert json.loads((house.root / "asked").read_text())["resend"] == "true"


def test_a_plugin_that_fails_before_the_store_gives_its_code(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.meltano(
        monkeypatch,
        RUN
        + """
    log(level="error", event="An unhandled error occurred while syncing 'suppliers'")
    log(level="error", event="auth: the tenant is a customer's")
    log(level="error", event="Block run completed", exit_codes={"extractors": 3})
    sys.exit(1)
""",
    )
    done = house.call("run")
    assert done.exit_code == 3
    assert "auth: the tenant is a customer's" in done.stdout
    assert "Block run completed" not in done.stdout
    assert "next: ml-connector ping" in done.stdout


def test_a_target_that_ends_first_is_known_by_its_words(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    said = """
    log(level="error", event="config: `cutover_date` is 'set-me'")
    log(level="error", event="Task exception was never retrieved")
    sys.exit(1)
"""
    house.meltano(monkeypatch, RUN + said)
    assert house.call("run").exit_code == 2


def test_meltano_that_fails_without_a_word_is_a_fault(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.meltano(monkeypatch, RUN + "    print('Traceback …')\n    sys.exit(1)\n")
    assert house.call("run").exit_code == 1


def test_a_run_that_was_killed_is_a_fault(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = '{"exit_code": None, "ended_at": None, "outcome": "running"}'
    house.meltano(monkeypatch, RUN + f'    insert("runs", **usual | {killed})\n    store.commit()\n')
    done = house.call("run")
    assert done.exit_code == 1
    assert "ended from outside" in done.stdout


def test_the_log_is_private_and_its_path_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.meltano(monkeypatch, RUN + '    log(level="info", event="hello")\n')
    told = house.answer("run")
    (log,) = (house.root / ".ml-connector" / "demo" / "logs").iterdir()
    assert told["log"] == str(log)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "hello" in log.read_text()


def test_several_jobs_must_be_chosen_from(house: House) -> None:
    (house.root / "meltano.yml").write_text(MELTANO_YML + "- {name: other, tasks: []}\n")
    done = house.call("run")
    assert done.exit_code == 2
    assert "visma-to-servicenow, other" in done.stderr
    assert done.stderr.rstrip().endswith("next: ml-connector run visma-to-servicenow")


def test_outside_a_project_the_next_command_is_told(house: House) -> None:
    (house.root / "meltano.yml").unlink()
    done = house.call("run")
    assert done.exit_code == 2
    assert "no meltano.yml" in done.stderr
    assert "next:" in done.stderr


def test_an_unknown_environment_is_told_in_json_too(house: House) -> None:
    done = house.call("status", "-e", "production", "--json")
    assert done.exit_code == 2
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "config"
    assert "demo, prod" in error["message"]
    assert error["next"]
