"""Dead letters: listing, showing without personal data, and replaying the original lines."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ml_connector.delivery.owners import owner
from ml_connector.store import open_store, tables
from ml_connector.store.text import stamp, utc_now

from tests.cli.conftest import NO, House, business_key

REPLAY = """
    import sqlite3
    from pathlib import Path
    Path("fed").write_text(sys.stdin.read())
    names = [n for n in os.environ if n.startswith(("MELTANO_EXTRACTOR", "MELTANO_LOADER", "TARGET_"))]
    Path("seen").write_text(json.dumps({"argv": sys.argv[1:], **{n: os.environ[n] for n in names}}))
    store = sqlite3.connect(".ml-connector/demo/store.db")
    store.execute("UPDATE deliveries SET state='delivered', reason=NULL WHERE business_key LIKE '%/3'")
    store.execute("UPDATE dead_letters SET closed_at='now', closed_by='settled' WHERE business_key LIKE '%/3'")
    store.commit()
"""


def test_list_groups_by_cause_and_filters(october: House) -> None:
    shown = october.call("dead", "list").stdout
    assert shown.index("cost_center_missing") != shown.index("does_not_foot")
    assert "NOK 100.50" in shown
    assert [each["id"] for each in october.answer("dead", "list", "--cause", "does_not_foot")] == [8]
    assert [each["id"] for each in october.answer("dead", "list", "--company", "NO01")] == [7, 8]
    assert october.answer("dead", "list", "--company", "SE01") == []
    assert october.answer("dead", "list", "--pipeline", NO, "--cause", "does_not_foot")[0]["title"].startswith("3 ")


def test_a_list_never_shows_the_record(october: House) -> None:
    assert "97101212345" not in october.call("dead", "list", "--json").stdout


@pytest.mark.parametrize("number", ["7", "8"])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_show_masks_bank_and_personal_identifiers(october: House, number: str, form: list[str]) -> None:
    shown = october.call("dead", "show", number, *form).stdout
    assert "referenceNumber" in shown
    for private in ("97101212345", "a@b.no", "NO9386011117947", "NO93 8601 1117 947"):
        assert private not in shown


def test_show_tells_cause_field_and_what_to_do(october: House) -> None:
    shown = october.call("dead", "show", "7").stdout
    for words in (
        "cost_center = 990",
        "Add cost center 990",
        "next: correct the cause, then: ml-connector dead replay 7",
    ):
        assert words in shown


def test_an_unknown_number_ends_with_the_next_command(october: House) -> None:
    done = october.call("dead", "show", "99")
    assert done.exit_code == 2
    assert done.stderr.rstrip().endswith("next: ml-connector dead list")


def test_replay_feeds_the_original_lines_digit_for_digit(october: House, monkeypatch: pytest.MonkeyPatch) -> None:
    october.meltano(monkeypatch, REPLAY)
    october.call("dead", "replay", "7", "8")
    lines = (october.root / "fed").read_text().splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["SCHEMA", "RECORD", "RECORD"]
    assert json.loads(lines[0])["key_properties"] == ["_company", "referenceNumber"]
    assert '"total": 1.10' in lines[1]


def test_replay_uses_the_targets_meltano_settings(october: House, monkeypatch: pytest.MonkeyPatch) -> None:
    october.meltano(monkeypatch, REPLAY)
    october.call("dead", "replay", "--cause", "does_not_foot")
    seen = json.loads((october.root / "seen").read_text())
    assert seen["argv"][-2:] == ["invoke", "target-servicenow"]
    assert "--environment=demo" in seen["argv"]
    assert seen["TARGET_SERVICENOW_REPLAY"] == "true"
    assert seen["MELTANO_EXTRACTOR_NAME"] == "tap-visma-no"
    assert seen["MELTANO_EXTRACTOR_NAMESPACE"] == "tap_visma"


def test_replay_says_what_became_of_each(october: House, monkeypatch: pytest.MonkeyPatch) -> None:
    october.meltano(monkeypatch, REPLAY)
    done = october.call("dead", "replay", "--pipeline", NO, "--json")
    told = json.loads(done.stdout)
    assert {each["id"]: each["state"] for each in told["records"]} == {7: "parked", 8: "delivered"}
    assert done.exit_code == told["exit_code"] == 4
    assert october.call("dead", "replay", "8").exit_code == 2  # it is closed now


def test_a_replay_whose_records_arrive_ends_with_0(october: House, monkeypatch: pytest.MonkeyPatch) -> None:
    october.meltano(monkeypatch, REPLAY)
    assert october.call("dead", "replay", "8").exit_code == 0


def test_a_target_that_cannot_work_gives_its_code_and_words(october: House, monkeypatch: pytest.MonkeyPatch) -> None:
    october.meltano(
        monkeypatch,
        """
        sys.stdin.read()
        print(json.dumps({"level": "error", "event": "auth: the secret is not accepted"}), file=sys.stderr)
        sys.exit(3)
        """,
    )
    done = october.call("dead", "replay", "8")
    assert done.exit_code == 3
    assert "auth: the secret is not accepted" in done.stdout


def test_replay_without_a_choice_replays_nothing(october: House, monkeypatch: pytest.MonkeyPatch) -> None:
    october.meltano(monkeypatch, REPLAY)
    assert october.call("dead", "replay").exit_code == 2
    assert not (october.root / "fed").exists()


def test_a_renamed_plugin_is_told(october: House) -> None:
    october.delivery("4", "refused", pipeline="gone-to-target", reason="does_not_foot")
    october.letter(9, "4", '{"referenceNumber":"4"}', pipeline="gone-to-target")
    done = october.call("dead", "replay", "9")
    assert done.exit_code == 2
    assert "gone-to-target" in done.stderr


def test_letters_of_the_store_stay_as_they_are(october: House) -> None:
    october.call("dead", "list")
    october.call("dead", "show", "7")
    store = open_store(october.store_url)
    with store.transaction() as connection:
        rows = connection.execute(tables.dead_letters.select()).mappings().all()
    store.close()
    assert {row["business_key"] for row in rows if row["closed_at"] is None} == {business_key("2"), business_key("3")}


def test_filters_by_state_type_and_age(october: House) -> None:
    def numbers(*words: str) -> list[int]:
        return [each["id"] for each in october.answer("dead", "list", *words)]

    october.delivery("9", "failed", reason="no_answer", record_type="suppliers", since=stamp(utc_now()))
    october.letter(9, "9", "{}", record_type="suppliers")
    assert numbers("--state", "refused") == [8]
    assert numbers("--record-type", "suppliers") == [9]
    assert numbers("--older-than", "1d") == [7, 8]
    assert numbers("--since", "2026-11-02") == [9]
    assert numbers("--older-than", "1d", "--cause", "does_not_foot") == [8]
    for wrong in (["--older-than", "soon"], ["--since", "gestern"], ["--state", "delivered"]):
        assert october.call("dead", "list", *wrong).exit_code == 2


def test_a_list_says_whose_job_it_is_how_old_and_how_much_per_currency(october: House) -> None:
    october.delivery("9", "parked", reason="cost_center_missing", amount="7.25", currency="EUR")
    october.letter(9, "9", "{}")
    october.delivery("10", "parked", reason="cost_center_missing", amount="1000")
    october.letter(10, "10", "{}")
    head = next(line for line in october.call("dead", "list").stdout.splitlines() if "cost_center_missing" in line)
    assert "EUR 7.25, NOK 1,100.50" in head
    assert "for master data" in head
    assert "oldest" in head
    owners = {each["reason"]: each["owner"] for each in october.answer("dead", "list")}
    assert owners == {"cost_center_missing": "master data", "does_not_foot": "finance"}


def test_every_reason_has_an_owner() -> None:
    """IT is the last resort; the reasons that people of finance and master data can work off are named."""
    told = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
    reasons = re.findall(r"^\| `([a-z_]+)` \| (?:parked|refused)", told, re.MULTILINE)
    assert len(reasons) > 20
    owners = {reason: owner(reason) for reason in reasons}
    assert {reason for reason, whose in owners.items() if whose == "master data"} >= {"reference_not_found", "same_key"}
    assert {owners[reason] for reason in ("does_not_foot", "frozen", "suspected_duplicate", "other_entity")} == {
        "finance"
    }
    assert {owners[reason] for reason in ("transform_inactive", "column_not_written", "bad_request")} == {"IT"}
    assert owner("supplier_missing") == owner("gl_account_inactive") == "master data"
    assert owner("no_answer") == owner(None) == "IT"


CHANGED = """
    newest = {7: {"referenceNumber": "2", "total": 9}, 8: None}
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps({"id": asked["id"], "record": newest[asked["id"]]}, separators=(",", ":")))
    sys.exit(0)
