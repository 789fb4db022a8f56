"""Where the keys that open a vault are: the OS keyring, a file outside the project, or the environment in CI.

Each vault has keys of its own, found by the vault's id. Several keys may stand beside each other, newest first: while a
vault changes its key, and until its file says so, the old one and the new one are both at hand.
"""

from __future__ import annotations

import base64
import binascii
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ml_connector.errors import ConfigError
from ml_connector.secrets.cell import KEY_BYTES, key_id
from ml_connector.secrets.files import locked, read_private, write_private

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEY_VARIABLE = "ML_CONNECTOR_KEY"
KEY_FILE_VARIABLE = "ML_CONNECTOR_KEY_FILE"
_SERVICE = "ml-connector"
_HEAD = b"# Keys of ml-connector's vaults: vault id, key. Back this file up, apart from the vaults.\n"


class KeySource(Protocol):
    """A place that keeps keys."""

    @property
    def name(self) -> str:
        """What people call it."""

    def read(self, vault: str) -> list[bytes]:
        """Return a vault's keys, newest first."""

    def write(self, vault: str, keys: Sequence[bytes]) -> None:
        """Replace a vault's keys."""


class KeyFile:
    """A file, private to its owner, with the keys of any number of vaults."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """What people call it."""
        return f"the key file {self._path}"

    def read(self, vault: str) -> list[bytes]:
        """Return a vault's keys, newest first."""
        return [_key(text, self.name) for owner, text in self._lines() if owner == vault]

    def write(self, vault: str, keys: Sequence[bytes]) -> None:
        """Replace a vault's keys; other vaults' lines stay."""
        with locked(self._path):
            others = [line for line in self._lines() if line[0] != vault]
            lines = [*others, *((vault, _text(key)) for key in keys)]
            write_private(self._path, _HEAD + "".join(f"{owner} {text}\n" for owner, text in lines).encode())

    def _lines(self) -> list[tuple[str, str]]:
        lines = (read_private(self._path) or b"").decode(errors="replace").splitlines()
        parts = [line.split() for line in lines if line.strip() and not line.startswith("#")]
        if any(len(each) != 2 for each in parts):  # noqa: PLR2004
            raise ConfigError(
                f"{self.name} is damaged: a line is not a vault id and a key. Restore it from its backup."
            )
        return [(owner, text) for owner, text in parts]


class Keyring:
    """The operating system's keyring, through the `keyring` library."""

    name = "the operating system's keyring"

    def __init__(self, library: Any) -> None:
        self._library = library

    def read(self, vault: str) -> list[bytes]:
        """Return a vault's keys, newest first."""
        try:
            text = self._library.get_password(_SERVICE, vault)
        except self._library.errors.KeyringError as error:
            raise ConfigError(f"{self.name} does not answer: {type(error).__name__}. Unlock it.") from None
        return [_key(each, self.name) for each in (text or "").split()]

    def write(self, vault: str, keys: Sequence[bytes]) -> None:
        """Replace a vault's keys."""
        try:
            self._library.set_password(_SERVICE, vault, " ".join(map(_text, keys)))
        except self._library.errors.KeyringError as error:
            raise ConfigError(f"{self.name} does not take a key: {type(error).__name__}. Unlock it.") from None


class EnvironmentKey:
    """An environment variable, for CI: it shows in the process's environment, and only a person can change it."""

    name = f"the environment variable {KEY_VARIABLE}"

    def __init__(self, text: str) -> None:
        self._keys = [_key(each, self.name) for each in text.replace(",", " ").split()]
        logging.getLogger(__name__).warning("the vault's key comes from %s: for CI only", self.name)

    def read(self, vault: str) -> list[bytes]:  # noqa: ARG002
        """Return the keys, newest first; they serve every vault."""
        return self._keys

    def write(self, vault: str, keys: Sequence[bytes]) -> None:  # noqa: ARG002
        """Take only keys that are there already.

        Raises:
            ConfigError: A key is new.
        """
        if any(key not in self._keys for key in keys):
            raise ConfigError(
                f"{self.name} cannot be changed from here. Put a new key before the old one "
                f"(`openssl rand -base64 32`; {KEY_VARIABLE}='NEW OLD'), then type: ml-connector secrets rotate --key"
            )


class Keychain:
    """Every place that may hold a vault's key; a new key goes to the first."""

    def __init__(self, sources: Sequence[KeySource]) -> None:
        self._sources = sources

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Keychain:
        """Return what this environment says: a place it names goes before those that are merely there."""
        sources: list[KeySource] = []
        if stated := environ.get(KEY_FILE_VARIABLE):
            sources.append(KeyFile(Path(stated)))
        if text := environ.get(KEY_VARIABLE):
            sources.append(EnvironmentKey(text))
        if not sources and (library := _keyring()):
            sources.append(Keyring(library))
        default = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "ml-connector" / "key"
        return cls([*sources, KeyFile(default)] if not stated else sources)

    @property
    def names(self) -> str:
        """The places, for people."""
        return ", ".join(source.name for source in self._sources)

    def keys(self, vault: str) -> dict[str, bytes]:
        """Return a vault's keys by their ids, from every place."""
        return {key_id(key): key for source in self._sources for key in source.read(vault)}

    def home(self, vault: str) -> KeySource:
        """Return the place that holds a vault's key, else the one a new key goes to."""
        return next((source for source in self._sources if source.read(vault)), self._sources[0])


def _keyring() -> Any:
    """Return the keyring library when it is installed and has a real backend here."""
    try:
        import keyring  # noqa: PLC0415  # an optional extra
        import keyring.errors  # noqa: PLC0415
    except ImportError:
        return None
    return keyring if keyring.get_keyring().priority >= 1 else None


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _key(text: str, place: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{place} holds something that is no key of {KEY_BYTES} bytes in base64.")
    return key
