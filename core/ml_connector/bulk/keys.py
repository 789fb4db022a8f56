"""The business key of a record that is loaded in bulk: `visma:NO01:supplier_invoices:Invoice/100023`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ml_connector.finance.records import join_key
from ml_connector.store.text import digest, storable, storable_structure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMPANY = "_company"
"""The property by which a tap says whose a record is; it is part of its key."""

_UNKNOWN = "singer"


def source_system() -> str:
    """Return the system the tap of this process reads, as its namespace in Meltano tells it."""
    namespace = os.environ.get("MELTANO_EXTRACTOR_NAMESPACE", "")
    return namespace.removeprefix("tap_").replace(":", "_") or _UNKNOWN


def company_of(record: Mapping[str, Any]) -> str:
    """Return the company a record belongs to; empty when its tap does not say."""
    return str(record.get(COMPANY) or "")


class BusinessKeys:
    """Makes the business keys of one stream."""

    def __init__(self, stream: str, key_properties: Sequence[str], system: str | None = None) -> None:
        """Take the stream's name and key; `system` is the source system, by default what the environment tells."""
        self._stream = stream
        self._parts = [name for name in key_properties if name != COMPANY]
        self._system = source_system() if system is None else system
        self._prefixes: dict[str, str] = {}

    def of(self, record: Mapping[str, Any]) -> str:
        """Return a record's business key; one that lacks a part of its key is told by its hash."""
        parts = [record.get(name) for name in self._parts]
        if parts and None not in parts:
            key = join_key([str(part) for part in parts])
        else:
            key = f"without key {digest(storable_structure(dict(record)))}"
        return storable(self._prefix(company_of(record)) + key)

    def _prefix(self, company: str) -> str:
        if company not in self._prefixes:
            self._prefixes[company] = f"{self._system}:{company}:{self._stream}:"
        return self._prefixes[company]
