"""A run in which nothing is sent and nothing stored.

It is the engine itself, on a copy of the store, before a sink that only reads: what it would do is what the run then
does, because it is the same code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.delivery.engine import Engine
from ml_connector.delivery.lock import pipeline_lock
from ml_connector.delivery.sink import Effect, Outcome, Sink, State
from ml_connector.delivery.witness import Witness
from ml_connector.plan.document import Flow, Seen, row_hash
from ml_connector.plan.drawing import Sighting, draw
from ml_connector.plan.live import look
from ml_connector.plan.masters import Arrivals, foreseeing
from ml_connector.plan.scratch import scratch_copy
from ml_connector.store.text import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ml_connector.delivery.reading import Reading
    from ml_connector.delivery.report import RunReport
    from ml_connector.delivery.run import Run
    from ml_connector.delivery.sink import Identity, Key, Problem, Row
    from ml_connector.delivery.work import Work
    from ml_connector.mapping.target_map import TargetMap
    from ml_connector.store import Store


class ReadingSink(Sink):
    """Lets every read through to the target and no write: what would be sent counts as arrived."""

    def __init__(self, sink: Sink, arrivals: Arrivals) -> None:
        self._sink = sink
        self._arrivals = arrivals
        self.reviews = sink.reviews  # type: ignore[misc]  # what its target can tell, not what its class can
        self._seen: dict[tuple[str, tuple[str, ...], Key, tuple[str, ...]], str] = {}

    def identity(self) -> Identity:
        """Read who the target is."""
        return self._sink.identity()

    def prepare(self, target_map: TargetMap) -> None:
        """Check tables and columns, as a run does."""
        self._sink.prepare(target_map)

    def check(self, effect: Effect) -> Problem | None:
        """Return why this row must not be sent, or None."""
        return self._sink.check(effect)

    def send(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        """Send nothing."""
        for effect in effects:
            expected = effect.target_id or f"planned:{effect.business_key}#{effect.name}"
            yield Outcome(effect, State.DELIVERED, action="planned", target_id=expected)

    def settle(self, effects: Sequence[Effect], *, wait: bool) -> Iterable[Outcome]:
        """Learn what became of rows that an earlier run sent."""
        return self._sink.settle(effects, wait=wait)

    def review(self, effects: Sequence[Effect]) -> Iterable[Outcome]:
        """Learn what the target has come to say of rows that were delivered."""
        return self._sink.review(effects)

    def lookup(
        self, table: str, key_columns: Sequence[str], keys: Sequence[Key], columns: Sequence[str]
    ) -> dict[Key, list[Row]]:
        """Return live rows, and those that would have arrived by now."""
        live = dict(self._sink.lookup(table, key_columns, keys, columns))
        for key in keys:
            rows = [{name: row.get(name) for name in ("id", *columns)} for row in live.get(key) or []]
            self._seen[table, tuple(key_columns), key, tuple(columns)] = digest(sorted(map(digest, rows)))
        self._arrivals.beside(table, key_columns, keys, live)
        return live

    def reread(self, effects: Sequence[Effect]) -> Iterable[Reading]:
        """Compare rows with what the target shows now."""
        return self._sink.reread(effects)

    def hurry(self) -> None:
        """End every wait at once."""
        self._sink.hurry()

    def close(self) -> None:
        """End the session with the target."""
        self._sink.close()

    @property
    def seen(self) -> list[Seen]:
        """What of the target the plan was judged against."""
        found = [
            Seen(table, dict(zip(key_columns, key, strict=True)), list(columns), told)
            for (table, key_columns, key, columns), told in self._seen.items()
        ]
        return sorted(found, key=lambda each: each.place)


class Recorder(Witness):
    """Takes down what every batch comes to."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.sightings: dict[str, Sighting] = {}
        self._arrivals = arrivals

    def begin(self, run: Run) -> None:
        """Keep the run: it knows the copy of the store."""
        self.run = run

    def note(self, works: Sequence[Work]) -> None:
        """Take down what became of a batch."""
        for work in works:
            sighting = self.sightings.setdefault(work.key, Sighting())
            sighting.left_out = work if work.left_out and work.known is None else None
            if work.defaulted:
                sighting.defaulted = list(work.defaulted)
            sighting.withdrawn = work.withdrawn
            sighting.gone |= set(work.gone)
            self._arrivals.add(work)
            if work.outcomes:
                sighting.effects |= {effect.name: effect for effect in work.effects}
                sighting.sends[work.source_hash] = hashes(work)


def hashes(work: Work) -> dict[str, str]:
    """Return, per row that a record sends, the hash of the row."""
    return {each.name: row_hash(each.table, each.via, each.key, each.payload) for each in work.effects}


class Rehearsal(Engine):
    """The engine of a plan. It holds the pipeline's lock: nobody else writes for it meanwhile."""

    def __init__(self, *, sink: Sink, target_map: TargetMap, keep: Callable[[Flow], None], **parts: Any) -> None:
        """Take the parts of an engine, and where the plan goes; no STATE passes (L1)."""
        arrivals = Arrivals(target_map.dimensions.values())
        self._reading = ReadingSink(sink, arrivals)
        self._recorder = Recorder(arrivals)
        self._keep = keep
        parts |= {"emit_state": lambda _value: None, "witness": self._recorder}
        super().__init__(sink=self._reading, target_map=foreseeing(target_map), **parts)
        self._original: Store = parts["store"]

    def _take(self, pipeline: str) -> None:
        """Keep others from running it; a fence is for those who write."""
        self._open.enter_context(pipeline_lock(self._store_url, pipeline))

    def _begin(self, identity: Identity) -> Run:
        self._label = identity.label
        self._store = scratch_copy(self._original, identity.id)
        return super()._begin(identity)

    def _close(self, stopped: tuple[str, int] | None) -> RunReport:
        try:
            if stopped is None:
                self._keep(self._flow())
            return super()._close(stopped)
        finally:
            self._store.close()

    def _flow(self) -> Flow:
        run = self._recorder.run
        with self._store.reading() as now, self._original.reading() as before:
            records = draw(now, before, run, self._recorder.sightings)
            look(self._reading, before, run, records)
        about = (run.settings.pipeline, run.target_id, self._label, run.settings.mapping, run.map_version)
        return Flow(*about, records=records, seen=self._reading.seen)
