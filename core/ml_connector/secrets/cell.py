"""One sealed value: AES-256-GCM, bound to the words that say where it belongs."""

from __future__ import annotations

import hashlib
import json
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12


class NotOpened(Exception):
    """A sealed value does not open: another key, changed bytes, or not the place it was sealed for."""


def new_key() -> bytes:
    """Return a random key."""
    return os.urandom(KEY_BYTES)


def key_id(key: bytes) -> str:
    """Return a short name for a key that says nothing of the key itself."""
    return hashlib.blake2b(key, digest_size=4, person=b"ml-connector id").hexdigest()


def seal(key: bytes, plain: bytes, *bound: str) -> bytes:
    """Return version byte, random nonce and ciphertext; the value opens only with the same words in `bound`."""
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plain, _associated(bound))


def unseal(key: bytes, sealed: bytes, *bound: str) -> bytes:
    """Return the value.

    Raises:
        NotOpened: It was sealed under another key, for another place, by a newer version, or has been changed.
    """
    nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if sealed[:1] != _VERSION or not ciphertext:
        raise NotOpened
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, _associated(bound))
    except InvalidTag:
        raise NotOpened from None


def _associated(bound: tuple[str, ...]) -> bytes:
    return _VERSION + json.dumps(bound).encode()
