"""References to the vault in settings: found wherever they stand, typed as the setting wants, then masked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ml_connector.errors import ConfigError
from ml_connector.secrets import MASK, Redactor, Secret
from ml_connector.secrets.place import vault_path
from ml_connector.secrets.references import resolved, secret_texts

from tests.secrets.conftest import VALUES, Safe

PROPERTIES = {
    "client_secret": {"type": ["string", "null"], "secret": True},
    "tenant_id": {"type": "string"},
    "page_size": {"type": ["integer", "null"]},
    "expected_company": {"type": ["array", "null"], "items": {"type": "string"}},
    "mapping_vars": {"type": "object"},
}


def look_up(safe: Safe, settings: dict[str, Any], redactor: Redactor | None = None) -> dict[str, Any]:
    return resolved(settings, PROPERTIES, redactor or Redactor(), lambda: safe.vault)


def test_they_are_found_in_lists_and_objects_too(safe: Safe) -> None:
    redactor = Redactor()
    settings = {
        "client_secret": "secret:visma.client_secret",
        "tenant_id": "plain",
        "expected_company": ["NO01", "secret:store.url"],
        "mapping_vars": {"deep": [{"er": "secret:servicenow.password"}], "number": 3},
    }
    before = json.dumps(settings)
    assert look_up(safe, settings, redactor) == {
        "client_secret": VALUES["visma.client_secret"],
        "tenant_id": "plain",
        "expected_company": ["NO01", VALUES["store.url"]],
        "mapping_vars": {"deep": [{"er": VALUES["servicenow.password"]}], "number": 3},
    }
    assert json.dumps(settings) == before, "the settings that came in are not touched"
    assert [redactor.clean(f"<{value}>") for value in VALUES.values()] == [f"<{MASK}>"] * 3


def test_without_one_no_vault_is_looked_for() -> None:
    def no_vault() -> Any:
        raise AssertionError

    assert resolved({"tenant_id": "secretive"}, PROPERTIES, Redactor(), no_vault) == {"tenant_id": "secretive"}


def test_a_number_or_a_list_is_json_in_the_vault(safe: Safe) -> None:
    safe.vault.put("visma.page_size", Secret("250"))
    safe.vault.put("visma.companies", Secret('["NO01", "SE01"]'))
    settings = {"page_size": "secret:visma.page_size", "expected_company": "secret:visma.companies"}
    assert look_up(safe, settings) == {"page_size": 250, "expected_company": ["NO01", "SE01"]}
    with pytest.raises(ConfigError, match="`page_size` is a integer") as caught:
        look_up(safe, {"page_size": "secret:store.url"})
    assert VALUES["store.url"] not in str(caught.value)


@pytest.mark.parametrize("name", ["visma.nothing", "nonsense", "", "visma."])
def test_an_unknown_one_is_named_with_the_command_to_type(safe: Safe, name: str) -> None:
    with pytest.raises(ConfigError, match=f"ml-connector secrets set {name}$") as caught:
        look_up(safe, {"mapping_vars": {"deep": [f"secret:{name}"]}})
    assert "`mapping_vars.deep[0]`" in str(caught.value)


def test_misspelt_settings_count_as_secret() -> None:
    settings = {
        "client_secret": "one-hush",
        "cleint_secret": "two-hush",
        "tenant_id": "acme",
        "nested": {"a": [7, None]},
    }
    assert secret_texts(settings, PROPERTIES) == ["one-hush", "two-hush", "7"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"ML_CONNECTOR_VAULT": "/x/v.json", "MELTANO_PROJECT_ROOT": "/p"}, "/x/v.json"),
        ({"MELTANO_PROJECT_ROOT": "/p"}, "/p/.ml-connector/vault.json"),
    ],
)
def test_the_vault_is_where_the_environment_says(environ: dict[str, str], expected: str) -> None:
    assert vault_path(environ) == Path(expected)


def test_else_it_is_found_from_the_working_directory_upwards(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert vault_path({}, inner) == inner / ".ml-connector" / "vault.json"
    (tmp_path / "meltano.yml").touch()
    assert vault_path({}, inner) == tmp_path / ".ml-connector" / "vault.json"


def run(connector: str, config: dict[str, Any], folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    command = [str(Path(sys.executable).parent / connector), "--config", str(path), "--ping"]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, **environ}, input=""
    )


@pytest.mark.parametrize("connector", ["tap-visma", "target-servicenow-importset"])
def test_a_connector_alone_resolves_them_before_its_settings_are_checked(safe: Safe, connector: str) -> None:
    """In any Singer stack: a plain config file, no Meltano."""
    settings = {"client_secret": "secret:visma.nothing"}
    done = run(connector, settings, safe.folder, **safe.environ)
    assert done.returncode == 2
    assert "`client_secret` takes visma.nothing from the vault" in done.stderr
    assert "Type: ml-connector secrets set visma.nothing" in done.stderr
    assert "Traceback" not in done.stderr
    wrong = run(connector, {"client_secret": "secret:visma.client_secret", "patience": "secret:store.url"}, safe.folder)
    assert wrong.returncode == 2


def test_validation_does_not_quote_a_value_of_the_vault(safe: Safe) -> None:
    safe.vault.put("visma.number", Secret("48151623"))
    settings = {"client_secret": "plain-hush", "client_id": "secret:store.url", "tenant_id": ["secret:visma.number"]}
    done = run("tap-visma", settings, safe.folder, **safe.environ)
    assert done.returncode == 2
    assert "is not of type" in done.stderr
    assert not any(value in done.stderr for value in (*VALUES.values(), "48151623", "plain-hush"))


def test_a_store_may_be_a_reference(safe: Safe) -> None:
    safe.vault.put("store.place", Secret(f"sqlite:///{safe.folder / 'hidden-place' / 'store.db'}"))
    config = {
        "instance_url": "http://127.0.0.1:9",
        "client_id": "x",
        "client_secret": "secret:visma.client_secret",
        "mapping": ["tap_visma", "servicenow-s2p"],
        "store_url": "secret:store.place",
        "patience": 1,
    }
    path = safe.folder / "config.json"
    path.write_text(json.dumps(config))
    schema = {"type": "SCHEMA", "stream": "branches", "schema": {"properties": {}}, "key_properties": []}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "target-servicenow-importset"), "--config", str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=safe.folder,
        env={**os.environ, **safe.environ},
        input=json.dumps(schema) + "\n",
    )
    assert done.returncode == 3, done.stderr
    assert (safe.folder / "hidden-place" / "store.db").is_file()
    assert "hidden-place" not in done.stderr
