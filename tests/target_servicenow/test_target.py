"""The target as a program: settings, `--about`, `--ping`, sign-in, and the SDK's standard suite with every group on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ml_connector.errors import AuthError, ConfigError
from ml_connector.http import Budget
from ml_connector.vendors.servicenow.client import open_client
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.testing import get_target_test_class
from singer_sdk.testing.runners import TargetTestRunner
from target_servicenow_importset.sink import ServiceNowSink
from target_servicenow_importset.target import TargetServiceNowImportSet

PROGRAM = Path(sys.executable).parent / "target-servicenow-importset"
CREDENTIALS = {"client_id": "demo-sn-client", "client_secret": "demo-sn-secret"}
USER = {"username": "integration.user", "password": "demo-sn-password"}
SUITE_MAP = """
source_system: visma
stream_maps:
"""
SUITE_STREAM = """
  {stream}:
    __alias__: suppliers
    __key_properties__: [id]
    company: "'NO01'"
    source_state: "'active'"
    active: "True"
    number: id
    name: {name}
"""
# The suite's streams that have an id of their own; the others have no key and are left out as unmapped.
NAMED = {"test_duplicate_records": "concat(metric, '')", "test_strings": "info", "test_optional_attributes": "optional"}


@pytest.fixture
def servicenow():
    with running(ServiceNowSimulator()) as sim:
        yield sim


@pytest.fixture
def config(servicenow, tmp_path):
    streams = "".join(SUITE_STREAM.format(stream=s, name=n) for s, n in NAMED.items())
    (tmp_path / "suite.yml").write_text(SUITE_MAP + streams)
    return {
        "instance_url": servicenow.url,
        **CREDENTIALS,
        "mapping": ["suite", "servicenow-s2p"],
        "maps_dir": str(tmp_path),
        "store_url": f"sqlite:///{tmp_path}/store.db",
    }


StandardSuite = get_target_test_class(TargetServiceNowImportSet)


class TestStandardSuite(StandardSuite):
    """The SDK's standard target tests, over HTTP against the simulator."""

    @pytest.fixture
    def runner(self, servicenow, tmp_path):
        return TargetTestRunner(
            target_class=TargetServiceNowImportSet, config=config.__wrapped__(servicenow, tmp_path), suite_config=None
        )


@pytest.mark.parametrize(
    "method",
    [
        {"auth_method": "client_credentials", **CREDENTIALS},
        {"auth_method": "password", **CREDENTIALS, **USER},
        {"auth_method": "basic", **USER},
        {"auth_method": "api_key", "api_key": "demo-sn-api-key"},
    ],
    ids=lambda method: method["auth_method"],
)
def test_each_way_of_signing_in(servicenow, method):
    settings = {"instance_url": servicenow.url, "mapping": ["a", "b"], **method}
    sink = TargetServiceNowImportSet(config=settings).open_sink()
    assert sink.identity().id == "mlconnectordemo"


@pytest.mark.parametrize("secret", ["wrong-secret-x", None])
def test_a_refused_sign_in_names_the_likely_causes_and_no_secret(servicenow, secret):
    if secret is None:
        servicenow.set_property("glide.oauth.inbound.client.credential.grant_type.enabled", "false")
    settings = {
        "instance_url": servicenow.url,
        "mapping": ["a", "b"],
        **CREDENTIALS,
        **({"client_secret": secret} if secret else {}),
    }
    with pytest.raises(AuthError) as refused:
        TargetServiceNowImportSet(config=settings).open_sink().identity()
    for cause in ("secret", "inbound.client.credential", "application user", "locked"):
        assert cause in str(refused.value)
    assert settings["client_secret"] not in str(refused.value)


def test_credentials_that_are_not_set_are_named():
    with pytest.raises(ConfigError, match=r"password needs username and password"):
        open_client(
            {"instance_url": "https://x", "auth_method": "password", **CREDENTIALS}, agent="test", budget=Budget()
        )


