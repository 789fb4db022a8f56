"""The delivery engine: takes Singer messages, brings every record to a durable outcome, and lets STATE pass (L1)."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ml_connector.delivery import circles, deadletters, ends, outbox, report
from ml_connector.delivery.balance import READ_AGAIN, RECEIVED, Line
from ml_connector.delivery.deadletters import StreamShape
from ml_connector.delivery.dimensions import Dimensions
from ml_connector.delivery.dispatch import Dispatcher
from ml_connector.delivery.echo import Echoes
from ml_connector.delivery.intake import Intake
from ml_connector.delivery.late import settle_late
from ml_connector.delivery.lock import pipeline_lock
from ml_connector.delivery.planner import Planner
from ml_connector.delivery.review import review
from ml_connector.delivery.sink import State
from ml_connector.delivery.stop_rule import StopRule
from ml_connector.delivery.tap_totals import TapTotals
from ml_connector.delivery.witness import Witness
from ml_connector.delivery.work import OPEN_STATES, UNKNOWN, Origin
from ml_connector.store.text import digest, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ml_connector.delivery.run import Run
    from ml_connector.delivery.settings import EngineSettings
    from ml_connector.delivery.sink import Identity, Sink
    from ml_connector.delivery.work import Work
    from ml_connector.finance.records import CanonicalRecord
    from ml_connector.mapping.source_map import SourceMap
    from ml_connector.mapping.target_map import TargetMap
    from ml_connector.store import Store

_LAST_PASSES = 6  # a supplier frees an order, the order an invoice, a header found its lines; circles are untied


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
        pause: Callable[[], None] = lambda: None,
        witness: Witness | None = None,
    ) -> None:
        """Take the parts; `pause` is called wherever a run may end early, by raising what ends it."""
        self._settings = settings
        self._store = store
        self._store_url = store_url
        self._sink = sink
        self._target_map = target_map
        self._shapes: dict[str, StreamShape] = {}
        self._intake = Intake(source_map, target_map, self._shapes)
        self._emit_state = emit_state
        self._pause = pause
        self._witness = witness or Witness()
        self._map_version = digest([source_map.version, target_map.version])
        self._batch: list[Work] = []
        self._batch_bytes = 0
        self._batch_since = 0.0
        self._received = 0
        self._tier: str | None = None  # the record type delivered last
        self._barriers: list[Any] = []
        self._passed: Any = None  # the newest STATE that did
        self._tap_totals = TapTotals()
        self._open = ExitStack()
        self._started = False  # and not closed yet
        self._named: set[str] = set()  # the records a replay is about
        self._order = {name: place for place, name in enumerate(target_map.record_types)}

    # the run

    def start(self) -> None:
        """Take the pipeline, prove who the target is, and learn what the run before could not.

        Raises:
            ConfigError: A guard or the target's set-up forbids this run; nothing was written.
            EnvironmentFault: The target cannot be reached, refuses us, or another process runs this pipeline.
        """
        self._take(self._settings.pipeline)
        self._sink.ask_before_writing(self._store.prove)
        identity = self._sink.identity()
        self._settings.guards.check_instance(identity)
        self._sink.prepare(self._target_map)
        self._run = self._begin(identity)
        self._dimensions = Dimensions(self._target_map.dimensions, self._sink, self._on_its_way)
        planner = Planner(self._settings, self._target_map, self._map_version, self._dimensions, self._sink)
        self._dispatcher = Dispatcher(self._run, self._sink, planner, StopRule(self._settings))
        self._started = True
        self._run.witness = self._witness
        self._witness.begin(self._run)
        settle_late(self._run, self._sink, wait=False)
        review(self._run, self._sink)

    def _take(self, pipeline: str) -> None:
        """Hold a pipeline for this run, and write only as long as nobody else has taken it."""
        fence = self._open.enter_context(pipeline_lock(self._store_url, pipeline))
        self._open.enter_context(self._store.fenced(fence))

    def _begin(self, identity: Identity) -> Run:
        settings = self._settings
        with self._store.transaction() as connection:
            self._usual = report.usual_volume(connection, settings.pipeline)
            run = ends.begin(
                connection,
                store=self._store,
                settings=settings,
                identity=identity,
                map_version=self._map_version,
                shapes=self._shapes,
                take_over=self._take_over(),
            )
        run.echoes = Echoes.of(self._target_map, identity.company)
        return run

    def _on_its_way(self, business_key: str) -> bool:
        with self._store.transaction() as connection:
            known = outbox.find(connection, self._run.target_id, [business_key])
        return any(delivery.state in OPEN_STATES for delivery in known.values())

    def _take_over(self) -> Callable[[str], None]:
        """Return what makes rows of another pipeline this one's: a renamed pipeline finds what it left in flight."""
        mine = {self._settings.pipeline}

        def take_over(pipeline: str) -> None:
            if pipeline not in mine:
                self._take(pipeline)
                mine.add(pipeline)

        return take_over

    # messages

    def stream(self, name: str, schema: dict[str, Any], key_properties: list[str]) -> None:
        """Take note of a SCHEMA message."""
        self._shapes[name] = StreamShape(encode(schema), tuple(key_properties))
        self._tap_totals.stream(name, schema)

    def record(self, stream: str, raw: dict[str, Any], size: int = 0, origin: Origin = UNKNOWN) -> None:
        """Receive one record; it is settled when its batch is."""
        self._tap_totals.count(stream, raw)
        works = self._intake.read(stream, raw)
        if not self._batch:
            self._batch_since = time.monotonic()
        self._batch += works
        self._batch_bytes += size
        self._received += len(works)
        self._named.update(work.key for work in works if self._settings.replay)
        for work in works:
            work.origin = origin
            self._count(RECEIVED, work.record)
        self._guard(works)
        full = len(self._batch) >= self._settings.batch_rows or self._batch_bytes >= self._settings.batch_bytes
        if full or time.monotonic() - self._batch_since > self._settings.batch_seconds:
            self.flush()

    def _guard(self, works: Iterable[Work]) -> None:
        guards = self._settings.guards
        for work in works:
            if work.verdict is None:
                guards.check_company(work.record.company)
                self._witness.receive(work.record.company)
        guards.check_volume(self._received, self._usual)

    def _count(self, kind: str, record: CanonicalRecord) -> None:
        line = Line(record.company, record.record_type, kind, "", record.currency or "")
        self._run.tally.add(line, record.amount)

    def state(self, value: Any) -> None:
        """Receive a STATE message: it passes when everything before it has a durable outcome (L1)."""
        self._tap_totals.told(value)
        self._barriers.append(value)
        if not self._batch:
            self._pass_states()

    def flush(self) -> None:
        """Bring the collected batch to its outcomes and let the states behind it pass."""
        self._deliver(self._batch)
        self._batch, self._batch_bytes = [], 0
        self._pass_states()

    def _pass_states(self) -> None:
        for value in self._barriers:
            self._emit_state(value)
            self._passed = value
        self._barriers.clear()

    def _deliver(self, works: Iterable[Work]) -> int:
        """Settle one record type before the next, in the map's order: what follows may refer to it."""
        tiers: dict[str, list[Work]] = {}
        for work in works:
            tiers.setdefault(work.record.record_type, []).append(work)
        moved = 0
        for record_type in sorted(tiers, key=self._place):
            self._pause()
            if self._tier not in (None, record_type):
                settle_late(self._run, self._sink, wait=True, only=State.SENT)
                self._dimensions.forget(self._tier)
            self._tier = record_type
            moved += self._dispatcher.process(tiers[record_type])
        return moved

    def _place(self, record_type: str) -> int:
        return self._order.get(record_type, len(self._order))

    # the end

    def finish(self) -> report.RunReport:
        """Settle everything that can be settled now, strike the balance, and close the run."""
        self.flush()
        for _ in range(_LAST_PASSES):
            self._pause()
            moved = settle_late(self._run, self._sink, wait=True)
            if not self._recheck() + moved and not self._untie():
                break
        settle_late(self._run, self._sink, wait=True)
        return self._close(None)

    def _recheck(self) -> int:
        """Feed what waits once more, in the map's order; return how many were delivered or are on their way."""
        with self._store.transaction() as connection:
            due = deadletters.due(connection, self._settings.pipeline, self._run.target_id, self._map_version)
        due.sort(key=lambda letter: self._place(letter[1]))
        moved = 0
        for page in outbox.pages((number for number, _ in due), self._settings.batch_rows):
            with self._store.transaction() as connection:
                letters = deadletters.by_ids(connection, page, self._store.sealer)
            self._dimensions.forget(self._tier)
            moved += self._deliver(
                [work for letter in letters if self._is_meant(letter) for work in self._again(letter)]
            )
        self._dimensions.let_go = set()
        return moved

    def _untie(self) -> bool:
        """Let records that wait for each other go, in the next pass; return whether there are any."""
        with self._store.transaction() as connection:
            found = circles.find(connection, self._settings.pipeline, self._run.target_id, self._target_map.dimensions)
        self._dimensions.let_go = found
        return bool(found)

    def _is_meant(self, letter: deadletters.DeadLetter) -> bool:
        """Whether this run may try a letter again; a replay is about the records a person named, and no others."""
        return not self._settings.replay or letter.business_key in self._named

    def _again(self, letter: deadletters.DeadLetter) -> Iterable[Work]:
        self._shapes.setdefault(letter.stream, letter.shape)
        for work in self._intake.read(letter.stream, letter.record):
            if work.key == letter.business_key:
                work.recheck, work.origin = True, letter.origin
                yield work

    def hurry(self) -> None:
        """End every wait: the run is to end. A signal handler may call it."""
        self._sink.hurry()

    def abort(self, message: str, exit_code: int) -> None:
        """Close a run that could not go on; what was settled stays settled, STATE has not passed the rest."""
        if not self._started:
            self._open.close()
            return
        for work in self._batch:
            if not work.stored:  # STATE has not passed it, so the next run reads it again
                self._count(READ_AGAIN, work.record)
        self._close((message, exit_code))

    def _close(self, stopped: tuple[str, int] | None) -> report.RunReport:
        self._started, run = False, self._run
        with self._open:
            return self._strike(run, stopped)

    def _strike(self, run: Run, stopped: tuple[str, int] | None) -> report.RunReport:
        passed = None if self._passed is None else encode(self._passed)
        with self._store.transaction() as connection:
            run.tally.add_outcomes(connection, run.id)
            return ends.strike(connection, run, self._tap_totals, passed, stopped)
