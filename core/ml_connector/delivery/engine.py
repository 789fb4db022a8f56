"""The delivery engine: takes Singer messages, brings every record to a durable outcome, and lets STATE pass (L1)."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from ml_connector.delivery import deadletters, outbox, report
from ml_connector.delivery.balance import CARRIED_IN, READ_AGAIN, RECEIVED, Line
from ml_connector.delivery.deadletters import StreamShape
from ml_connector.delivery.dimensions import Dimensions
from ml_connector.delivery.dispatch import Dispatcher
from ml_connector.delivery.late import settle_late
from ml_connector.delivery.lock import pipeline_lock
from ml_connector.delivery.planner import Planner
from ml_connector.delivery.run import Run
from ml_connector.delivery.sink import State
from ml_connector.delivery.tap_totals import TapTotals
from ml_connector.delivery.trail import Trail
from ml_connector.delivery.work import OPEN_STATES, Verdict, Work
from ml_connector.errors import RecordRefused
from ml_connector.finance.records import CanonicalRecord
from ml_connector.mapping.stream_map import Outline, Skipped
from ml_connector.store.tables import deliveries, runs
from ml_connector.store.text import digest, stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ml_connector.delivery.settings import EngineSettings
    from ml_connector.delivery.sink import Identity, Sink
    from ml_connector.mapping.source_map import SourceMap
    from ml_connector.mapping.target_map import TargetMap
    from ml_connector.store import Store

_LAST_PASSES = 4  # a supplier frees an order, the order an invoice, a header found frees its lines


class Engine:
    """One run of one pipeline into one target."""

    def __init__(
        self,
        *,
        settings: EngineSettings,
        store: Store,
        store_url: str,
        sink: Sink,
        source_map: SourceMap,
        target_map: TargetMap,
        emit_state: Callable[[Any], None],
    ) -> None:
        self._settings = settings
        self._store = store
        self._store_url = store_url
        self._sink = sink
        self._source_map = source_map
        self._target_map = target_map
        self._emit_state = emit_state
        self._map_version = digest([source_map.version, target_map.version])
        self._batch: list[Work] = []
        self._batch_bytes = 0
        self._batch_since = time.monotonic()
        self._barriers: list[Any] = []
        self._tap_totals = TapTotals()
        self._open = ExitStack()
        self._started = False

    # the run

    def start(self) -> None:
        """Take the pipeline, prove who the target is, and learn what the run before could not.

        Raises:
            ConfigError: A guard or the target's set-up forbids this run; nothing was written.
            EnvironmentFault: The target cannot be reached, refuses us, or another process runs this pipeline.
        """
        self._open.enter_context(pipeline_lock(self._store_url, self._settings.pipeline))
        identity = self._sink.identity()
        self._settings.guards.check_instance(identity)
        self._sink.prepare(self._target_map)
        self._run = self._begin(identity)
        self._dimensions = Dimensions(self._target_map.dimensions, self._sink, self._on_its_way)
        planner = Planner(self._settings, self._target_map, self._map_version, self._dimensions, self._sink)
        self._dispatcher = Dispatcher(self._run, self._sink, planner)
        self._started = True
        settle_late(self._run, self._sink, wait=False)

    def _begin(self, identity: Identity) -> Run:
        run_id = f"{utc_now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        settings = self._settings
        with self._store.transaction() as connection:
            trail = Trail.begin(connection, run_id, settings.pipeline)
            run = Run(run_id, settings, identity.id, self._map_version, self._store, trail)
            values = {
                "id": run_id,
                "pipeline": settings.pipeline,
                "kind": "replay" if settings.replay else "run",
                "target_id": identity.id,
                "target_label": identity.label,
                "mapping": settings.mapping,
                "map_version": self._map_version,
                "started_at": stamp(utc_now()),
                "outcome": "running",
            }
            self._usual = report.usual_volume(connection, settings.pipeline)
            connection.execute(runs.insert(), values)
            trail.append(connection, [("run_started", None, values)])
            self._carry_in(connection, run)
        return run

    def _carry_in(self, connection: Any, run: Run) -> None:
        """Count what earlier runs left open; it is part of this run's balance."""
        mine = (
            deliveries.c.pipeline == run.settings.pipeline,
            deliveries.c.target_id == run.target_id,
            deliveries.c.state.in_(OPEN_STATES),
        )
        names = ("company", "record_type", "currency", "amount")
        for company, record_type, currency, amount in connection.execute(
            select(*(deliveries.c[name] for name in names)).where(*mine)
        ):
            run.tally.add(Line(company, record_type, CARRIED_IN, "", currency or ""), amount)
        touched = update(deliveries).where(*mine)
        connection.execute(touched.values(last_run=run.id, run_outcome=deliveries.c.state))

    def _on_its_way(self, business_key: str) -> bool:
        with self._store.transaction() as connection:
            known = outbox.find(connection, self._run.target_id, [business_key])
        return any(delivery.state in OPEN_STATES for delivery in known.values())

    # messages

    def stream(self, name: str, schema: dict[str, Any], key_properties: list[str]) -> None:
        """Take note of a SCHEMA message."""
        self._run.shapes[name] = StreamShape(schema, key_properties)
        self._tap_totals.stream(name, schema)

    def record(self, stream: str, raw: dict[str, Any], size: int = 0) -> None:
        """Receive one record; it is settled when its batch is."""
        self._tap_totals.count(stream, raw)
        for work in self._understand(stream, raw):
            if self._batch and self._batch[-1].record.record_type != work.record.record_type:
                self._next_tier()
            self._batch.append(work)
        self._batch_bytes += size
        full = len(self._batch) >= self._settings.batch_rows or self._batch_bytes >= self._settings.batch_bytes
        if full or time.monotonic() - self._batch_since > self._settings.batch_seconds:
            self.flush()

    def state(self, value: Any) -> None:
        """Receive a STATE message: it passes when everything before it has a durable outcome (L1)."""
        self._tap_totals.told(value)
        self._barriers.append(value)
        if not self._batch:
            self._pass_states()

    def flush(self) -> None:
        """Bring the collected batch to its outcomes and let the states behind it pass."""
        if self._batch:
            self._dispatcher.process(self._batch)
        self._batch, self._batch_bytes = [], 0
        self._batch_since = time.monotonic()
        self._pass_states()

    def _next_tier(self) -> None:
        """Settle one record type before the next: what follows may refer to it."""
        self.flush()
        settle_late(self._run, self._sink, wait=True, only=State.SENT)
        self._dimensions.forget_missing()

    def _pass_states(self) -> None:
        for value in self._barriers:
            self._emit_state(value)
        self._barriers.clear()

    def _understand(self, stream: str, raw: dict[str, Any]) -> Iterable[Work]:
        try:
            meanings = self._source_map.apply(stream, raw)
        except RecordRefused as error:
            work = Work(stream, raw, self._unreadable(stream, raw), digest(raw))
            work.verdict = Verdict.of_error(State.REFUSED, error)
            self._count(RECEIVED, work.record)
            yield work
            return
        source_hash = digest(raw)
        for meaning in meanings:
            if isinstance(meaning, Skipped):
                self._skip(stream, raw, meaning)
                continue
            if meaning.record_type not in self._target_map.record_types:
                self._skip(stream, raw, _unmapped(meaning))
                continue
            self._settings.guards.check_company(meaning.company)
            self._count(RECEIVED, meaning)
            yield Work(stream, raw, meaning, source_hash)
        self._settings.guards.check_volume(self._run.tally.total([RECEIVED]), self._usual)

    def _unreadable(self, stream: str, raw: dict[str, Any]) -> CanonicalRecord:
        """Stand in for a record the source map cannot read, so that it too has a key and an outcome."""
        told = next(iter(self._source_map.outline(stream, raw)), Outline(None, None, None))
        keys = self._run.shapes[stream].key_properties
        return CanonicalRecord(
            record_type=told.record_type or stream,
            source_system=self._source_map.source_system,
            company=told.company or str(raw.get("_company") or ""),
            source_key=told.source_key or "/".join(str(raw.get(key)) for key in keys if key != "_company"),
            fields={},
            source=raw,
            amount=told.amount,
            currency=told.currency,
        )

    def _count(self, kind: str, record: CanonicalRecord) -> None:
        line = Line(record.company, record.record_type, kind, "", record.currency or "")
        self._run.tally.add(line, record.amount)

    def _skip(self, stream: str, raw: dict[str, Any], skipped: Skipped) -> None:
        """Count a record that a named rule leaves out."""
        company = skipped.company or str(raw.get("_company") or "")
        for kind, reason in ((RECEIVED, ""), (State.SKIPPED, skipped.rule)):
            line = Line(company, skipped.record_type or stream, kind, reason, skipped.currency or "")
            self._run.tally.add(line, skipped.amount)

    # the end

    def finish(self) -> report.RunReport:
        """Settle everything that can be settled now, strike the balance, and close the run."""
        self.flush()
        for _ in range(_LAST_PASSES):
            moved = settle_late(self._run, self._sink, wait=True)
            self._dimensions.forget_missing()
            if not self._recheck() + moved:
                break
        settle_late(self._run, self._sink, wait=True)
        return self._close("finished", None, 0)

    def _recheck(self) -> int:
        """Feed what waits once more, in the map's order; return how many were delivered."""
        with self._store.transaction() as connection:
            letters = deadletters.due(connection, self._settings.pipeline, self._run.target_id, self._map_version)
        order = list(self._target_map.record_types)
        letters.sort(key=lambda letter: order.index(letter.record_type) if letter.record_type in order else len(order))
        delivered = 0
        batch: list[Work] = []
        for letter in letters:
            self._run.shapes.setdefault(letter.stream, StreamShape(letter.schema, letter.key_properties))
            if batch and (
                batch[-1].record.record_type != letter.record_type or len(batch) >= self._settings.batch_rows
            ):
                delivered += self._dispatcher.process(batch)
                self._dimensions.forget_missing()
                batch = []
            batch.extend(self._again(letter))
        return delivered + (self._dispatcher.process(batch) if batch else 0)

    def _again(self, letter: deadletters.DeadLetter) -> Iterable[Work]:
        try:
            meanings = self._source_map.apply(letter.stream, letter.record)
        except RecordRefused:
            return  # it keeps the verdict it has
        for meaning in meanings:
            if isinstance(meaning, CanonicalRecord) and meaning.business_key == letter.business_key:
                yield Work(letter.stream, letter.record, meaning, digest(letter.record), recheck=True)

    def abort(self, message: str, exit_code: int) -> None:
        """Close a run that could not go on; what was settled stays settled, STATE has not passed the rest."""
        if not self._started:
            self._open.close()
            return
        for work in self._batch:
            if not work.stored:  # STATE has not passed it, so the next run reads it again
                self._count(READ_AGAIN, work.record)
        self._close("stopped", message, exit_code)

    def _close(self, outcome: str, message: str | None, exit_code: int) -> report.RunReport:
        run = self._run
        with self._store.transaction() as connection:
            run.tally.add_outcomes(connection, run.id)
            result = report.strike(run.tally, self._tap_totals, stopped=outcome == "stopped")
            run.tally.save(connection, run.id)
            values = {
                "ended_at": stamp(utc_now()),
                "outcome": outcome,
                "balance": result.balance,
                "message": message or "; ".join(result.differences + result.unfinished) or None,
                "exit_code": exit_code or result.exit_code,
            }
            run.trail.append(connection, [("run_ended", None, values)])
            connection.execute(update(runs).where(runs.c.id == run.id).values(**values, head=run.trail.head))
        self._open.close()
        return result


def _unmapped(record: CanonicalRecord) -> Skipped:
    """Return the skip of a record type this target map does not deliver at all."""
    return Skipped(
        "unmapped",
        f"the target map does not deliver {record.record_type}",
        record.record_type,
        record.company,
        record.source_key,
        record.amount,
        record.currency,
    )
