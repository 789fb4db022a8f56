"""Edits as a run meets them: applied to the version they were made for, void once the source record has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from ml_connector.delivery import decisions, edits
from ml_connector.delivery.outbox import pages
from ml_connector.delivery.sink import State
from ml_connector.delivery.work import Verdict
from ml_connector.errors import RecordRefused
from ml_connector.store.tables import dead_letters
from ml_connector.store.text import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from ml_connector.delivery.run import Run
    from ml_connector.delivery.work import Work

VOID = "edit_void"
"""The event that says that an edit holds no longer."""


def apply_edits(connection: Connection, run: Run, works: Sequence[Work]) -> None:
    """Change the records that people have edited, whether or not their dead letters are still open."""
    by_key = {work.key: work for work in works}
    for page in pages(by_key):
        mine = (dead_letters.c.target_id == run.target_id, dead_letters.c.business_key.in_(page))
        columns = (dead_letters.c.id, dead_letters.c.business_key, dead_letters.c.source_hash, dead_letters.c.edit)
        for number, key, source_hash, edit in connection.execute(
            select(*columns).where(*mine, dead_letters.c.edit.is_not(None))
        ):
            if source_hash == by_key[key].source_hash:
                _apply(by_key[key], run.store.sealer.reveal(decode(edit)))
            else:
                by_key[key].outdated.append(number)


def _apply(work: Work, edit: edits.Edit) -> None:
    work.edited = list(edit)
    if work.verdict is None:
        try:
            edits.apply(work.record, edit)
        except RecordRefused as error:
            work.verdict = Verdict.of_error(State.REFUSED, error)


def void_edits(connection: Connection, run: Run, works: Sequence[Work]) -> None:
    """Say once, in the transaction that makes a newer version known, that edits of the older one are void."""
    by_number = {number: work for work in works for number in work.outdated}
    told = []
    for page in pages(by_number):
        edited = (dead_letters.c.id.in_(page), dead_letters.c.edit.is_not(None))
        for number, edit in connection.execute(select(dead_letters.c.id, dead_letters.c.edit).where(*edited)).all():
            told.append((VOID, by_number[number].key, {"letter": number, "fields": list(decode(edit))}))
        connection.execute(update(dead_letters).where(*edited).values(edit=None))
        decisions.void_edits(connection, page)
    run.trail.append(connection, told)
