"""What is to be done with each record: decided from hashes, guards, checks and proofs, before any write (L4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ml_connector.delivery import withdrawal
from ml_connector.delivery.matching import Matcher
from ml_connector.delivery.sink import OUTCOME_UNKNOWN, Effect, State
from ml_connector.delivery.work import OLDER_VERSION_OPEN, Verdict, Work
from ml_connector.errors import RecordParked, RecordRefused
from ml_connector.finance.checks import check_document
from ml_connector.mapping.match import ADOPTION
from ml_connector.store.text import decode, digest, plain, stamp, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.delivery.dimensions import Dimensions
    from ml_connector.delivery.settings import EngineSettings
    from ml_connector.delivery.sink import Key, Sink
    from ml_connector.delivery.work import KnownDelivery, KnownEffect
    from ml_connector.mapping.record_map import Frozen, RecordMap, RowPlan
    from ml_connector.mapping.target_map import TargetMap


class Planner:
    """Decides what a record needs: nothing, a refusal, a wait, or rows to send."""

    def __init__(
        self, settings: EngineSettings, target_map: TargetMap, map_version: str, dimensions: Dimensions, sink: Sink
    ) -> None:
        self._settings = settings
        self._map = target_map
        self._map_version = map_version
        self._dimensions = dimensions
        self._sink = sink
        self._matcher = Matcher(settings, target_map, sink)

    # first look: hashes and guards, no request

    def triage(self, works: Sequence[Work]) -> None:
        """Decide the records that need no look at the target."""
        now = stamp(utc_now())
        for work in works:
            known = work.known
            if known is not None and self._holds(work, known):
                continue
            work.withdrawn = known is not None and withdrawal.is_withdrawn(work.record, self._settings.guards)
            if work.withdrawn:
                work.verdict = None  # what rule leaves it out is looked at once it is known what of it was delivered
            elif known is not None and withdrawal.is_dropped(work, known):
                work.verdict = withdrawal.dropped(work)
            elif work.verdict is None:
                work.verdict = self._settings.guards.verdict(work.record)
            if work.verdict is None and known is not None and not self._settings.resend:
                self._compare(work, known, now)

    def _holds(self, work: Work, known: KnownDelivery) -> bool:
        """Leave alone a record with a version under way, and a waived one until its source changes."""
        same = known.source_hash == work.source_hash
        if known.reason == OUTCOME_UNKNOWN and not self._settings.replay:  # only a person may have it sent again (L3)
            work.keep = same
            if not same:
                suggestion = "Look for the older one in the target, then: ml-connector dead replay --cause"
                words = "an older version of it was sent, and what became of that one is not known"
                work.verdict = Verdict(State.FAILED, OUTCOME_UNKNOWN, words, suggestion=f"{suggestion} {known.reason}")
            return True
        if known.in_flight and not same:  # it waits in its dead letter until the older one's outcome is known
            work.verdict = Verdict(known.state, OLDER_VERSION_OPEN, "an older version of it has no outcome yet")
            return True
        work.keep = same and (known.in_flight or (known.state == State.WAIVED and not self._settings.replay))
        return work.keep

    def _compare(self, work: Work, known: KnownDelivery, now: str) -> None:
        same = known.source_hash == work.source_hash and known.map_version == self._map_version
        if same and known.state == State.DELIVERED and known.settled_source_hash == work.source_hash:
            work.verdict = Verdict(State.UNCHANGED)
        elif same and known.state == State.REFUSED:
            work.keep = not self._settings.replay
        elif known.state == State.FAILED and known.next_attempt_at and known.next_attempt_at > now:
            work.keep = same and not self._settings.replay

    # second look: the document itself, its references, the target's own state

    def plan(self, works: Sequence[Work], twins: dict[str, str]) -> None:
        """Give each work its effects to send, or the verdict that nothing may be sent."""
        seen: dict[str, str] = {}
        self._dimensions.arriving = {work.key for work in works}
        for work in works:
            self._guarded(work, lambda work=work: self._begin(work, twins, seen))
        self._prove([work for work in works if work.verdict is None and not work.withdrawn])
        self._matcher.match([work for work in works if work.verdict is None and not work.withdrawn])
        for work in works:
            if work.verdict is None:
                self._compare_rows(work)
        self._respect_frozen([work for work in works if work.verdict is None])

    @staticmethod
    def _guarded(work: Work, step: Any) -> None:
        try:
            step()
        except RecordRefused as error:
            work.verdict = Verdict.of_error(State.REFUSED, error)
        except RecordParked as error:
            work.verdict = Verdict.of_error(State.PARKED, error)

    def _begin(self, work: Work, twins: dict[str, str], seen: dict[str, str]) -> None:
        if not work.withdrawn:
            self._check(work, twins, seen)
        elif work.known and work.known.was_delivered:
            withdrawal.plan_cancellation(work, self._map.record_types[work.record.record_type])
        else:
            work.verdict = withdrawal.left_out(work.record, self._settings.guards)

    def _check(self, work: Work, twins: dict[str, str], seen: dict[str, str]) -> None:
        record = work.record
        check_document(record)
        if record.duplicate_key:
            twin = twins.get(record.duplicate_key) or seen.setdefault(record.duplicate_key, work.key)
            if twin != work.key:
                raise RecordParked(
                    "suspected_duplicate",
                    f"same supplier, supplier's invoice number and amount as {twin}",
                    field="supplier_reference",
                    value=twin,
                    suggestion="Void one of the two in the source system, then run again.",
                )

    def _prove(self, works: Sequence[Work]) -> None:
        """Map with every reference taken as good, prove all references at once, then map again where that matters."""
        collector = self._dimensions.collector()
        for work in works:
            self._guarded(work, lambda work=work: self._map_rows(work, collector.of(work)))
        self._dimensions.prove(collector.wanted)
        for work in works:
            if work.verdict is None and collector.needs_another_look(work):
                resolver = self._dimensions.resolver(work)
                self._guarded(work, lambda work=work, resolver=resolver: self._map_rows(work, resolver))
                work.defaulted, work.let_go = resolver.defaulted, resolver.let_go

    def _map_rows(self, work: Work, resolver: Any) -> None:
        work.rows = self._map.rows(work.record, resolver)

    def _respect_frozen(self, works: Sequence[Work]) -> None:
        """Park changes to documents that people in the target have already taken over."""
        asked: dict[tuple[str, str, tuple[str, ...]], dict[Key, tuple[Work, Frozen]]] = {}
        for work in works:
            record_map = self._map.record_types[work.record.record_type]
            frozen = self._frozen(work, record_map) if work.known and work.known.was_delivered else None
            if frozen is not None:
                columns = frozen.key(work.record)
                place = (frozen.table, frozen.column, tuple(columns))
                asked.setdefault(place, {})[tuple(columns.values())] = (work, frozen)
        for (table, column, key_columns), works_by_key in asked.items():
            rows = self._sink.lookup(table, key_columns, list(works_by_key), [column])
            for key, (work, frozen) in works_by_key.items():
                state = next(
                    (str(row.get(column)) for row in rows.get(key, []) if row.get(column) in frozen.states), None
                )
                if state is not None:
                    work.verdict = self._taken_over(work, state)

    @staticmethod
    def _frozen(work: Work, record_map: RecordMap) -> Frozen | None:
        return withdrawal.frozen_of(work, record_map) if work.withdrawn else record_map.frozen(work.record)

    def _taken_over(self, work: Work, state: str) -> Verdict:
        if not work.withdrawn:
            return _taken_over(work, state)
        if withdrawal.is_cancelled_already(work, self._map.record_types[work.record.record_type], state):
            return Verdict(State.UNCHANGED)
        return Verdict.of_error(State.PARKED, withdrawal.parked(work, f"the document is {state} in the target"))

    def _compare_rows(self, work: Work) -> None:
        """Keep the rows that differ from what the target already confirmed."""
        known = work.known.effects if work.known else {}
        for row in work.rows:
            before = known.get(row.name)
            effect = self._effect(work, row, before)
            if self._is_there(before, effect):
                work.restored += [replace(effect, id=before.id)] if before and before.never_left else []
                continue
            if (problem := self._sink.check(effect)) is not None:
                work.verdict = Verdict.of_problem(problem)
                return
            work.effects.append(effect)
        adopted = [name for name, effect in known.items() if name == ADOPTION and effect.state == State.DELIVERED]
        present = {*adopted, *(row.name for row in work.rows)}
        # A cancelled document keeps its lines in the target; only what never arrived is given up.
        stays = (State.SKIPPED, State.DELIVERED) if work.withdrawn else (State.SKIPPED,)
        work.gone = [name for name, effect in known.items() if name not in present and effect.state not in stays]
        if not work.effects:
            work.verdict = work.let_go or Verdict(State.UNCHANGED)

    def _is_there(self, before: KnownEffect | None, effect: Effect) -> bool:
        """Say whether the target has confirmed this content, and nothing else has gone out to it since."""
        if before is None or self._settings.resend or before.settled_hash != effect.content_hash:
            return False
        return before.state == State.DELIVERED or before.never_left

    @staticmethod
    def _effect(work: Work, row: RowPlan, before: KnownEffect | None) -> Effect:
        """Return the row as it would be sent."""
        owned = _columns(row, "source")
        content = digest({column: plain(value) for column, value in owned.items()})
        remote_id = before.remote_id if before else None
        payload = owned if remote_id else _columns(row, "source", "create_only")
        memory = decode(before.memory) if before and before.memory else None
        named = (0, work.key, row.name, row.table, row.via, row.key)
        return Effect(*named, payload, remote_id, memory=memory, content_hash=content)


def _columns(row: RowPlan, *owners: str) -> dict[str, Any]:
    return {name: value for name, value in row.payload.items() if row.owners.get(name, "source") in owners}


def _taken_over(work: Work, state: str) -> Verdict:
    changed = ", ".join(effect.name for effect in work.effects)
    return Verdict(
        State.PARKED,
        "frozen",
        f"the document is {state} in the target, so its change there waits for a person ({changed} differ)",
        "state",
        state,
        "Reopen the document in the target, or settle the difference by hand; then run again.",
    )
