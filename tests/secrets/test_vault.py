"""The vault under attack: bytes flipped, values moved, keys wrong, old or lost, doors open, writers at once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from ml_connector.errors import ConfigError
from ml_connector.secrets import Secret
from ml_connector.secrets.document import read_document
from ml_connector.secrets.keys import KEY_VARIABLE
from ml_connector.secrets.vault import Vault

from tests.secrets.conftest import VALUES, Safe

if TYPE_CHECKING:
    from pathlib import Path


def test_it_keeps_values_and_says_who_set_them(safe: Safe) -> None:
    assert safe.values() == VALUES
    assert {entry.set_by for entry in safe.vault.entries().values()} != {""}
    assert not any(value.encode() in safe.path.read_bytes() for value in VALUES.values())
    assert safe.path.stat().st_mode & 0o777 == 0o600
    assert safe.path.parent.stat().st_mode & 0o777 == 0o700
    assert safe.key_path.stat().st_mode & 0o777 == 0o600


def test_every_flipped_byte_is_noticed(safe: Safe) -> None:
    whole, tried = safe.path.read_bytes(), 0
    for place in range(len(whole)):
        for change in (0x01, 0x20, 0x80):
            safe.path.write_bytes(whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :])
            with pytest.raises(ConfigError) as caught:
                safe.vault.entries()
            assert not any(value in str(caught.value) for value in VALUES.values())
            tried += 1
    assert tried == 3 * len(whole) > 2000
    safe.path.write_bytes(whole)
    assert safe.values() == VALUES


@pytest.mark.parametrize("length", [0, 1, 100, -1])
def test_a_part_of_the_file_is_no_vault(safe: Safe, length: int) -> None:
    safe.path.write_bytes(safe.path.read_bytes()[:length])
    with pytest.raises(ConfigError, match="damaged or changed"):
        safe.vault.entries()


def test_what_was_added_or_taken_away_is_noticed(safe: Safe) -> None:
    document = read_document(safe.path, safe.path.read_bytes())
    document.secrets["visma.other"] = document.secrets["visma.client_secret"]
    safe.path.write_bytes(document.text())
    with pytest.raises(ConfigError, match=r"visma\.other does not open"):
        safe.vault.entries()
    del document.secrets["visma.other"], document.secrets["store.url"]
    safe.path.write_bytes(document.text())
    with pytest.raises(ConfigError, match="its proof does not hold"):
        safe.vault.entries()


def test_a_value_opens_under_its_own_name_only(safe: Safe) -> None:
    """Even somebody who can write a valid proof cannot pass one field's value for another's."""
    document = read_document(safe.path, safe.path.read_bytes())
    first, second = "visma.client_secret", "servicenow.password"
    document.secrets[first], document.secrets[second] = document.secrets[second], document.secrets[first]
    safe.rewrite(document)
    for name in (first, second):
        with pytest.raises(ConfigError, match=f"{name} does not open"):
            safe.vault.get(name)
    assert safe.vault.get("store.url").reveal() == VALUES["store.url"]


def test_a_value_does_not_open_under_another_data_key(safe: Safe) -> None:
    old = read_document(safe.path, safe.path.read_bytes())
    safe.vault.rotate(key=False, data_key=True)
    document = read_document(safe.path, safe.path.read_bytes())
    stale = msgspec.structs.replace(old.secrets["store.url"], data_key=document.data_key)
    document.secrets["store.url"] = stale
    safe.rewrite(document)
    with pytest.raises(ConfigError, match=r"store\.url does not open"):
        safe.vault.get("store.url")


def test_a_newer_version_is_not_guessed_at(safe: Safe) -> None:
    document = read_document(safe.path, safe.path.read_bytes())
    safe.path.write_bytes(msgspec.structs.replace(document, version=2).text())
    with pytest.raises(ConfigError, match="newer ml-connector"):
        safe.vault.entries()


def test_without_its_key_it_stays_shut(safe: Safe) -> None:
    safe.key_path.unlink()
    with pytest.raises(ConfigError, match="there is none"):
        safe.vault.get("store.url")
    with pytest.raises(ConfigError, match="there is none"):
        safe.vault.put("store.url", Secret("new"))


def test_with_another_vaults_key_it_stays_shut(safe: Safe, tmp_path: Path) -> None:
    other = Safe(tmp_path / "other")
    other.vault.put("a.b", Secret("value"))
    vault = read_document(safe.path, safe.path.read_bytes()).id
    line = other.key_path.read_text().splitlines()[-1].split()[1]
    safe.key_path.write_text(f"{vault} {line}\n")
    with pytest.raises(ConfigError, match="needs its key") as caught:
        safe.vault.entries()
    assert line not in str(caught.value)


def test_the_old_key_does_not_open_it_after_a_rotation(safe: Safe) -> None:
    old_key, old_vault = safe.key_path.read_text(), safe.path.read_bytes()
    safe.vault.rotate(key=True, data_key=True)
    assert safe.values() == VALUES
    new_key = safe.key_path.read_text()
    safe.key_path.write_text(old_key)
    with pytest.raises(ConfigError, match="needs its key"):
        safe.vault.entries()
    safe.key_path.write_text(new_key)
    safe.path.write_bytes(old_vault)
    with pytest.raises(ConfigError, match="needs its key"):
        safe.vault.entries()


def test_older_data_keys_stay_for_what_was_sealed_outside(safe: Safe) -> None:
    before = safe.vault.open()
    assert before is not None
    safe.vault.rotate(key=True, data_key=True)
    safe.vault.rotate(key=True, data_key=True)
    after = safe.vault.open()
    assert after is not None
    assert after.keys[before.document.data_key] == before.current[1]
    assert after.document.data_key != before.document.data_key
    assert len(after.document.data_keys) == 3
    assert {entry.data_key for entry in after.document.secrets.values()} == {after.document.data_key}
    wrapped_by = {tuple(each.wrapped) for each in after.document.data_keys.values()}
    assert len(wrapped_by) == 1, "every data key is wrapped by the new key, and by no other"


def test_who_set_a_value_and_when_outlives_a_rotation(safe: Safe) -> None:
    before = {name: (entry.set_at, entry.set_by) for name, entry in safe.vault.entries().items()}
    safe.vault.rotate(key=True, data_key=True)
    assert {name: (entry.set_at, entry.set_by) for name, entry in safe.vault.entries().items()} == before


@pytest.mark.parametrize("both", [False, True])
def test_a_rotation_cut_off_at_any_step_can_be_repeated(
    safe: Safe, monkeypatch: pytest.MonkeyPatch, both: bool
) -> None:
    """Every system call that changes a file is made to fail once; real kills are in proof 1."""
    steps = 0
    while True:
        calls = 0

        def dying(real, *arguments, stop=steps, **options):
            nonlocal calls
            calls += 1
            if calls > stop:
                raise KeyboardInterrupt
            return real(*arguments, **options)

        with monkeypatch.context() as patch:
            for name in ("fsync", "replace", "open"):
                real = getattr(os, name)
                patch.setattr(os, name, lambda *a, real=real, **o: dying(real, *a, **o))
            try:
                safe.vault.rotate(key=True, data_key=both)
                finished = True
            except KeyboardInterrupt:
                finished = False
        assert safe.values() == VALUES
        if finished:
            break
        steps += 1
    assert steps >= 8
    old = safe.key_path.read_text().splitlines()[-1]
    safe.vault.rotate(key=True, data_key=both)
    assert safe.values() == VALUES
    assert old not in safe.key_path.read_text()
    assert len(safe.key_path.read_text().splitlines()) == 2, "a head and one key: nothing is left over"


def test_a_rotation_killed_after_the_vault_was_written_does_not_go_back(safe: Safe) -> None:
    before = safe.key_path.read_text().splitlines()
    safe.vault.rotate(key=True, data_key=False)
    head, new = safe.key_path.read_text().splitlines()
    safe.key_path.write_text("\n".join([head, new, before[-1]]) + "\n")  # as a kill leaves it: new, then old
    safe.vault.rotate(key=True, data_key=False)
    assert safe.values() == VALUES
    assert before[-1] not in safe.key_path.read_text()
    assert new not in safe.key_path.read_text()


@pytest.mark.parametrize("which", ["path", "key_path"])
def test_a_file_that_others_may_read_is_refused(safe: Safe, which: str) -> None:
    path: Path = getattr(safe, which)
    for mode in (0o640, 0o604, 0o644):
        path.chmod(mode)
        with pytest.raises(ConfigError, match=f"Type: chmod 600 {path}"):
            safe.vault.entries()
    path.chmod(0o600)
    path.parent.chmod(0o777)
    with pytest.raises(ConfigError, match=f"Type: chmod 700 {path.parent}"):
        safe.vault.entries()


@pytest.mark.parametrize("name", ["", "plain", ".x", "a.", "a b.c", "a.b\n", "ä.b", "-/x.y"])
def test_a_name_is_connection_and_field(safe: Safe, name: str) -> None:
    with pytest.raises(ConfigError, match="is no name of a secret"):
        safe.vault.put(name, Secret("value"))


def test_an_empty_value_changes_nothing(safe: Safe) -> None:
    with pytest.raises(ConfigError, match="is empty"):
        safe.vault.put("visma.client_secret", Secret(""))
    assert safe.values() == VALUES


def test_the_only_thing_said_of_an_unknown_name_is_how_to_set_it(safe: Safe) -> None:
    with pytest.raises(ConfigError, match=r"ml-connector secrets set visma\.nothing"):
        safe.vault.get("visma.nothing")


def test_two_vaults_share_a_key_file(tmp_path: Path) -> None:
    one, two = Safe(tmp_path / "one"), Safe(tmp_path / "two")
    two_environ = {**two.environ, "ML_CONNECTOR_KEY_FILE": str(one.key_path)}
    one.vault.put("a.b", Secret("one"))
    Vault.find(two_environ).put("a.b", Secret("two"))
    one.vault.rotate(key=True, data_key=False)
    assert Vault.find(two_environ).get("a.b").reveal() == "two"
    assert one.vault.get("a.b").reveal() == "one"


WRITER = """
import sys
from ml_connector.secrets import Secret
from ml_connector.secrets.vault import Vault
for number in range(12):
    Vault.find().put(f"writer{sys.argv[1]}.token", Secret(f"value {number}"))
    Vault.find().put(f"writer{sys.argv[1]}.n{number}", Secret("kept"))
