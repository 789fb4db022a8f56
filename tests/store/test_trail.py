"""The trail on either database: whole after transactions that were undone, and after an engine's own runs."""

from __future__ import annotations

from typing import Any

import pytest
from ml_connector.audit.book import StoreBook
from ml_connector.audit.trail import Trail
from ml_connector.audit.verify import Verifier
from ml_connector.store import Store, open_store
from sqlalchemy import text

FACTS = {"target_id": "acme", "target_label": "acme", "mapping": "", "map_version": ""}


def write(store: Store, pipeline: str, *, undone: bool = False) -> None:
    with store.transaction() as connection:
        trail = Trail.begin(connection, pipeline, "run", **FACTS)
        trail.append(connection, [("noted", f"key {number}", {"number": number}) for number in range(5)])
        if undone:
            raise KeyError(pipeline)
        trail.end(connection, outcome="finished", exit_code=0)


def findings(store: Store) -> list[Any]:
    with store.reading() as connection:
        report = Verifier(StoreBook(connection)).verify()
        assert connection.execute(text("SELECT count(*) FROM events")).scalar() == 4 * 7
    return [] if report.valid else report.findings


def test_the_trail_verifies_after_transactions_that_were_undone(store_url: str) -> None:
    store = open_store(store_url)
    write(store, "one")
    with pytest.raises(KeyError):
        write(store, "one", undone=True)
    write(store, "two")
    with pytest.raises(KeyError):
        write(store, "two", undone=True)
    write(store, "one")
    write(store, "two")
    assert findings(store) == []
    with store.transaction() as connection:
        connection.execute(text("UPDATE events SET business_key = 'key 9' WHERE business_key = 'key 3'"))
    assert findings(store) != []
    store.close()
