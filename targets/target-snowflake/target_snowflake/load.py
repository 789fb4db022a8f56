"""One batch into its table: files to the stage, staged, weighed against what was sent, applied in one transaction."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from ml_connector.bulk.load import Load
from ml_connector.errors import ConfigError, OutOfBalance
from ml_connector.finance import money
from ml_connector.store.text import stamp, utc_now

from target_snowflake.names import literal, quoted
from target_snowflake.setup import LOADS, Names, is_loaded
from target_snowflake.sql import CHANGED, DELETED, NEW, SUPERSEDED, UNCHANGED, Job, Moments
from target_snowflake.tables import Contract, layout, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from target_snowflake.batch import Batch
    from target_snowflake.columns import Type
    from target_snowflake.connection import Session
    from target_snowflake.group import Sums
    from target_snowflake.tables import Layout

_OUTCOMES = {NEW: "delivered", CHANGED: "delivered", DELETED: "delivered", UNCHANGED: "unchanged",
             SUPERSEDED: "superseded"}  # fmt: skip


_WEIGHINGS = 5


class OtherWriter(OutOfBalance):
    """The table is not what it was when the batch was weighed: another process wrote to it; nothing was applied."""


Weighed = dict[str, "Sums"]
"""What the staged rows are to the table → company and currency → count and sum."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How batches are loaded."""

    upsert: bool = True
    overwrite: bool = False
    merge: bool = False
    hard_delete: bool = False
    contract: Contract = Contract.EVOLVE


