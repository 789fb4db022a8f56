"""`--ping`, `--lookup` and `--census`, in this process and as a program; a program that is killed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from ml_connector.singer.census import tell_census
from ml_connector.singer.lookup import tell_lookups
from ml_connector_simulators.kit import Fault

from tests.tap_servicenow.conftest import CENTERS, DAY, HEADERS, LINES, REQUESTS, centers, config_of, sync, tap_of
from tests.tap_visma.conftest import captured

PROGRAM = Path(sys.executable).parent / "tap-servicenow"
FLOW = (CENTERS, REQUESTS)


@pytest.fixture
def stocked(sim):
    centers(sim, 4)
    sim.add("sn_fin_supplier", supplier_number="V1", legal_name="Paper")
    lines = [{"item": item, "quantity": "2", "unit_price": "EUR;1.10"} for item in "AB"]
    for _ in range(2):
        sim.request(supplier_number="V1", lines=lines, currency="EUR")
    sim.clock.advance(DAY)
    return sim


def lookup(sim, asked, **options):
    lines = [json.dumps({"id": n, "stream": s, "record": r}, default=str) for n, (s, r) in asked.items()]
    with captured() as out:
        tell_lookups(tap_of(sim, *FLOW, **options), io.StringIO("\n".join(lines)))
    return {each["id"]: each for each in (json.loads(line, parse_float=Decimal) for line in out().splitlines())}


def test_what_has_not_changed_is_the_same_by_single_requests(stocked):
    output = sync(stocked, *FLOW)
    asked = {1: (CENTERS, output.records[CENTERS][0]), 2: (REQUESTS, output.records[REQUESTS][0])}
    assert lookup(stocked, asked) == {1: {"id": 1, "same": True}, 2: {"id": 2, "same": True}}


def test_what_has_changed_comes_as_a_run_would_emit_it(stocked):
    output = sync(stocked, *FLOW)
    center, request = output.records[CENTERS][0], output.records[REQUESTS][0]
    stocked.update(CENTERS, center["sys_id"], name="renamed")
    stocked.update(LINES, request["lines"][1]["sys_id"], purchased_quantity="7")
    answers = lookup(stocked, {1: (CENTERS, center), 2: (REQUESTS, request)})
    again = {r["sys_id"]: r for name in FLOW for r in sync(stocked, *FLOW).records[name]}
    assert answers[1]["record"] == again[center["sys_id"]]
    assert answers[1]["record"]["name"] == "renamed"
    assert answers[2]["record"] == again[request["sys_id"]]
    assert answers[2]["record"]["lines"][1]["purchased_quantity"] == 7


def test_what_is_gone_or_no_longer_approved_is_not_there(stocked):
    output = sync(stocked, *FLOW)
    center, request = output.records[CENTERS][0], output.records[REQUESTS][0]
    stocked.delete(CENTERS, center["sys_id"])
    stocked.cancel_request(request["number"])
    answers = lookup(stocked, {1: (CENTERS, center), 2: (REQUESTS, request)})
    assert [answers[n]["record"] for n in (1, 2)] == [None, None]


def test_a_census_lists_everything(stocked):
    with captured() as out:
        tell_census(tap_of(stocked, *FLOW, page_size=3))
    lines = [json.loads(line) for line in out().splitlines()]
    told = [line["record"]["sys_id"] for line in lines if line["stream"] == CENTERS and "record" in line]
    assert sorted(told) == sorted(row["sys_id"] for row in stocked.table(CENTERS))
    assert [line["complete"] for line in lines if "complete" in line] == [True, True]
    assert {line["company"] for line in lines if "complete" in line} == {"US01"}


def test_ping_says_what_may_be_read(stocked):
    checks = {check.name: check for check in tap_of(stocked, *FLOW).ping()}
    assert all(check.ok for check in checks.values())
    assert set(FLOW) <= set(checks)
    stocked.restrict("read", LINES)
    checks = {check.name: check for check in tap_of(stocked, *FLOW).ping()}
    assert [name for name in FLOW if not checks[name].ok] == [REQUESTS]
    assert "role" in checks[REQUESTS].suggestion


def test_ping_tells_a_hidden_field(stocked, caplog):
    stocked.restrict("read", HEADERS, column="short_description")
    list(tap_of(stocked, REQUESTS).ping())
    assert "may not read short_description" in caplog.text


def program(sim, tmp_path, *options, **changes):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(config_of(sim, tables=[CENTERS], **changes)))
    done = subprocess.run(
        [PROGRAM, "--config", str(config), *options], capture_output=True, check=False, text=True, timeout=60
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_as_a_program(stocked, tmp_path):
    code, lines, _ = program(stocked, tmp_path)
    assert code == 0
    assert {line.get("stream") for line in lines} == {CENTERS, REQUESTS, None}
    code, lines, _ = program(stocked, tmp_path, "--ping")
    assert (code, {line["ok"] for line in lines}) == (0, {True})
    code, lines, errors = program(stocked, tmp_path, "--ping", client_secret="my-wrong-secret")
    assert code == 3
    assert "application user" in errors
    assert "my-wrong-secret" not in errors
    assert "Traceback" not in errors


def test_a_killed_program_goes_on_where_its_last_state_says(sim, tmp_path):
    rows = centers(sim, 3000)
    config = tmp_path / "config.json"
    settings = {"tables": [CENTERS], "exclude_tables": [REQUESTS], "page_size": 500}
    config.write_text(json.dumps(config_of(sim, **settings)))
    sim.faults.add(Fault("timeout", path=CENTERS, after=4, seconds=60, times=None))  # it hangs, and is killed
    written, place = [], None
    with subprocess.Popen([PROGRAM, "--config", str(config)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tap:
        for line in tap.stdout:
            message = json.loads(line)
            if message["type"] == "RECORD":
                written.append(message["record"]["sys_id"])
            elif message["type"] == "STATE" and (place := message["value"]["bookmarks"].get(CENTERS, {}).get("place")):
                state, before = message["value"], len(written)
                break
        tap.kill()
    sim.faults.clear()
    second = sync(sim, CENTERS, state=state, page_size=500)
    again = [record["sys_id"] for record in second.records[CENTERS]]
    assert place
    assert set(written[:before]) | set(again) == {row["sys_id"] for row in rows}
    assert 0 < len(again) < 3000
