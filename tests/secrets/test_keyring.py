"""The operating system's keyring as the keeper of the key, with the real library and a backend in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from ml_connector.errors import ConfigError
from ml_connector.secrets import Secret
from ml_connector.secrets.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class InMemory(KeyringBackend):
    """A keyring that is real but for its memory."""

    priority: ClassVar[float] = 5  # type: ignore[misc]

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("the user is away")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def backend() -> Iterator[InMemory]:
    before, fresh = keyring.get_keyring(), InMemory()
    keyring.set_keyring(fresh)
    yield fresh
    keyring.set_keyring(before)


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return {"ML_CONNECTOR_VAULT": str(tmp_path / "v" / "vault.json"), "XDG_CONFIG_HOME": str(tmp_path / "config")}


def test_it_keeps_the_key_when_it_is_there(backend: InMemory, environ: dict[str, str], tmp_path: Path) -> None:
    Vault.find(environ).put("a.b", Secret("value"))
    assert Vault.find(environ).get("a.b").reveal() == "value"
    assert len(backend.kept) == 1
    assert not (tmp_path / "config").exists()
    first = dict(backend.kept)
    Vault.find(environ).rotate(key=True, data_key=False)
    assert first.keys() == backend.kept.keys()
    assert first != backend.kept
    assert Vault.find(environ).get("a.b").reveal() == "value"


def test_a_locked_one_is_told(backend: InMemory, environ: dict[str, str]) -> None:
    Vault.find(environ).put("a.b", Secret("value"))
    backend.locked = True
    with pytest.raises(ConfigError, match="Unlock it"):
        Vault.find(environ).get("a.b")


def test_without_a_real_one_the_key_goes_to_a_file(environ: dict[str, str], tmp_path: Path) -> None:
    before = keyring.get_keyring()
    from keyring.backends.fail import Keyring as NoKeyring  # noqa: PLC0415

    keyring.set_keyring(NoKeyring())
    try:
        Vault.find(environ).put("a.b", Secret("value"))
    finally:
        keyring.set_keyring(before)
    assert (tmp_path / "config" / "ml-connector" / "key").stat().st_mode & 0o777 == 0o600