@pytest.mark.parametrize("name", ["settle_window", "ap_invoice_window"])
@pytest.mark.parametrize(
    ("url", "window", "allowed"),
    [("https://acme.example", 59, False), ("https://acme.example", 60, True), ("http://127.0.0.1:1", 0, True)],
)
def test_a_settle_window_shorter_than_a_call_may_run_is_refused(name, url, window, allowed):
    target = TargetServiceNowImportSet(config={"instance_url": url, "mapping": ["a", "b"], name: window, **CREDENTIALS})
    if allowed:
        assert isinstance(target.open_sink(), ServiceNowSink)
        return
    with pytest.raises(ConfigError, match=f"{name}"):
        target.open_sink()


@pytest.mark.parametrize("setting", [{"mode": "fast"}, {"auth_method": "magic"}, {"key_style": "number"}])
def test_a_word_that_is_no_choice_is_refused(setting):
    config = {"instance_url": "https://x", "mapping": ["a", "b"], **CREDENTIALS, **setting}
    with pytest.raises(ConfigValidationError) as refused:
        TargetServiceNowImportSet(config=config)
    assert next(iter(setting.values())) in str(refused.value.errors)


def test_ping_prints_json_lines_and_its_verdict(servicenow, config, tmp_path):
    assert ping(config, tmp_path).returncode == 0
    servicenow.revoke("integration.user", "personalize_dictionary")
    done = ping(config, tmp_path)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 3
    assert [line["name"] for line in lines if not line["ok"]] == ["read sys_db_object", "read sys_dictionary"]
    assert "demo-sn-secret" not in done.stdout + done.stderr


def test_newest_of_a_repeated_record_is_what_arrives(servicenow, config, tmp_path):
    messages = [
        {
            "type": "SCHEMA",
            "stream": "test_strings",
            "key_properties": ["id"],
            "schema": {"properties": {"id": {"type": "integer"}}},
        },
        *({"type": "RECORD", "stream": "test_strings", "record": {"id": 1, "info": f"name {n}"}} for n in range(5)),
        {"type": "STATE", "value": {"seen": 5}},
    ]
    lines = "".join(json.dumps(message) + "\n" for message in messages)
    command = [PROGRAM, "--config", settings_file(config, tmp_path)]
    first = subprocess.run(command, input=lines, text=True, capture_output=True, check=True)
    assert json.loads(first.stdout) == {"seen": 5}
    assert [row["legal_name"] for row in servicenow.table("sn_fin_supplier")] == ["name 4"]
    servicenow.log.clear()
    subprocess.run(command, input=lines, text=True, capture_output=True, check=True)
    assert servicenow.log.writes() == []


def ping(config, tmp_path):
    command = [PROGRAM, "--config", settings_file(config, tmp_path), "--ping"]
    return subprocess.run(command, text=True, capture_output=True, check=False)


def settings_file(config, tmp_path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    return path


def test_a_table_that_spoils_rows_ends_the_run_as_a_set_up_error_and_loses_nothing(servicenow, config, tmp_path):
    lines = "".join(
        json.dumps(message) + "\n"
        for message in (
            {
                "type": "SCHEMA",
                "stream": "test_strings",
                "key_properties": ["id"],
                "schema": {"properties": {"id": {}}},
            },
            {"type": "RECORD", "stream": "test_strings", "record": {"id": 1, "info": "one"}},
            {"type": "RECORD", "stream": "test_strings", "record": {"id": 2, "info": "two"}},
            {"type": "STATE", "value": {"seen": 2}},
        )
    )
    spoilt = config | {"mode": "insert_multiple", "key_style": "column"}
    done = run(spoilt, tmp_path, lines)
    assert (done.returncode, done.stdout) == (2, "")
    assert "key_style" in done.stderr
    assert servicenow.table("sn_fin_supplier") == []
    assert run(config, tmp_path, lines).returncode == 0
    assert [row["legal_name"] for row in servicenow.table("sn_fin_supplier")] == ["one", "two"]


def run(config, tmp_path, lines):
    command = [PROGRAM, "--config", settings_file(config, tmp_path)]
    return subprocess.run(command, input=lines, text=True, capture_output=True, check=False)
