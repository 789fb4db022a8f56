"""The command line as an orchestrator sees it: exit codes, messages, nothing secret, nothing but JSON on stdout."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ml_connector_simulators.kit import Fault
from ml_connector_simulators.visma import CLIENT_SECRET, CUSTOMER_TENANT_ID
from tap_visma.streams import STREAMS

from tests.tap_visma.conftest import Output, config_of

TAP = str(Path(sys.executable).parent / "tap-visma")
QUICK = {"patience": 2, "request_timeout": 2}


@pytest.fixture
def tap(tmp_path):
    def run(*arguments, config=None, **options):
        command = [TAP, *arguments]
        if config is not None:
            file = tmp_path / "config.json"
            file.write_text(json.dumps(config))
            command += ["--config", str(file)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)

    return run


def selecting(tmp_path, tap, *streams):
    """Return the arguments that select these streams only."""
    catalog = json.loads(tap("--discover").stdout)
    for stream in catalog["streams"]:
        root = next(entry for entry in stream["metadata"] if entry["breadcrumb"] == [])
        root["metadata"]["selected"] = stream["stream"] in streams
    file = tmp_path / "catalog.json"
    file.write_text(json.dumps(catalog))
    return "--catalog", str(file)


def test_about_and_discover_need_no_settings(tap):
    about = tap("--about", "--format=json")
    settings = json.loads(about.stdout)["settings"]["properties"]
    assert {"tenant_id", "on_forbidden", "max_requests_per_hour"} <= settings.keys()
    discovered = tap("--discover")
    assert len(json.loads(discovered.stdout)["streams"]) == len(STREAMS)
    assert (about.returncode, discovered.returncode) == (0, 0)


def test_a_run_its_state_and_the_next_run(sim, tap, tmp_path):
    select = selecting(tmp_path, tap, "suppliers", "supplier_invoices")
    first = tap(*select, config=config_of(sim))
    assert first.returncode == 0, first.stderr
    output = Output(first.stdout)
    assert len(output.records["supplier_invoices"]) == 240
    state = tmp_path / "state.json"
    state.write_text(json.dumps(output.states[-1], default=str))
    second = Output(tap(*select, "--state", str(state), config=config_of(sim)).stdout)
    assert len(second.records["supplier_invoices"]) < 10
    assert second.states[-1]["bookmarks"] == output.states[-1]["bookmarks"]


def test_test_reads_one_record_of_each_stream(sim, tap):
    done = tap("--test", config=config_of(sim))
    assert done.returncode == 0, done.stderr
    output = Output(done.stdout)
    assert {stream: len(records) for stream, records in output.records.items()} == dict.fromkeys(output.schemas, 1)
    assert len(output.schemas) == len(STREAMS)


def test_ping_answers_in_json_lines(sim, tap):
    sim.forbid("NO01", "journaltransaction")
    done = tap("--ping", config=config_of(sim))
    checks = [json.loads(line) for line in done.stdout.splitlines()]
    assert [check["name"] for check in checks if not check["ok"]] == ["journal_transactions"]
    (refused,) = [check for check in checks if not check["ok"]]
    assert refused["code"] == "forbidden"
    assert refused["detail"].startswith("may not read journal transactions: ")
    named = {check["name"]: check for check in checks}
    assert named["suppliers"]["detail"] == "may read suppliers"
    assert named["latency"]["calls"] > 5
    assert 3000 < named["token"]["seconds_left"] <= 3600
    assert named["token"]["detail"].startswith("token good for 59 minutes")
    assert 0 < named["rate limit"]["remaining"] < named["rate limit"]["limit"]
    assert named["clock"]["warning"]  # the simulator lives in another month
    assert done.returncode == 3
    sim.permit("NO01", "journaltransaction")
    assert tap("--ping", config=config_of(sim)).returncode == 0


FAILURES = {
    "wrong secret": ({"client_secret": "my-wrong-secret"}, 3, "client_secret"),
    "customer tenant": ({"tenant_id": CUSTOMER_TENANT_ID}, 3, "company's tenant id"),
    "unknown tenant": ({"tenant_id": "33333333-3333-4333-8333-333333333333"}, 3, "tenant"),
    "unreachable": ({"api_url": "http://127.0.0.1:1"}, 3, "no connection"),
    "unreachable sign-in": ({"token_url": "http://127.0.0.1:1/token"}, 3, "no connection"),
    "no address": ({"api_url": "nonsense"}, 2, "nonsense"),
    "wrong address": ({"api_url": "{url}/elsewhere"}, 2, "Check `api_url`"),
    "wrong scope": ({"scopes": "vismanet_erp_service_api:create"}, 3, "vismanet_erp_service_api:read"),
    "wrong segment": ({"cost_center_segment": "9"}, 2, "Its segments are"),
    "wrong choice": ({"on_forbidden": "ask"}, 2, "on_forbidden"),
    "no tenant": ({"tenant_id": None}, 2, "tenant_id"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_what_is_wrong_is_told_with_its_exit_code_and_no_secret(sim, tap, case):
    changes, code, words = FAILURES[case]
    changes = {k: v.replace("{url}", sim.url) if isinstance(v, str) else v for k, v in changes.items()}
    config = {k: v for k, v in config_of(sim, **QUICK, **changes).items() if v is not None}
    done = tap(config=config)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert all(json.loads(line)["type"] != "RECORD" or case == "wrong segment" for line in done.stdout.splitlines())
    for secret in (CLIENT_SECRET, "my-wrong-secret"):
        assert secret not in done.stderr + done.stdout


def test_a_long_wait_ends_the_run_with_its_state(sim, tap, tmp_path):
    wait = Fault("status", path="/v1/supplierInvoice", times=None, status=429, headers={"Retry-After": "3000"})
    sim.faults.add(wait)
    done = tap(*selecting(tmp_path, tap, "suppliers", "supplier_invoices"), config=config_of(sim))
    assert done.returncode == 3
    assert "out_of_patience" in done.stderr
    assert Output(done.stdout).states[-1]["bookmarks"]["suppliers"]["replication_key_value"]


def test_a_target_that_stops_reading_is_no_riddle(sim, tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config_of(sim)))
    command = f"{TAP} --config {file} | head -c 100 >/dev/null; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "target has stopped reading" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_secret_in_an_unforeseen_traceback(sim, tmp_path):
    """A bug's traceback is shown, but cleaned."""
    code = (
        "from tap_visma.tap import TapVisma\n"
        "def broken(self, *a): raise RuntimeError('lost ' + self.tap.config['client_secret'])\n"
        "import tap_visma.streams.base as base\n"
        "base.VismaStream.get_page = broken\n"
        "TapVisma.cli()\n"
    )
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config_of(sim)))
    command = [sys.executable, "-c", code, "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "RuntimeError: lost ***" in done.stderr
    assert CLIENT_SECRET not in done.stderr


def test_a_termination_ends_with_whole_lines_and_the_state(sim, tmp_path, tap):
    sim.faults.add(Fault("timeout", path="/v1/supplierInvoice", after=1, times=None, seconds=60))
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config_of(sim, page_size=20)))
    select = selecting(tmp_path, tap, "suppliers", "supplier_invoices")
    with subprocess.Popen([TAP, "--config", str(file), *select], stdout=subprocess.PIPE, text=True) as process:
        lines = []
        while sum('"RECORD","stream":"supplier_invoices"' in line for line in lines) < 20:
            lines.append(process.stdout.readline())
        process.terminate()
        output = Output("".join([*lines, *process.stdout]))
        assert process.wait(10) == 128 + signal.SIGTERM
    assert output.totals("supplier_invoices")["emitted"] == "20"
    assert output.totals("supplier_invoices")["complete"] is False
    assert output.states[-1]["bookmarks"]["suppliers"]["replication_key_value"]


@pytest.mark.parametrize("flag", ["--ping", "--census"])
def test_what_is_asked_first_is_asked_of_the_selection_that_follows(sim, tap, tmp_path, flag):
    select = selecting(tmp_path, tap, "currencies")
    done = tap(flag, *select, config=config_of(sim))
    assert done.returncode == 0, done.stderr
    named = {stream.name for stream in STREAMS if f'"{stream.name}"' in done.stdout}
    assert named == {"currencies"}
