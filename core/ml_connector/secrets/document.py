"""The vault's file: what stands in it, and the proof that nobody has changed a byte of it."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

from ml_connector.errors import ConfigError
from ml_connector.secrets.cell import NotOpened, seal, unseal

VERSION = 1


class Entry(msgspec.Struct, frozen=True):
    """A sealed value, and who set it when."""

    data_key: str
    sealed: str
    set_at: str
    set_by: str


class DataKey(msgspec.Struct, frozen=True):
    """A data key, wrapped by one or more keys."""

    made_at: str
    made_by: str
    wrapped: dict[str, str]  # by the id of the key that opens it


class Document(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file. `proof` is an HMAC over the rest, under the current data key."""

    version: int
    id: str
    data_key: str  # the id of the one that seals new values
    data_keys: dict[str, DataKey]  # older ones stay, for what was sealed outside under them
    secrets: dict[str, Entry]
    proof: str = ""

    def text(self) -> bytes:
        """Return the one form this document has as a file."""
        return msgspec.json.format(_encoder.encode(self), indent=1) + b"\n"

    def proven(self, key: bytes) -> Document:
        """Return the document with its proof."""
        return msgspec.structs.replace(self, proof=self._proof(key))

    def is_proven(self, key: bytes) -> bool:
        """Return whether nothing was changed since it was written."""
        return hmac.compare_digest(self.proof, self._proof(key))

    def _proof(self, key: bytes) -> str:
        return hmac.digest(_proof_key(key), msgspec.structs.replace(self, proof="").text(), "sha256").hex()


_encoder = msgspec.json.Encoder(order="deterministic")


def _proof_key(data_key: bytes) -> bytes:
    """Return a key for proofs only: one key never does two kinds of work."""
    return hmac.digest(data_key, b"ml-connector vault proof", "sha256")


def read_document(path: Path, data: bytes) -> Document:
    """Return what a vault's file says, its proof not yet looked at.

    Raises:
        ConfigError: It is no vault, of a newer program, or not byte for byte what was written.
    """
    try:
        document = msgspec.json.decode(data, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise damaged(path, "it cannot be read") from None
    if document.version > VERSION:
        raise ConfigError(f"the vault {path} was written by a newer ml-connector. Upgrade this one.")
    if document.version != VERSION or document.text() != data or document.data_key not in document.data_keys:
        raise damaged(path, "it is not as ml-connector wrote it")
    return document


def damaged(path: Path, why: str) -> ConfigError:
    """Return the error of a vault that somebody or something has changed."""
    return ConfigError(f"the vault {path} was damaged or changed: {why}. Restore it from its backup.")


def seal_text(key: bytes, text: bytes, *bound: str) -> str:
    """Return a sealed value as text."""
    return base64.b64encode(seal(key, text, *bound)).decode()


def unseal_text(key: bytes, sealed: str, *bound: str) -> bytes:
    """Return the value of a sealed text.

    Raises:
        NotOpened: It was sealed under another key, for another place, or has been changed.
    """
    try:
        return unseal(key, base64.b64decode(sealed, validate=True), *bound)
    except (binascii.Error, ValueError):
        raise NotOpened from None
