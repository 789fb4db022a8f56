"""`ml-connector secrets` as a person types it; real processes, a real terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import House

COMMAND = str(Path(sys.executable).parent / "ml-connector")
VALUE = "hush-hush-hush"


@pytest.fixture(autouse=True)
def _own_vault(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_CONNECTOR_VAULT", str(house.root / "vault" / "vault.json"))
    monkeypatch.setenv("ML_CONNECTOR_KEY_FILE", str(house.root / "keys" / "key"))


def put(house: House, name: str = "visma.client_secret", value: str = VALUE) -> None:
    assert house.call("secrets", "set", name, input=f"{value}\n").exit_code == 0


def test_a_piped_value_is_kept_and_never_shown(house: House) -> None:
    put(house)
    listed = house.call("secrets", "list")
    assert "visma.client_secret" in listed.output
    assert VALUE not in listed.output
    told = house.answer("secrets", "list")["secrets"]
    assert [(each["name"], bool(each["set_by"])) for each in told] == [("visma.client_secret", True)]
    assert house.answer("secrets", "check") == {"opened": 1}
    assert house.call("secrets", "remove", "visma.client_secret").exit_code == 0
    assert house.answer("secrets", "list")["secrets"] == []


def test_a_typed_value_is_asked_for_twice_and_not_echoed(house: House) -> None:
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, "secrets", "set", "visma.client_secret"], stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    shown = b""
    for _ in range(2):
        while not shown.endswith((b"shown): ", b"confirmation: ")):
            shown += os.read(main, 1024)
        os.write(main, f"{VALUE}\n".encode())
        shown += os.read(main, 1024)
    assert process.wait(30) == 0
    assert VALUE.encode() not in shown
    assert house.answer("secrets", "check") == {"opened": 1}


def test_a_value_on_the_command_line_is_refused_and_not_repeated(house: House) -> None:
    done = house.call("secrets", "set", "visma.client_secret", VALUE)
    assert done.exit_code == 2
    assert "does not belong on the command line" in done.output
    assert VALUE not in done.output
    assert not (house.root / "vault").exists()


def test_keys_are_rotated_together_or_one_by_one(house: House) -> None:
    put(house)
    vault, key = house.root / "vault" / "vault.json", house.root / "keys" / "key"
    for options, changed in (([], ["key", "data key"]), (["--key"], ["key"]), (["--data-key"], ["data key"])):
        before = json.loads(vault.read_text()), key.read_text()
        assert house.answer("secrets", "rotate", *options) == {"rotated": changed}
        after = json.loads(vault.read_text()), key.read_text()
        assert (before[0]["data_key"] != after[0]["data_key"]) == ("data key" in changed)
        assert (before[1] != after[1]) == ("key" in changed)
        assert house.answer("secrets", "check") == {"opened": 1}


@pytest.mark.parametrize("words", [("list",), ("check",), ("rotate",), ("remove", "a.b"), ("set", "a.b")])
def test_a_vault_that_others_may_read_is_refused(house: House, words: tuple[str, ...]) -> None:
    put(house)
    path = house.root / "vault" / "vault.json"
    path.chmod(0o644)
    before = path.read_bytes()
    done = house.call("secrets", *words, input="value\n")
    assert done.exit_code == 2
    assert f"chmod 600 {path}" in done.output.replace("\n", "")
    assert path.read_bytes() == before


def test_an_environment_may_have_a_vault_of_its_own(house: House) -> None:
    text = (house.root / "meltano.yml").read_text()
    more = ", ML_CONNECTOR_VAULT: '${MELTANO_PROJECT_ROOT}/demo/vault.json'}"
    (house.root / "meltano.yml").write_text(text.replace('store.db"}', f'store.db"{more}'))
    put(house)
    assert (house.root / "demo" / "vault.json").is_file()
    assert house.call("secrets", "check", "-e", "prod").exit_code == 2
    assert "environment demo" in house.call("secrets", "list").output


def test_the_stores_place_may_be_a_reference(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    place = house.root / "elsewhere" / "store.db"
    put(house, "store.url", f"sqlite:///{place}")
    monkeypatch.setenv("ML_CONNECTOR_STORE_URL", "secret:store.url")
    assert house.call("dead", "list", "-e", "prod").exit_code == 0
    assert place.is_file()
    monkeypatch.setenv("ML_CONNECTOR_STORE_URL", "secret:store.nothing")
    lost = house.call("dead", "list", "-e", "prod")
    assert lost.exit_code == 2
    assert "ml-connector secrets set store.nothing" in lost.output.replace("\n", "")
