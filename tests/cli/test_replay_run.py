"""`replay --run`: from where an earlier run read, what the tap is given, and what is not touched."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import NO, House

STATE = '{"bookmarks":{"supplier_invoices":{"replication_key":"m","replication_key_value":"2026-10-05T00:00:00"}}}'
MELTANO = """
    from pathlib import Path
    if "tap-visma-no" in sys.argv:
        seen = {"argv": sys.argv[1:]}
        if "--state" in sys.argv:
            file = Path(sys.argv[sys.argv.index("--state") + 1])
            seen |= {"state": json.loads(file.read_text()), "mode": oct(file.stat().st_mode & 0o777), "file": str(file)}
        Path("tap").write_text(json.dumps(seen))
        print(json.dumps({"type": "RECORD"}))
    else:
        names = [n for n in os.environ if n.startswith(("MELTANO_EXTRACTOR", "MELTANO_LOADER", "TARGET_"))]
        told = {"argv": sys.argv[1:], "fed": sys.stdin.read(), **{n: os.environ[n] for n in names}}
        Path("target").write_text(json.dumps(told))
        print(json.dumps({"bookmarks": "newest"}))
"""


def seen(house: House, name: str) -> dict[str, str]:
    return dict(json.loads((house.root / name).read_text()))


def at(second: int) -> str:
    return f"2026-11-01T05:00:{second:02}.000000+00:00"


@pytest.fixture
def months(house: House) -> House:
    house.run("first", started_at=at(1), state_to=STATE)
    house.run("second", started_at=at(2), state_from=STATE.replace("10-05", "10-06"), state_to=STATE)
    house.run("third", started_at=at(3))
    house.run("other", started_at=at(4), pipeline="tap-visma-se-to-target-servicenow")
    house.run("again", started_at=at(5), kind="replay", replay_of="second", state_from=STATE)
    house.run("act", started_at=at(6), kind="action")
    return house


def test_the_window_is_what_the_run_began_with_else_where_the_one_before_ended(months: House) -> None:
    begins = {run: months.answer("replay", "--run", run, "--dry-run")["from"] for run in ("first", "second", "third")}
    assert begins == {
        "first": {},
        "second": {"supplier_invoices": "2026-10-06T00:00:00"},
        "third": {"supplier_invoices": "2026-10-05T00:00:00"},
    }
    assert months.answer("replay", "--run", "other", "--dry-run")["from"] == {}
    assert "nothing was read" in months.call("replay", "--run", "second", "--dry-run").stdout


def test_the_tap_gets_the_state_in_a_private_file_and_the_target_no_bookmark(
    months: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    months.meltano(monkeypatch, MELTANO)
    done = months.call("replay", "--run", "second", "--resend")
    assert done.exit_code == 0, done.output
    tap, target = seen(months, "tap"), seen(months, "target")
    assert tap["argv"][1:4] == ["--log-format=json", "invoke", "tap-visma-no"]
    assert tap["state"] == json.loads(STATE.replace("10-05", "10-06"))
    assert tap["mode"] == "0o600"
    assert not (months.root / tap["file"]).exists()
    assert target["argv"][-2:] == ["invoke", "target-servicenow"]
    assert json.loads(target["fed"]) == {"type": "RECORD"}
    told = {name: target.get(f"TARGET_SERVICENOW_{name}") for name in ("REPLAY_OF", "RESEND", "REPLAY")}
    assert told == {"REPLAY_OF": "second", "RESEND": "true", "REPLAY": None}
    assert target["MELTANO_EXTRACTOR_NAME"] == "tap-visma-no"
    assert "newest" not in done.stdout


def test_a_run_without_a_bookmark_is_read_whole(months: House, monkeypatch: pytest.MonkeyPatch) -> None:
    months.meltano(monkeypatch, MELTANO)
    assert months.call("replay", "--run", "first").exit_code == 0
    assert "--state" not in seen(months, "tap")["argv"]


def test_a_plugin_that_fails_gives_its_code(months: House, monkeypatch: pytest.MonkeyPatch) -> None:
    down = """
        print(json.dumps({"level": "error", "event": "auth: the secret is not accepted"}), file=sys.stderr)
        sys.exit(3)
    """
    months.meltano(monkeypatch, down)
    done = months.call("replay", "--run", "second")
    assert done.exit_code == 3
    assert "auth: the secret is not accepted" in done.stdout


@pytest.mark.parametrize(
    ("run", "step"),
    [("none", "status"), ("act", "status"), ("again", "replay --run second")],
)
def test_what_read_no_source_of_its_own_is_not_read_again(months: House, run: str, step: str) -> None:
    done = months.call("replay", "--run", run)
    assert done.exit_code == 2
    assert f"next: ml-connector {step}" in done.stderr


def test_the_pipeline_is_that_of_the_run(months: House) -> None:
    assert months.answer("replay", "--run", "third", "--dry-run")["pipeline"] == NO
