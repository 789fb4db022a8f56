"""A run that only plans: everything is staged and weighed, nothing is applied, and what would be is written down.

Staging tables are made and dropped again; tables of streams, the store and STATE stay as they are. A key that comes in
two batches counts twice.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING, Any

from ml_connector.bulk.load import Load
from ml_connector.delivery.lock import pipeline_lock
from ml_connector.delivery.report import UNPROVEN, RunReport
from ml_connector.delivery.sink import State
from ml_connector.plan.document import Flow, Record, Rows, Verdict, save
from ml_connector.store.text import digest, utc_now

from target_snowflake.load import Loader
from target_snowflake.names import quoted
from target_snowflake.sql import CHANGED, DELETED, NEW, SUPERSEDED, UNCHANGED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from ml_connector.bulk.holdings import Holding
    from ml_connector.bulk.load import Refusal
    from ml_connector.delivery.sink import Identity

    from target_snowflake.batch import Batch
    from target_snowflake.connection import Session
    from target_snowflake.load import LoadOptions, Weighed
    from target_snowflake.setup import Names
    from target_snowflake.sql import Job

_VERDICTS = {
    NEW: Verdict.NEW,
    CHANGED: Verdict.CHANGED,
    UNCHANGED: Verdict.UNCHANGED,
    SUPERSEDED: Verdict.SKIPPED,
    DELETED: Verdict.CANCELLED,
}


class PlanBooks:
    """The books of a plan: kept in memory, and written as one flow of it."""

    def __init__(self, pipeline: str, identity: Identity, folder: Path, store_url: str, held: ExitStack) -> None:
        """Take the pipeline, so that nobody runs it meanwhile."""
        held.enter_context(pipeline_lock(store_url, pipeline))
        self.run_id = f"{utc_now():%Y%m%dT%H%M%S}-plan"
        self._pipeline = pipeline
        self._identity = identity
        self._folder = folder
        self._lock = Lock()
        self._records: list[Record] = []
        self._rows: dict[tuple[str, str, str, str, Verdict], tuple[int, Decimal]] = {}
        self._statements: dict[str, None] = {}

    def weighed(self, job: Job, weighed: Weighed) -> None:
        """Take down what a batch would do."""
        shape = job.batch.shape
        with self._lock:
            self._statements |= dict.fromkeys(job.layout.statements())
            for what, sums in weighed.items():
                for (company, currency), (count, amount) in sums.items():
                    key = (shape.table, shape.stream, company, currency, _VERDICTS[what])
                    before = self._rows.get(key, (0, Decimal(0)))
                    self._rows[key] = (before[0] + count, before[1] + amount)

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        """Take down records that would become dead letters."""
        for each in refusals:
            told = {name: getattr(each, name) for name in ("company", "title", "reason", "field", "value", "message")}
            self._records.append(
                Record(
                    key=each.business_key,
                    record_type=each.stream,
                    verdict=Verdict.BLOCKED,
                    source_hash=digest(each.record),
                    amount=None if each.amount is None else str(each.amount),
                    currency=each.currency,
                    state=State.REFUSED,
                    suggestion=each.suggestion,
                    **told,
                )
            )

    def finish(self, totals: Any) -> RunReport:
        """Write the plan's flow."""
        del totals
        rows = [
            Rows(table, stream, company, currency, verdict, count, format(amount, "f"))
            for (table, stream, company, currency, verdict), (count, amount) in sorted(self._rows.items())
        ]
        about = (self._pipeline, self._identity.id, self._identity.label, "bulk", "")
        flow = Flow(*about, records=self._records, seen=[], rows=rows, statements=sorted(self._statements))
        save(flow, self._folder / f"{self._pipeline}.json")
        return RunReport(UNPROVEN, [], {})

    # what a plan does not keep

    def stream(self, name: str, schema: dict[str, Any], key_properties: Sequence[str]) -> None:
        """Keep nothing."""

    def waiting(self, stream: str) -> frozenset[str]:
        """Return none: what waits is not brought."""
        del stream
        return frozenset()

    def received(self, stream: str, company: str, currency: str, count: int, amount: Decimal) -> None:
        """Keep nothing: rows are counted when they are weighed."""

    def loaded(self, load: Load) -> None:
        """Keep nothing: nothing was loaded."""

    def holds(self, holding: Holding) -> None:
        """Keep nothing: a plan asks no table what it holds."""

    def passed(self, state: str) -> None:
        """Keep nothing: STATE does not pass."""

    def abort(self, message: str, exit_code: int) -> None:
        """Keep nothing: there is no plan."""

    def prove(self) -> None:
        """Allow it: nothing is committed."""


class PlanLoader(Loader):
    """Stages and weighs batches, and drops them again."""

    plans = True

    def __init__(self, session: Session, names: Names, options: LoadOptions, started_ms: int, books: PlanBooks) -> None:
        """Take the parts of a loader and where it is taken down; a table to be replaced is compared as it is."""
        super().__init__(session, names, replace(options, overwrite=False), started_ms)
        self._books = books

    def load(self, batch: Batch) -> Load:
        """Return an empty load; what the batch would do is taken down."""
        ids: dict[str, str] = {}
        job = self.stage(batch, ids, plan=True)
        try:
            self._books.weighed(job, self.weigh(job, ids))
        finally:
            self.session.execute(f"DROP TABLE IF EXISTS {quoted(job.staging)}")
        return Load(batch.id, batch.shape.stream, batch.shape.table, 0, 0, 0, 0, 0, 0)
