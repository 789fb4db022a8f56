"""Runs of the pipeline that died or broke off: the batches they committed, as `_ML_LOADS` knows them, for the trail."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ml_connector.bulk.load import Load

from target_snowflake.names import literal, quoted
from target_snowflake.setup import LOADS

if TYPE_CHECKING:
    from ml_connector.bulk.books import BulkBooks

    from target_snowflake.connection import Session

_TEXTS = ("BATCH_ID", "STREAM", "TABLE_NAME")
_COUNTS = ("ROWS_STAGED", "ROWS_NEW", "ROWS_CHANGED", "ROWS_UNCHANGED", "ROWS_SUPERSEDED", "ROWS_DELETED")
_KEYS = ("FIRST_KEY", "LAST_KEY")


def check_earlier(session: Session, books: BulkBooks) -> None:
    """Tell the books what earlier runs that died or broke off have committed: they may not have come to tell it."""
    for run in books.broken():
        if found := books.found(run, batches_of(session, run)):
            logging.getLogger(__name__).warning("run %s had committed %d batches without telling", run, found)


def batches_of(session: Session, run_id: str) -> list[Load]:
    """Return the batches that a run has committed, oldest first."""
    columns = ", ".join(map(quoted, (*_TEXTS, *_COUNTS, *_KEYS)))
    rows = session.execute(
        f"SELECT {columns} FROM {quoted(LOADS)} WHERE RUN_ID = {literal(run_id)} ORDER BY BATCH_ID"
    ).rows
    return [_load(*row) for row in rows]


def _load(batch: str, stream: str, table: str, *rest: Any) -> Load:
    *counts, first, last = rest
    staged, new, changed, unchanged, superseded, deleted = map(int, counts)
    return Load(batch, stream, table, staged, new, changed, unchanged, superseded, deleted, first, last)