"""


def test_what_has_changed_or_gone_is_held_until_somebody_chooses(
    october: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    october.meltano(monkeypatch, REPLAY, CHANGED)
    done = october.call("dead", "replay", "7", "8", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 4
    assert {each["id"]: each["source"] for each in told["held"]} == {7: "changed", 8: "gone"}
    assert told["held"][0]["changed_fields"] == ["bankAccount", "contact", "total"]
    assert not (october.root / "fed").exists()
    tried = october.answer("dead", "replay", "7", "8", "--dry-run", "--newest")
    assert [bool(each["held"]) for each in tried] == [False, True]
    assert not (october.root / "fed").exists()
    october.call("dead", "replay", "7", "--newest")
    assert '"total":9' in (october.root / "fed").read_text()
    october.call("dead", "replay", "7", "8", "--as-read")
    assert (october.root / "fed").read_text().count('"total": 1.10') == 1
    assert october.call("dead", "replay", "7", "--newest", "--as-read").exit_code == 2


def test_a_source_that_cannot_be_asked_stops_the_replay(october: House, monkeypatch: pytest.MonkeyPatch) -> None:
    down = """
        print(json.dumps({"level": "error", "event": "unreachable: no connection"}), file=sys.stderr)
        sys.exit(3)
    """
    october.meltano(monkeypatch, REPLAY, down)
    done = october.call("dead", "replay", "8")
    assert done.exit_code == 3
    assert "unreachable: no connection" in done.stderr
    assert "--as-read" in done.stderr
    assert not (october.root / "fed").exists()
    assert october.call("dead", "replay", "8", "--as-read").exit_code == 0


def test_a_replay_is_kept_with_who_and_why_and_names_its_run(october: House, monkeypatch: pytest.MonkeyPatch) -> None:
    october.meltano(monkeypatch, REPLAY)
    october.call("dead", "replay", "8", "--reason", "corrected by hand")
    assert json.loads((october.root / "seen").read_text())["TARGET_SERVICENOW_REPLAY_OF"] == "r1"
    store = open_store(october.store_url)
    with store.transaction() as connection:
        (decision,) = connection.execute(tables.decisions.select()).mappings()
        (run,) = connection.execute(tables.runs.select().where(tables.runs.c.kind == "action")).mappings()
        query = tables.events.select().where(tables.events.c.business_key == business_key("3"))
        (event,) = connection.execute(query).mappings()
    store.close()
    assert (decision["kind"], decision["state"], decision["reason"]) == ("replay", "done", "corrected by hand")
    assert decision["actor"] == run["actor"]
    data = json.loads(event["data"])
    assert (event["kind"], event["run_id"], data["letter"], data["of_run"]) == ("replay", run["id"], 8, "r1")


def test_a_dropped_record_comes_back_by_its_number_only(october: House, monkeypatch: pytest.MonkeyPatch) -> None:
    october.meltano(monkeypatch, REPLAY)
    assert october.call("dead", "drop", "8", "--reason", "booked by hand").exit_code == 0
    assert october.call("dead", "replay", "--cause", "dropped").exit_code == 2
    assert october.call("dead", "replay", "8").exit_code == 0
    assert october.call("dead", "drop", "8", "--reason", "again").exit_code == 2


def test_a_purged_record_cannot_be_replayed(october: House, monkeypatch: pytest.MonkeyPatch) -> None:
    october.meltano(monkeypatch, REPLAY)
    october.delivery("9", "waived", reason="dropped")
    october.letter(9, "9", "{}", closed_at="2026-11-02T05:00:30.000000+00:00", closed_by="dropped")
    done = october.call("dead", "replay", "9")
    assert done.exit_code == 2
    assert "purged" in done.stderr
    assert not (october.root / "fed").exists()


def test_without_a_reason_nothing_is_dropped(october: House) -> None:
    assert october.call("dead", "drop", "8").exit_code == 2
    assert [each["id"] for each in october.answer("dead", "list")] == [7, 8]
