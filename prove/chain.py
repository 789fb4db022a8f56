"""The trail of a store, verified as `ml-connector audit verify` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.audit.check import check_store
from ml_connector.store import open_store

if TYPE_CHECKING:
    from prove.kept import Kept


def broken(kept: Kept) -> list[str]:
    """Return where the trail of a store is broken, and say so too when it holds nothing."""
    store = open_store(kept.store_url)
    with store.reading() as connection:
        report = check_store(connection)
    store.close()
    told = [f"the trail does not verify: {finding.words}" for finding in report.findings]
    return told if report.events else [*told, "the trail is empty"]
