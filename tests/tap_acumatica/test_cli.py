"""The command line as an orchestrator sees it: exit codes, messages, nothing secret, and the seat always given back."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ml_connector.secrets import Secret
from ml_connector.secrets.vault import Vault
from ml_connector_simulators.acumatica import CLIENT_SECRET, PASSWORD, REFRESH_TOKEN
from ml_connector_simulators.kit import Fault
from tap_acumatica.streams import STREAMS

from tests.tap_acumatica.conftest import config_of, tap_of
from tests.tap_visma.conftest import Output

TAP = str(Path(sys.executable).parent / "tap-acumatica")
NAME = "acumatica.refresh_token"
QUICK = {"patience": 1, "request_timeout": 3}


@pytest.fixture
def command(tmp_path, sim):
    """Return the command for these streams and settings."""

    def command(*arguments, streams=("vendors", "bills"), **changes):
        config = config_of(sim, **changes)
        (tmp_path / "config.json").write_text(json.dumps(config))
        (tmp_path / "catalog.json").write_text(json.dumps(tap_of(sim, *streams).catalog_dict))
        given = ["--config", str(tmp_path / "config.json"), "--catalog", str(tmp_path / "catalog.json")]
        return [TAP, *arguments, *given]

    return command


def finished(command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


def test_discover_needs_no_settings():
    done = finished([TAP, "--discover"])
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["streams"]) == len(STREAMS)


def test_a_run_signs_in_once_and_out(sim, command):
    done = finished(command())
    assert done.returncode == 0, done.stderr
    assert len(Output(done.stdout).records["bills"]) == len(sim.rows("Bill"))
    paths = [each.path for each in sim.log.requests()]
    assert (paths[0], paths[1], paths[-1]) == ("/identity/connect/token", "/entity", "/entity/auth/logout")
    assert sim.sessions.all() == []
    for secret in (CLIENT_SECRET, PASSWORD):
        assert secret not in done.stdout + done.stderr


FAILURES = {
    "version": ({"endpoint_version": "25.200.001"}, 2, "It offers: Default 22.200.001, 23.200.001, 24.200.001"),
    "cookie password": ({"password": "my-wrong-password", "auth_method": "cookie"}, 3, "Invalid credentials"),
    "no vault": ({"auth_method": "oauth_refresh", "refresh_token": "plain-token"}, 2, "ml-connector secrets set"),
    "segment": ({"cost_center_segment": 5}, 2, "subaccount_mask"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_what_is_wrong_is_told_with_its_exit_code_and_no_secret(sim, command, case):
    changes, code, words = FAILURES[case]
    done = finished(command(streams=("cost_centers",), **QUICK | changes))
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert sim.sessions.all() == []
    for secret in (CLIENT_SECRET, PASSWORD, "my-wrong-password", "plain-token"):
        assert secret not in done.stderr + done.stdout


def test_no_seat_ends_the_run_with_words_about_seats(sim, command):
    sim.limit_seats(0)
    done = finished(command(**QUICK))
    assert done.returncode == 3
    assert "out_of_patience" in done.stderr
    assert "API users (seats)" in done.stderr


@pytest.mark.parametrize("auth_method", ["oauth_password", "cookie"])
def test_a_termination_gives_the_seat_back(sim, command, auth_method):
    sim.faults.add(Fault("timeout", path="/Bill", after=1, times=None, seconds=60))
    asked = command(auth_method=auth_method, page_size=20)
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as process:
        lines = []
        while sum('"RECORD","stream":"bills"' in line for line in lines) < 20:
            lines.append(process.stdout.readline())
        assert len(sim.sessions.all()) == 1
        process.terminate()
        output = Output("".join([*lines, *process.stdout]))
        assert process.wait(20) == 128 + signal.SIGTERM
    assert sim.sessions.all() == []
    assert output.totals("bills")["complete"] is False
    assert "replication_key_value" not in output.states[-1]["bookmarks"]["bills"]


@pytest.mark.parametrize("question", ["--ping", "--census", "--lookup", "--test"])
def test_a_question_gives_the_seat_back(sim, command, question):
    row = sim.rows("Vendor")[0]
    asked = {"id": 1, "stream": "vendors", "record": {"VendorID": row["VendorID"], "id": "none"}}
    done = finished(command(question, streams=("vendors", "ledgers")), input=json.dumps(asked) + "\n")
    assert done.returncode == 0, done.stderr
    assert row["VendorID"] in done.stdout or question == "--ping"
    assert sim.sessions.all() == []


def test_a_refresh_token_goes_round_in_the_vault(sim, command, tmp_path, monkeypatch):
    monkeypatch.setenv("ML_CONNECTOR_VAULT", str(tmp_path / "own" / "vault.json"))
    monkeypatch.setenv("ML_CONNECTOR_KEY_FILE", str(tmp_path / "keys" / "key"))
    vault = Vault.find()
    vault.put(NAME, Secret(REFRESH_TOKEN))
    tokens = [REFRESH_TOKEN]
    for _ in range(2):
        done = finished(command(auth_method="oauth_refresh", refresh_token=f"secret:{NAME}", password=None))
        assert done.returncode == 0, done.stderr
        tokens.append(vault.get(NAME).reveal())
        assert tokens[-1] not in done.stderr + done.stdout
    assert len(set(tokens)) == 3
    sim.revoke_refresh_token(tokens[-1])
    done = finished(command(auth_method="oauth_refresh", refresh_token=f"secret:{NAME}", password=None))
    assert done.returncode == 3
    assert f"authorise again, then type: ml-connector secrets set {NAME}" in done.stderr
