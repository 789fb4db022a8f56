"""Structures as text: one JSON form to store and one to hash, Decimals exact."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(decimal_format="number", order="deterministic")
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_HASH_BYTES = 16


def encode(value: Any) -> str:
    """Return JSON text; numbers keep every digit."""
    return _encoder.encode(value).decode()


def decode(text: str | bytes) -> Any:
    """Return what `encode` was given, with Decimal for every number that has a fraction."""
    return _decoder.decode(text)


def digest(value: Any) -> str:
    """Return a hash of a JSON structure that does not depend on key order."""
    return blake2b(_encoder.encode(value), digest_size=_HASH_BYTES).hexdigest()


def plain(value: Any) -> Any:
    """Return a value in the one form hashes use: `1.50` and `1.5000` are the same amount."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def storable(text: str) -> str:
    """Return a text without what a database may refuse: NUL and half a surrogate pair become U+FFFD."""
    if text.isascii():
        return text.replace("\0", "\ufffd")
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def storable_structure(value: Any) -> Any:
    """Return a JSON structure whose texts are all storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable_structure(name): storable_structure(inner) for name, inner in value.items()}
    return [storable_structure(inner) for inner in value] if isinstance(value, list) else value


def utc_now() -> datetime:
    """Return the present moment, time zone explicit."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """Return a UTC timestamp as sortable ISO 8601 text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
