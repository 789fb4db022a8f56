"""The vault: secrets in one file, each sealed under a data key, which is wrapped by a key that lies elsewhere."""

from __future__ import annotations

import logging
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex
from typing import TYPE_CHECKING

import msgspec

from ml_connector.audit.actor import actor
from ml_connector.errors import ConfigError
from ml_connector.secrets.cell import NotOpened, key_id, new_key
from ml_connector.secrets.document import (
    VERSION,
    DataKey,
    Document,
    Entry,
    damaged,
    read_document,
    seal_text,
    unseal_text,
)
from ml_connector.secrets.files import locked, read_private, write_private
from ml_connector.secrets.keys import Keychain
from ml_connector.secrets.place import vault_path
from ml_connector.secrets.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]+")
_WRAP = "data key"


@dataclass(frozen=True, slots=True)
class Opened:
    """A vault's document with its data keys in the clear, in memory only."""

    document: Document
    keys: dict[str, bytes]  # data keys by their ids

    @property
    def current(self) -> tuple[str, bytes]:
        """Id and bytes of the data key that seals new values."""
        return self.document.data_key, self.keys[self.document.data_key]


class Vault:
    """Secrets by name (`visma.client_secret`: connection, field). Every change is one whole new file."""

    def __init__(self, path: Path, keychain: Keychain) -> None:
        self.path = path
        self._keychain = keychain

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> Vault:
        """Return this process's vault, whether it is made yet or not."""
        return cls(vault_path(environ), Keychain.of(environ))

    # reading

    def open(self) -> Opened | None:
        """Return the vault, opened and proven unchanged; None when there is none yet.

        Raises:
            ConfigError: Others may read the file, its key is not here, or a byte of it has been changed.
        """
        data = read_private(self.path)
        if data is None:
            return None
        document = read_document(self.path, data)
        opened = Opened(document, self._unwrapped(document))
        if not document.is_proven(opened.current[1]):
            broken = [name for name, entry in document.secrets.items() if not self._opens(opened, name, entry)]
            raise damaged(self.path, f"{', '.join(broken)} does not open" if broken else "its proof does not hold")
        return opened

    def _unwrapped(self, document: Document) -> dict[str, bytes]:
        keys = self._keychain.keys(document.id)
        return {name: self._unwrap(document.id, name, each, keys) for name, each in document.data_keys.items()}

    def _unwrap(self, vault: str, name: str, data_key: DataKey, keys: Mapping[str, bytes]) -> bytes:
        fitting = next((key for key in data_key.wrapped if key in keys), None)
        if fitting is None:
            here = f"there is {', '.join(keys)}" if keys else "there is none"
            raise ConfigError(
                f"the vault {self.path} needs its key {' or '.join(data_key.wrapped)}; in {self._keychain.names} "
                f'{here}. Bring the key back, or begin anew: docs/secrets.md, "When the key is lost".'
            )
        try:
            return unseal_text(keys[fitting], data_key.wrapped[fitting], _WRAP, vault, name, fitting)
        except NotOpened:
            raise damaged(self.path, f"its data key {name} does not open") from None

    def entries(self) -> dict[str, Entry]:
        """Return what is kept, without values: names, who set them and when, the data key."""
        opened = self.open()
        return dict(opened.document.secrets) if opened else {}

    def get(self, name: str) -> Secret:
        """Return a secret.

        Raises:
            ConfigError: There is none of that name, or it does not open.
        """
        opened = self.open()
        if opened is None or name not in opened.document.secrets:
            raise ConfigError(f"the vault {self.path} has no {name!r}. Type: ml-connector secrets set {name}")
        return Secret(self._value(opened, name, opened.document.secrets[name]))

    def check(self) -> int:
        """Open every secret; return how many there are.

        Raises:
            ConfigError: One does not open.
        """
        opened = self.open()
        if opened is None:
            raise ConfigError(f"there is no vault {self.path} yet. Type: ml-connector secrets set CONNECTION.FIELD")
        return sum(1 for name, entry in opened.document.secrets.items() if self._value(opened, name, entry) is not None)

    def _value(self, opened: Opened, name: str, entry: Entry) -> str:
        try:
            key = opened.keys[entry.data_key]
            return unseal_text(key, entry.sealed, *_bound(name, entry.data_key)).decode()
        except (NotOpened, KeyError):
            raise damaged(self.path, f"{name} does not open") from None

    def _opens(self, opened: Opened, name: str, entry: Entry) -> bool:
        try:
            self._value(opened, name, entry)
        except ConfigError:
            return False
        return True

    # changing

    def put(self, name: str, value: Secret) -> None:
        """Keep a secret under a name, made or replaced; any number of processes may do so at once.

        Raises:
            ConfigError: The name is not CONNECTION.FIELD, the value is empty, or the vault does not open.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(f"{name!r} is no name of a secret: it is CONNECTION.FIELD, such as visma.client_secret.")
        if not value:
            raise ConfigError(f"the value of {name} is empty. Nothing was changed.")
        with self._changing() as opened:
            opened.document.secrets[name] = _sealed(name, value.reveal(), *opened.current)

    def remove(self, name: str) -> None:
        """Forget a secret.

        Raises:
            ConfigError: There is none of that name.
        """
        with self._changing() as opened:
            if opened.document.secrets.pop(name, None) is None:
                raise ConfigError(f"the vault {self.path} has no {name!r}. Type: ml-connector secrets list")

    def made(self) -> Opened:
        """Return the vault opened, made first when there is none."""
        opened = self.open()
        if opened is None:
            with self._changing() as opened:
                pass
        return opened

    @contextmanager
    def _changing(self) -> Iterator[Opened]:
        """Yield the vault to be changed in place; it is written when the block ends well."""
        with locked(self.path):
            opened = self.open() or self._new()
            yield opened
            write_private(self.path, opened.document.proven(opened.current[1]).text())

    def _new(self) -> Opened:
        vault = token_hex(8)
        home = self._keychain.home(vault)
        key = next(iter(home.read(vault)), None) or new_key()
        home.write(vault, [key])  # before the vault: a key without a vault does no harm
        opened = Opened(Document(VERSION, vault, "", {}, {}), {})
        _add_data_key(opened, {key_id(key): key})
        logging.getLogger(__name__).info(
            "made the vault %s; its key is in %s. Back both up, in two places.", self.path, home.name
        )
        return opened

    # rotating

    def rotate(self, *, key: bool, data_key: bool) -> None:
        """Change the key, the data key, or both; killed at any instant, it can be called again.

        Older data keys stay in the vault, wrapped: bank and personal identifiers in stores name the one they were
        sealed under. A new key first stands beside the old one, then the vault is written, then the old one goes.
        """
        with locked(self.path):
            if (opened := self.open()) is None:
                raise ConfigError(f"there is no vault {self.path} yet. Type: ml-connector secrets set CONNECTION.FIELD")
            vault, home = opened.document.id, self._keychain.home(opened.document.id)
            used = _used(opened, self._keychain.keys(vault))
            wanted = self._fresh_key(vault, used) if key else used
            if data_key:
                _add_data_key(opened, wanted)
                for name, entry in opened.document.secrets.items():
                    opened.document.secrets[name] = self._again(opened, name, entry)
            if key:
                _rewrap(opened, wanted)
            write_private(self.path, opened.document.proven(opened.current[1]).text())
            if key:
                home.write(vault, list(wanted.values()))

    def _fresh_key(self, vault: str, used: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return a key that the vault does not use yet, kept in its place beside those it uses."""
        home = self._keychain.home(vault)
        newest = next(iter(home.read(vault)), None)  # left by a rotation that was killed before it wrote the vault?
        fresh = new_key() if newest is None or key_id(newest) in used else newest
        home.write(vault, [fresh, *used.values()])
        return {key_id(fresh): fresh}

    def _again(self, opened: Opened, name: str, entry: Entry) -> Entry:
        """Return an entry sealed under the current data key; who set it, and when, stays."""
        sealed = _sealed(name, self._value(opened, name, entry), *opened.current)
        return msgspec.structs.replace(entry, data_key=sealed.data_key, sealed=sealed.sealed)


