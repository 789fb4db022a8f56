"""The links of the trail: every event is hashed over the one before it, SHA-256 over JSON text."""

from __future__ import annotations

from hashlib import sha256

from ml_connector.store.text import encode

GENESIS = "0" * 64
"""What the first event of a pipeline follows."""


def hash_text(text: str) -> str:
    """Return the SHA-256 of a text, as 64 hexadecimal digits."""
    return sha256(text.encode()).hexdigest()


def link(previous: str, *covered: str | int | None) -> str:
    """Return the hash of an event over the hash before it and seq, run_id, at, business_key, kind, data_hash.

    The data counts by its hash, so that the chain still verifies when old data is purged.
    """
    return hash_text(encode([previous, *covered]))


def bound(text: str) -> str:
    """Return what the trail keeps of a column that may hold a vendor's words or a Singer STATE: its hash (L10)."""
    return f"sha256:{hash_text(text)}"