class Loader:
    """Loads one batch after the other over a session of its own."""

    plans: ClassVar[bool] = False
    """Whether nothing is to be applied."""

    def __init__(
        self,
        session: Session,
        names: Names,
        options: LoadOptions,
        started_ms: int,
        prove: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the session; `prove` is called right before a commit and raises when this process may not write."""
        self.session = session
        self.names = names
        self.options = options
        self._started_ms = started_ms
        self.prove = prove
        self._log = logging.getLogger(__name__)
        self._weighed: dict[str, Weighed] = {}  # of the batch whose commit was sent last

    def load(self, batch: Batch) -> Load:
        """Load a batch and return what became of its rows.

        Raises:
            ConnectionLost: The session is gone; nothing is lost, the batch can be done again from its files.
            CommitInDoubt: The answer to the commit was lost; `found` tells.
            ConfigError: The table cannot take it.
            OutOfBalance: What was staged is not what was sent, or what was applied is not what was weighed.
        """
        ids: dict[str, str] = {}
        job = self.stage(batch, ids)
        weighed = self._settle(job, ids)
        self.session.execute(f"DROP TABLE IF EXISTS {quoted(job.staging)}")
        return told(batch, weighed, ids)

    def found(self, batch: Batch) -> Load | None:
        """Return what became of a batch whose session was lost, when its commit came through; else None."""
        before = self._weighed.get(batch.id)
        if before is None or not is_loaded(self.session, batch.id):
            return None
        self.session.execute(f"DROP TABLE IF EXISTS {quoted(self.names.staging(batch.id))}")
        return told(batch, before, {})

    # staging

    def stage(self, batch: Batch, ids: dict[str, str], *, plan: bool = False) -> Job:
        """Bring a batch's files into a staging table, and its table into the shape it needs.

        With `plan`, the table itself is left as it is.
        """
        target = self._target(batch)
        existing = self._existing(batch, target)
        made = layout(batch.shape, batch.exact, existing, self.options.contract)
        made.table = target
        job = Job(
            batch=batch,
            layout=made,
            staging=self.names.staging(batch.id),
            run_id=self.names.run_id,
            moments=Moments(batch.received_at, stamp(utc_now()), stamp(utc_now()), self._started_ms),
            by_key=bool(batch.shape.keys) and self.options.upsert,
            hard_delete=self.options.hard_delete,
            target=target,
        )
        if not plan:
            self.follow(made)
        place = self.names.place(batch.id)
        self.session.execute(job.create_staging())
        for path in batch.files:
            ids["put"] = self.session.put(path, place, overwrite=True).query_id
        ids["copy"] = self.session.execute(job.copy(place)).query_id
        return job

    def _target(self, batch: Batch) -> str:
        return self.names.replacing(batch.shape.table) if self.options.overwrite else batch.shape.table

    def _existing(self, batch: Batch, target: str) -> Mapping[str, Type | None] | None:
        """Return the columns of the table to load into; one that takes another's place begins with its columns."""
        existing = read_table(self.session, target)
        if existing is None and self.options.overwrite and read_table(self.session, batch.shape.table) is not None:
            self.session.execute(f"CREATE TABLE IF NOT EXISTS {quoted(target)} LIKE {quoted(batch.shape.table)}")
            existing = read_table(self.session, target)
        return existing

    def follow(self, made: Layout) -> None:
        """Change the table as its stream wants it."""
        if made.discarded:
            self._log.warning(
                "%s: %s left out, because its contract is `discard`", made.table, ", ".join(made.discarded)
            )
        for statement in made.statements():
            self._log.info("%s", statement)
            self.session.execute(statement)

    # weighing

    def weigh(self, job: Job, ids: dict[str, str]) -> Weighed:
        """Return what the staged rows are to the table, counted and summed by Snowflake, as it was sent.

        Raises:
            OutOfBalance: They differ in count or in a sum.
            ConfigError: The table has a key twice.
        """
        result = self.session.execute(job.classify(is_there=not (self.plans and job.layout.is_new)))
        ids["weigh"] = result.query_id
        weighed: Weighed = {}
        staged: Sums = {}
        for what, company, currency, count, amount in result.rows:
            total = (int(count), money.plain(Decimal(amount or 0)))
            weighed.setdefault(what, {})[company, currency] = total
            before = staged.get((company, currency), (0, Decimal(0)))
            staged[company, currency] = (before[0] + total[0], before[1] + total[1])
        self._compare(job.batch, staged)
        return weighed

    def _compare(self, batch: Batch, staged: Sums) -> None:
        count = sum(each for each, _ in staged.values())
        if count > batch.rows and batch.shape.keys:
            raise ConfigError(
                f"the table {batch.shape.table} has rows with the same key "
                f"({', '.join(column.name for column in batch.shape.keys)}), so an upsert would not know which to "
                "change. Nothing was changed. Remove the doubles, or load the stream with `load_method: append`."
            )
        if staged != batch.sums:
            raise OutOfBalance(
                f"batch {batch.id} of {batch.shape.stream}: {_words(batch.sums)} sent, {_words(staged)} staged. "
                "Nothing was applied. Run again; if it happens again, report it with the batch's id."
            )

    # applying

    def _settle(self, job: Job, ids: dict[str, str]) -> Weighed:
        """Weigh and apply, anew when another process wrote to the table between the two."""
        for attempt in range(1, _WEIGHINGS + 1):
            weighed = self.weigh(job, ids)
            self._weighed = {job.batch.id: weighed}
            try:
                self._apply(job, weighed, ids)
            except OtherWriter as error:
                if attempt == _WEIGHINGS:
                    raise
                self._log.warning("batch %s: %s", job.batch.id, error)
            else:
                break
        return weighed

    def _apply(self, job: Job, weighed: Weighed, ids: dict[str, str]) -> None:
        counts = {what: sum(each for each, _ in sums.values()) for what, sums in weighed.items()}
        fresh, changed, deleted = (counts.get(what, 0) for what in (NEW, CHANGED, DELETED))
        self.prove()
        with self.session.transaction():
            if job.by_key and self.options.merge and fresh + changed + deleted:
                self._count(job, "merge", job.merge(), fresh + changed + deleted, ids)
            elif fresh + changed + deleted:
                self._count(job, "insert", job.insert(), fresh + changed, ids)
                if job.by_key:
                    self._count(job, "delete", job.delete(), changed + deleted, ids)
            ids["loads"] = self.session.execute(self._load_row(job, counts)).query_id

    def _count(self, job: Job, step: str, statement: str, expected: int, ids: dict[str, str]) -> None:
        result = self.session.execute(statement)
        ids[step] = result.query_id
        if result.rowcount != expected:
            raise OtherWriter(
                f"{job.target}: {step} of {result.rowcount} rows instead of {expected}; the transaction was undone. "
                "Another process writes to the same rows. End that, then run again."
            )

    def _load_row(self, job: Job, counts: Mapping[str, int]) -> str:
        batch = job.batch
        texts = (batch.id, self.names.run_id, self.names.pipeline, batch.shape.stream, batch.shape.table)
        numbers = (batch.rows, *(counts.get(what, 0) for what in (NEW, CHANGED, UNCHANGED, SUPERSEDED, DELETED)))
        values = [literal(text) for text in texts] + [str(number) for number in numbers]
        values += [literal(batch.first_key), literal(batch.last_key), literal(batch.state)]
        values.append(f"CAST({literal(job.moments.loaded)} AS TIMESTAMP_TZ)")
        return f"INSERT INTO {quoted(LOADS)} SELECT {', '.join(values)}"


def told(batch: Batch, weighed: Weighed, ids: Mapping[str, str]) -> Load:
    """Return what the books are told of a batch."""
    counts = {what: sum(each for each, _ in sums.values()) for what, sums in weighed.items()}
    lines = [
        (_OUTCOMES[what], company, currency, count, amount)
        for what, sums in weighed.items()
        for (company, currency), (count, amount) in sums.items()
    ]
    lines += [(SUPERSEDED, *key, count, amount) for key, (count, amount) in batch.folded.items()]
    return Load(
        batch=batch.id,
        stream=batch.shape.stream,
        table=batch.shape.table,
        staged=batch.rows,
        new=counts.get(NEW, 0),
        changed=counts.get(CHANGED, 0),
        unchanged=counts.get(UNCHANGED, 0),
        superseded=counts.get(SUPERSEDED, 0) + sum(count for count, _ in batch.folded.values()),
        deleted=counts.get(DELETED, 0),
        first_key=batch.first_key,
        last_key=batch.last_key,
        query_ids=dict(ids),
        bytes=batch.bytes,
        files=len(batch.files),
        sums=lines,
        arrived=batch.arrived,
    )


def _words(sums: Sums) -> str:
    return ", ".join(
        f"{count} rows {amount} {currency}".rstrip() for (_, currency), (count, amount) in sorted(sums.items())
    )