def _bound(name: str, data_key: str) -> tuple[str, str, str]:
    connection, _, field = name.partition(".")
    return connection, field, data_key


def _sealed(name: str, value: str, data_key: str, key: bytes) -> Entry:
    sealed = seal_text(key, value.encode(), *_bound(name, data_key))
    return Entry(data_key, sealed, _now(), actor())


def _add_data_key(opened: Opened, wrapping: Mapping[str, bytes]) -> None:
    """Put a new data key into the vault, wrapped, and make it the current one."""
    fresh = new_key()
    name, document = key_id(fresh), opened.document
    document.data_keys[name] = DataKey(_now(), actor(), _wrapped(document.id, name, fresh, wrapping))
    document.data_key = name
    opened.keys[name] = fresh


def _rewrap(opened: Opened, wrapping: Mapping[str, bytes]) -> None:
    """Wrap every data key anew, by these keys only."""
    for name, data_key in opened.document.data_keys.items():
        wrapped = _wrapped(opened.document.id, name, opened.keys[name], wrapping)
        opened.document.data_keys[name] = msgspec.structs.replace(data_key, wrapped=wrapped)


def _wrapped(vault: str, name: str, data_key: bytes, wrapping: Mapping[str, bytes]) -> dict[str, str]:
    return {each: seal_text(key, data_key, _WRAP, vault, name, each) for each, key in wrapping.items()}


def _used(opened: Opened, keys: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return those of the keys at hand that the vault is sealed under."""
    named = {each for data_key in opened.document.data_keys.values() for each in data_key.wrapped}
    return {name: key for name, key in keys.items() if name in named}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