"""


def test_writers_at_once_lose_nothing(safe: Safe) -> None:
    """Connectors write refresh tokens back while a person sets another secret and keys are rotated."""
    environ = {**os.environ, **safe.environ}
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(each)], env=environ) for each in range(3)]
    rotations = 0
    while any(each.poll() is None for each in writers):
        safe.vault.rotate(key=rotations % 2 == 0, data_key=rotations % 2 == 1)
        rotations += 1
    assert [each.wait() for each in writers] == [0, 0, 0]
    assert rotations > 0
    found = safe.values()
    assert {name: found[name] for name in VALUES} == VALUES
    assert [found[f"writer{each}.token"] for each in range(3)] == ["value 11"] * 3
    assert len(found) == len(VALUES) + 3 * 13


class TestKeyOfTheEnvironment:
    """For CI: the key comes from a variable, which only a person can change."""

    OLD, NEW = "b2xkIGtleSBvZiB0aGUgdmF1bHQsIDMyIGJ5dGVzISE=", "bmV3IGtleSBvZiB0aGUgdmF1bHQsIDMyIGJ5dGVzISE="

    def vault(self, safe: Safe, text: str) -> Vault:
        return Vault.find({"ML_CONNECTOR_VAULT": str(safe.folder / "ci" / "vault.json"), KEY_VARIABLE: text})

    def test_it_opens_the_vault_with_a_warning(self, safe: Safe, caplog: pytest.LogCaptureFixture) -> None:
        self.vault(safe, self.OLD).put("a.b", Secret("value"))
        assert self.vault(safe, self.OLD).get("a.b").reveal() == "value"
        assert "for CI only" in caplog.text
        assert self.OLD not in caplog.text

    def test_it_is_rotated_by_putting_a_new_one_first(self, safe: Safe) -> None:
        self.vault(safe, self.OLD).put("a.b", Secret("value"))
        with pytest.raises(ConfigError, match="openssl rand -base64 32") as caught:
            self.vault(safe, self.OLD).rotate(key=True, data_key=False)
        assert self.OLD not in str(caught.value)
        self.vault(safe, f"{self.NEW} {self.OLD}").rotate(key=True, data_key=False)
        assert self.vault(safe, self.NEW).get("a.b").reveal() == "value"
        with pytest.raises(ConfigError, match="needs its key"):
            self.vault(safe, self.OLD).get("a.b")

    @pytest.mark.parametrize("text", ["hunter2", "AAAA", OLD[:-4]])
    def test_what_is_no_key_is_not_repeated(self, safe: Safe, text: str) -> None:
        with pytest.raises(ConfigError, match="no key of 32 bytes") as caught:
            self.vault(safe, text)
        assert text not in str(caught.value)
