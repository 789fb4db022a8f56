"""Run: what Meltano is asked, and how its end and the store's word become one exit code."""

from __future__ import annotations

import json
import stat

import pytest

from tests.cli.conftest import MELTANO_YML, House

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


def test_the_job_is_the_default_and_options_pass_through(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
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


OTHER = "- {name: other, tasks: [tap-visma target-snowflake]}\n"
SNOWFLAKE = "  - {name: target-snowflake, settings: [{name: account}]}\njobs:"


@pytest.fixture
def two_jobs(house: House) -> House:
    """A project with a second job, into another target."""
    (house.root / "meltano.yml").write_text(MELTANO_YML.replace("jobs:", SNOWFLAKE) + OTHER)
    return house


def test_of_several_jobs_the_first_is_the_default(two_jobs: House, monkeypatch: pytest.MonkeyPatch) -> None:
    two_jobs.meltano(monkeypatch, RUN)
    two_jobs.call("run")
    assert json.loads((two_jobs.root / "asked").read_text())["argv"][-1] == "visma-to-servicenow"
    two_jobs.call("run", "other")
    assert json.loads((two_jobs.root / "asked").read_text())["argv"][-1] == "other"


def test_without_a_job_a_tap_and_a_target_must_be_named(house: House) -> None:
    (house.root / "meltano.yml").write_text(MELTANO_YML.partition("jobs:")[0])
    for verb in ("run", "plan"):
        done = house.call(verb)
        assert done.exit_code == 2
        assert done.stderr.rstrip().endswith("next: ml-connector run TAP TARGET")


def test_what_waits_is_run_again_by_the_job_that_runs_it(two_jobs: House) -> None:
    """The default job need not be named, another must be, and a pair of no job is named itself."""
    pipelines = {
        "tap-visma-no-to-target-servicenow": "ml-connector run",
        "tap-visma-to-target-snowflake": "ml-connector run other",
        "tap-visma-se-to-target-snowflake": "ml-connector run tap-visma-se target-snowflake",
        "of-another-name": "ml-connector run",
    }
    for number, pipeline in enumerate(pipelines):
        two_jobs.run(f"r{number}", pipeline, exit_code=4)
        two_jobs.delivery(str(number), "parked", reason="frozen", pipeline=pipeline, last_run=f"r{number}")
    told = {cause["pipeline"]: cause["next"] for cause in two_jobs.answer("status")["causes"]}
    assert told == pipelines
    assert "next: ml-connector run other" in two_jobs.call("status").stdout


def test_a_reconciliation_names_the_job_too(two_jobs: House) -> None:
    ended = {"outcome": "stopped", "balance": None, "exit_code": 3, "mapping": "bulk"}
    two_jobs.run("r1", "tap-visma-to-target-snowflake", **ended)
    points = {point["words"]: point["step"] for point in two_jobs.answer("reconcile")["points"]}
    assert points == {"the last run of tap-visma-to-target-snowflake did not finish": "ml-connector run other"}


def test_after_a_fault_the_same_blocks_are_to_be_run(two_jobs: House, monkeypatch: pytest.MonkeyPatch) -> None:
    two_jobs.meltano(monkeypatch, RUN + "    sys.exit(1)\n")
    assert two_jobs.call("run").stdout.rstrip().endswith("correct it, then: ml-connector run")
    assert two_jobs.call("run", "visma-to-servicenow").stdout.rstrip().endswith("then: ml-connector run")
    assert two_jobs.call("run", "other", "--full-refresh").stdout.rstrip().endswith("then: ml-connector run other")
    pair = ("tap-visma", "target-snowflake")
    assert two_jobs.call("run", *pair).stdout.rstrip().endswith("then: ml-connector run tap-visma target-snowflake")


def test_resend_is_refused_where_it_means_nothing(two_jobs: House, monkeypatch: pytest.MonkeyPatch) -> None:
    two_jobs.meltano(monkeypatch, RUN)
    done = two_jobs.call("run", "other", "--resend")
    assert done.exit_code == 2
    assert "target-snowflake has no use for --resend" in done.stderr
    assert done.stderr.rstrip().endswith("next: ml-connector run other")
    assert not (two_jobs.root / "asked").exists()


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
