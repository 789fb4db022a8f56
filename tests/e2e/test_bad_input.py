"""Bad input through the real command lines: a clear message, the right exit code, nothing written, no secret shown."""

from __future__ import annotations

import json
import socket
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from ml_connector.errors import AuthError, BadInput, ConfigError, Unreachable
from ml_connector.store import open_store, tables
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import VismaSimulator

from tests.e2e.conftest import BIN, SECRETS, House

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CUSTOMER_TENANT = "99999999-9999-4999-8999-999999999999"
WRONG_SECRET = "a-wrong-secret-nobody-may-see"
MASTER = """
target: broken
via: import_set
dimensions:
  cost_center: {source: cost_centers.code, table: cmn_cost_center, key: {erp_source: erp_source, code: value},
                missing: park, inactive: park}
stream_maps:
  cost_centers:
    header:
      __alias__: sn_fcms_intg_imp_cost_center
      __key_properties__: [ERP source, Code]
      ERP source: erp_source
      Code: source_key
"""


@dataclass
class Pipe:
    """`tap-visma | target-servicenow-importset` with settings that a test spoils."""

    folder: Path
    visma: VismaSimulator
    servicenow: ServiceNowSimulator
    tap: dict[str, Any] = field(default_factory=dict)
    target: dict[str, Any] = field(default_factory=dict)

    def run(self, stream: str | None = None) -> tuple[int, int, str]:
        """Run both (or the target alone on `stream`); return their exit codes and what they said."""
        tap_code, said = 0, ""
        if stream is None:
            tap_code, stream, said = self._call("tap-visma", self._tap_settings())
        target_code, out, err = self._call("target-servicenow-importset", self._target_settings(), stream)
        assert not [secret for secret in (*SECRETS, WRONG_SECRET) if secret in said + out + err]
        return tap_code, target_code, said + err

    def _call(self, name: str, settings: dict[str, Any], stream: str = "") -> tuple[int, str, str]:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(settings))
        command = [str(BIN / name), "--config", str(path)]
        if name.startswith("tap"):
            command += ["--catalog", str(self._catalog(command))]
        done = subprocess.run(command, input=stream, capture_output=True, text=True, check=False, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def _catalog(self, command: list[str]) -> Path:
        """Select the smallest stream of the flow."""
        told = subprocess.run([*command, "--discover"], capture_output=True, text=True, check=True, timeout=60)
        catalog = json.loads(told.stdout)
        for stream in catalog["streams"]:
            for entry in stream["metadata"]:
                if not entry["breadcrumb"]:
                    entry["metadata"]["selected"] = stream["tap_stream_id"] == "cost_centers"
        path = self.folder / "catalog.json"
        path.write_text(json.dumps(catalog))
        return path

    def _tap_settings(self) -> dict[str, Any]:
        own = {"api_url": self.visma.url, "token_url": f"{self.visma.url}/connect/token", "company": "NO01"}
        client = {"client_id": "isv_ml_connector_demo", "client_secret": SECRETS[0], "cost_center_segment": "1"}
        return {**own, **client, "tenant_id": "11111111-1111-4111-8111-111111111111", "patience": 2, **self.tap}

    def _target_settings(self) -> dict[str, Any]:
        client = {"client_id": "demo-sn-client", "client_secret": SECRETS[1], "patience": 2}
        maps = {"mapping": ["tap_visma", "servicenow-s2p"], "maps_dir": str(self.folder)}
        own = {"instance_url": self.servicenow.url, "store_url": self.store_url}
        return {**own, **client, **maps, **self.target}

    @property
    def store_url(self) -> str:
        return f"sqlite:///{self.folder / 'store.db'}"

    def sent(self) -> list[str]:
        """Return whatever the store says was sent or was about to be."""
        store = open_store(self.store_url)
        with store.transaction() as connection:
            rows = connection.execute(tables.effects.select()).mappings().all()
        store.close()
        return [row["name"] for row in rows]


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    with running(VismaSimulator()) as visma, running(ServiceNowSimulator()) as servicenow:
        yield Pipe(tmp_path, visma, servicenow)


def nobody() -> str:
    """Return an address at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def nothing_was_written(pipe: Pipe) -> None:
    assert pipe.servicenow.log.writes() == []
    assert pipe.sent() == []


@pytest.mark.parametrize(
    ("spoilt", "code", "words"),
    [
        ({"client_secret": WRONG_SECRET}, AuthError.exit_code, "auth:"),
        ({"tenant_id": CUSTOMER_TENANT}, AuthError.exit_code, "tenant"),
        ({"api_url": nobody(), "token_url": nobody()}, Unreachable.exit_code, "unreachable:"),
        ({"cost_center_segment": "77"}, ConfigError.exit_code, "cost_center_segment"),
    ],
    ids=["wrong secret", "a customer's tenant", "unreachable host", "unknown segment"],
)
def test_a_tap_that_cannot_read(pipe: Pipe, spoilt: dict[str, Any], code: int, words: str) -> None:
    pipe.tap = spoilt
    tap_code, _, said = pipe.run()
    assert tap_code == code, said
    assert words in said
    assert "Traceback" not in said
    nothing_was_written(pipe)


@pytest.mark.parametrize(
    ("spoilt", "code", "words"),
    [
        ({"client_secret": WRONG_SECRET}, AuthError.exit_code, "auth:"),
        ({"instance_url": nobody()}, Unreachable.exit_code, "unreachable:"),
        ({"expected_instance": "acmeprod"}, ConfigError.exit_code, "'acmeprod'"),
        ({"expected_company": ["SE01"]}, ConfigError.exit_code, "expected_company is 'SE01'"),
        ({"cutover_date": "set-me"}, ConfigError.exit_code, "cutover_date"),
        ({"mapping": ["tap_visma", "no-such-map"]}, ConfigError.exit_code, "no-such-map"),
        ({"mapping": ["tap_visma"]}, ConfigError.exit_code, "two maps"),
    ],
    ids=["wrong secret", "unreachable host", "wrong instance", "wrong company", "guard not set", "no map", "one map"],
)
def test_a_target_that_may_not_write(pipe: Pipe, spoilt: dict[str, Any], code: int, words: str) -> None:
    pipe.target = spoilt
    _, target_code, said = pipe.run()
    assert target_code == code, said
    assert words in said
    assert "Traceback" not in said
    assert pipe.servicenow.log.writes() == []


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("Name: first(code", "broken.yml:14"),
        ("Name: no_such_field", "no_such_field"),
        ("Name: dimension('project', code, company)", "project"),
        ("No Such Column: code", "No Such Column"),
    ],
    ids=["malformed", "unknown field", "unknown dimension", "unknown column"],
)
def test_a_map_that_cannot_be_used(pipe: Pipe, column: str, words: str) -> None:
    (pipe.folder / "broken.yml").write_text(f"{MASTER}      {column}\n")
    pipe.target = {"mapping": ["tap_visma", "broken"]}
    _, code, said = pipe.run()
    assert code == ConfigError.exit_code, said
    assert words in said
    assert "Traceback" not in said
    assert pipe.servicenow.log.writes() == []


def test_a_missing_role_stops_and_names_what_is_missing(pipe: Pipe) -> None:
    pipe.servicenow.restrict("read", "sys_dictionary")
    _, code, said = pipe.run()
    assert code == AuthError.exit_code, said
    assert "sys_dictionary" in said
    assert pipe.servicenow.log.writes() == []


def test_a_broken_singer_line_stops_and_shows_no_content(pipe: Pipe) -> None:
    lines = '{"type": "STATE", "value": {}}\n{"type": "RECORD", "bankAccount": "97101212345", \n'
    _, code, said = pipe.run(lines)
    assert code == BadInput.exit_code, said
    assert "line 2" in said
    assert "97101212345" not in said
    assert "Traceback" not in said
    nothing_was_written(pipe)


def test_the_watch_sees_who_is_contacted(house: House) -> None:
    look = "import socket\ntry: socket.getaddrinfo('ml-connector.invalid', 443)\nexcept OSError: pass"
    with pytest.raises(AssertionError, match=r"ml-connector\.invalid by -c"):
        house.call("python", "-c", look)


def test_the_production_guards_are_closed_until_they_are_set(house: House) -> None:
    """Production settings pointed at an instance nobody named: the run stops before a write, and says which guard."""
    prod = {"TAP_VISMA_CLIENT_ID": "isv_ml_connector_demo", "TAP_VISMA_CLIENT_SECRET": SECRETS[0]}
    prod |= {"TAP_VISMA_TENANT_ID": "11111111-1111-4111-8111-111111111111", "TAP_VISMA_COST_CENTER_SEGMENT": "1"}
    target = "TARGET_SERVICENOW_IMPORTSET"
    prod |= {f"{target}_CLIENT_ID": "demo-sn-client", f"{target}_CLIENT_SECRET": SECRETS[1]}
    with house.simulators() as (_, servicenow):
        done = house.cli("run", "-e", "prod", "tap-visma-no", "target-servicenow", **prod)
        assert done.code == ConfigError.exit_code, done.said
        assert "set-me" in done.out
        prod |= {f"{target}_CUTOVER_DATE": "2026-10-01", f"{target}_EXPECTED_INSTANCE": "acmeprod"}
        done = house.cli("run", "-e", "prod", "tap-visma-no", "target-servicenow", **prod)
        assert done.code == ConfigError.exit_code, done.said
        assert "mlconnectordemo" in done.out
        assert servicenow.log.writes() == []
