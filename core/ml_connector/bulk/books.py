"""The books of a bulk run: every batch one event, every refused record a dead letter, and a balance at the end (L8).

A load of millions of records costs the store an event per batch and a tally per company, stream and currency; what
waits is held in memory as keys.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from ml_connector.bulk import found
from ml_connector.bulk import refusals as writing
from ml_connector.bulk.holdings import HOLDS
from ml_connector.bulk.load import LOADED, OUTCOMES
from ml_connector.bulk.waiting import arrivals, keys_waiting, settle
from ml_connector.delivery import ends
from ml_connector.delivery.balance import INCOMING, READ_AGAIN, RECEIVED, Line, Sum
from ml_connector.delivery.deadletters import StreamShape
from ml_connector.delivery.lock import pipeline_lock
from ml_connector.delivery.tap_totals import PipeTotals
from ml_connector.store.text import encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from ml_connector.bulk.holdings import Holding
    from ml_connector.bulk.load import BulkSettings, Load, Refusal
    from ml_connector.delivery.report import RunReport
    from ml_connector.delivery.run import Run
    from ml_connector.delivery.sink import Identity
    from ml_connector.store import Store


class BulkBooks:
    """One run of one pipeline into one target, as its store knows it."""

    def __init__(self, run: Run, settings: BulkSettings, held: ExitStack) -> None:
        """Take a run that has begun, and what is held until it ends; `open` makes both."""
        self._run = run
        self._held = held
        self._patience = writing.Patience(0 if settings.replay else settings.max_refused)  # a person named its records
        self._waiting: dict[str, set[str]] = {}
        self._passed: str | None = None
        self._ended = False

    @classmethod
    def open(
        cls, *, store: Store, store_url: str, settings: BulkSettings, identity: Identity, map_version: str = ""
    ) -> Self:
        """Take the pipeline, begin the run, and carry in what earlier ones refused.

        `identity.id` must tell apart every place that a record may be in: account, database and schema.

        Raises:
            EnvironmentFault: Another process runs this pipeline, or the store cannot be written.
        """
        with ExitStack() as held:
            fence = held.enter_context(pipeline_lock(store_url, settings.pipeline))
            held.enter_context(store.fenced(fence))
            with store.transaction() as connection:
                run = ends.begin(
                    connection,
                    store=store,
                    settings=settings.as_engine(),
                    identity=identity,
                    map_version=map_version,
                    shapes={},
                    take_over=lambda _pipeline: None,
                )
            return cls(run, settings, held.pop_all())

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._run.id

    def prove(self) -> None:
        """Raise EnvironmentFault unless this process may still write: to be asked right before a commit."""
        self._run.store.prove()

    def broken(self) -> list[str]:
        """Return the pipeline's earlier runs that died or broke off; `found` is told what the target has of each."""
        with self._run.store.reading() as connection:
            return found.broken(connection, self._run)

    def found(self, earlier: str, loads: Sequence[Load]) -> int:
        """Write that an earlier run was checked, and an event for each of its batches that the trail lacks."""
        with self._run.store.transaction() as connection:
            return found.tell(connection, self._run, earlier, loads)

    def stream(self, name: str, schema: dict[str, Any], key_properties: Sequence[str]) -> None:
        """Take note of a SCHEMA message: dead letters keep it."""
        self._run.shapes[name] = StreamShape(encode(schema), tuple(key_properties))

    def waiting(self, stream: str) -> frozenset[str]:
        """Return the business keys of a stream's records that were refused, or given up, and have not arrived since."""
        return frozenset(self._waiting_of(stream))

    def _waiting_of(self, stream: str) -> set[str]:
        if stream not in self._waiting:
            with self._run.store.reading() as connection:
                self._waiting[stream] = keys_waiting(connection, self._run.target_id, stream)
        return self._waiting[stream]

    def received(self, stream: str, company: str, currency: str, count: int, amount: Decimal) -> None:
        """Count records that came from the pipe, whatever becomes of them."""
        self._run.tally.add(Line(company, stream, RECEIVED, "", currency), amount, count)

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        """Make refusals durable: each a delivery, a dead letter and an event, all in one transaction (L1).

        Raises:
            TooManyRefused: The stop rule; these refusals are durable all the same.
        """
        if not refusals:
            return
        with self._run.store.transaction() as connection:
            superseded = writing.write(connection, self._run, refusals)
        for line, amount in superseded:
            self._run.tally.add(line, amount)
        for refusal in refusals:
            self._waiting_of(refusal.stream).add(refusal.business_key)
        self._patience.watch(refusals)

    def loaded(self, load: Load) -> None:
        """Write that a batch was committed: one event, and what of the records that waited it brought.

        Raises:
            ValueError: It tells of an outcome that a batch cannot have.
        """
        if wrong := {kind for kind, *_ in load.sums}.difference(OUTCOMES):
            raise ValueError(f"a batch has no outcome {', '.join(sorted(wrong))}")
        with self._run.store.transaction() as connection:
            waited = arrivals(connection, self._run.target_id, load.arrived)
            self._run.trail.append(connection, [(LOADED, load.batch, load.told(len(waited)))])
            settle(connection, self._run, load.batch, waited)
        for kind, company, currency, count, amount in load.sums:
            self._run.tally.add(Line(company, load.stream, kind, "", currency), amount, count)
        self._waiting_of(load.stream).difference_update(load.arrived)

    def holds(self, holding: Holding) -> None:
        """Write what a table holds now, for a reconciliation to compare with."""
        with self._run.store.transaction() as connection:
            self._run.trail.append(connection, [(HOLDS, holding.table, holding.told())])

    def passed(self, state: str) -> None:
        """Keep the newest STATE that passed, as JSON."""
        self._passed = state

    def finish(self, tap_totals: PipeTotals) -> RunReport:
        """Strike the balance, and close the run."""
        return self._close(tap_totals, None)

    def abort(self, message: str, exit_code: int) -> None:
        """Close a run that could not go on; STATE has not passed what was not loaded, so it is read again."""
        if not self._ended:
            self._close(PipeTotals(), (message, exit_code))

    def _close(self, tap_totals: PipeTotals, stopped: tuple[str, int] | None) -> RunReport:
        self._ended, run = True, self._run
        with self._held, run.store.transaction() as connection:
            run.tally.add_outcomes(connection, run.id)
            if stopped:
                self._read_again()
            return ends.strike(connection, run, tap_totals, self._passed, stopped)

    def _read_again(self) -> None:
        """Count what came in and has no outcome yet; more outcomes than came in stay a difference."""
        waiting: dict[Line, Sum] = defaultdict(Sum)
        for line, total in self._run.tally.lines.items():
            sign = 1 if line.kind in INCOMING else -1
            waiting[line._replace(kind=READ_AGAIN, reason="")].add(sign * total.count, sign * total.amount)
        for line, rest in waiting.items():
            if rest.count > 0:
                self._run.tally.add(line, rest.amount, rest.count)
