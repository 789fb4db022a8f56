"""From effects to documents: looked up by their reference first, then created, or updated by id (apis/acumatica.md §5).

An auto-numbered document has no key that a second PUT could meet, so a create never goes out before the tenant has
said that no document carries its reference; the engine never sends what is in doubt.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.discretion import discreet_outcome
from ml_connector.delivery.sink import Outcome, State
from ml_connector.errors import BadAnswer, InDoubt, RecordError, RecordRefused
from ml_connector.vendors.acumatica.errors import NO_ENTITY, PRECONDITION

from target_acumatica import outcomes
from target_acumatica.actions import ACTION_FAILED
from target_acumatica.document import CURRENCIES, HOLD, Difference, Document
from target_acumatica.lines import all_lines, received, remember
from target_acumatica.policy import KEYS
from target_acumatica.puts import Item, Written
from target_acumatica.values import EmptyValues, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ml_connector.delivery.sink import Effect, Row

    from target_acumatica.actions import Actions
    from target_acumatica.document import Record
    from target_acumatica.lines import Matched
    from target_acumatica.puts import Puts
    from target_acumatica.reader import Reader

LOOK_UP = 20  # references looked up together, shortly before their documents are written
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say of documents that are not as expected."""

    park_silent: bool = False  # a value that is not kept parks, instead of a warning
    make_deleted: bool = False  # a document that was deleted in the tenant is made anew
    empty: EmptyValues = EmptyValues.KEEP


@dataclass(slots=True)
class Writer:
    """Writes documents one at a time."""

    reader: Reader
    puts: Puts
    actions: Actions
    rules: Rules
    _written: dict[tuple[str, ...], str] = field(default_factory=dict)  # reference, folded → whose it is in this run

    def send(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        """Write effects; yield each outcome as soon as it is known."""
        for start in range(0, len(effects), LOOK_UP):
            some = effects[start : start + LOOK_UP]
            found = self.references([effect for effect in some if effect.target_id is None])
            for effect in some:
                yield self._told(self._write(effect, found.get(effect.id, ())))
                if self.puts.stop is not None:
                    raise self.puts.stop

    def references(self, effects: Iterable[Effect]) -> dict[int, list[Row]]:
        """Return, per effect, the documents that carry its reference."""
        groups: dict[tuple[str, tuple[str, ...]], list[Effect]] = defaultdict(list)
        for effect in effects:
            groups[effect.table, tuple(effect.key)].append(effect)
        found: dict[int, list[Row]] = {}
        for (table, columns), members in groups.items():
            keys = {effect.id: tuple(effect.key.values()) for effect in members}
            rows = self.reader.lookup(table, columns, list(keys.values()), ())
            found |= {number: rows.get(key, []) for number, key in keys.items()}
        return found

    def document(self, effect: Effect) -> Document:
        """Return an effect in the form of the contract. Raises Unfit."""
        contract = self.reader.contract
        empty = self.rules.empty if effect.target_id else EmptyValues.KEEP
        document = Document.of(effect.payload, contract.entity(effect.table), contract, empty)
        if self.is_held(effect, document):
            document.header.setdefault(HOLD, False)  # it is on hold only until its last line is there
        return document

    def is_held(self, effect: Effect, document: Document) -> bool:
        """Say whether a document is put on hold while its lines are written."""
        many = document.size > self.puts.lines_per_request
        return many and HOLD in document.entity.fields and not is_confirmed(effect.memory)

    # one document

    def _write(self, effect: Effect, rows: Sequence[Row]) -> Outcome:
        other = self._written.setdefault(_folded(effect), effect.business_key)
        if other != effect.business_key:
            return outcomes.same_key(effect, other)
        document = self.document(effect)
        live = self._live(effect, document, rows)
        if isinstance(live, Outcome):
            return live
        return self._create(effect, document) if live is None else self._update(effect, document, live)

    def _live(self, effect: Effect, document: Document, rows: Sequence[Row]) -> Record | Outcome | None:
        """Return the document as it is, None when there is none, or why neither can be told."""
        if effect.target_id:
            if (record := self.reader.by_id(effect.table, effect.target_id, document.expand)) is not None:
                return record
            rows = self.references([effect])[effect.id]
            if not rows and not self.rules.make_deleted:
                return outcomes.deleted(effect)
        if not rows:
            return None
        if len(rows) > 1:
            return outcomes.ambiguous(effect, [row["id"] for row in rows])
        by_number = set(effect.key) <= set(KEYS.get(effect.table, ()))  # which Acumatica writes in capitals
        if not by_number and any(rows[0][name] != text(value) for name, value in effect.key.items()):
            return outcomes.same_key(effect, ", ".join(rows[0][name] for name in effect.key))
        record = self.reader.by_id(effect.table, rows[0]["id"], document.expand)
        if record is None:
            raise BadAnswer(f"{effect.table} {rows[0]['id']} is listed, and not there when it is read by its id.")
        return record

    def _create(self, effect: Effect, document: Document) -> Outcome:
        written = Written(memory=self.to_remember(effect))
        try:
            self.puts.create(document, written)
        except (RecordError, InDoubt) as error:
            if _is(error, PRECONDITION) and written.target_id is None:
                return self._met(effect, document, error)
            return outcomes.failed(effect, error, **written.known)
        return self._done(effect, document, written, "created")

    def _met(self, effect: Effect, document: Document, error: RecordError | InDoubt) -> Outcome:
        """Go on with a record that was there although none carried our reference when we looked."""
        live = self._live(effect, document, self.references([effect])[effect.id])
        if live is None:
            return outcomes.key_taken(effect, error)
        return live if isinstance(live, Outcome) else self._update(effect, document, live)

    def _update(self, effect: Effect, document: Document, live: Record) -> Outcome:
        matched = all_lines(document, live, effect.memory)
        differences = document.header_differences(live)
        if (waits := self._for_people(effect, document, matched, differences)) is not None:
            return waits
        header = {it.path.partition(".")[0]: None for it in differences}
        items = [item for name, lines in matched.items() for item in _items(document, name, lines)]
        written = Written(str(live["id"]), self.to_remember(effect) | remember(matched), record=live, lines=matched)
        if not header and not items:
            return self._done(effect, document, written, "unchanged")
        try:
            self.puts.update(document, written, {name: document.header[name] for name in header}, items)
        except (RecordError, InDoubt) as error:
            if _is(error, PRECONDITION) or _is(error, NO_ENTITY):
                return outcomes.deleted(effect)
            return outcomes.failed(effect, error, **written.known)
        return self._done(effect, document, written, "updated")

    def _for_people(
        self, effect: Effect, document: Document, matched: Mapping[str, Matched], header: Sequence[Difference]
    ) -> Outcome | None:
        """Return why a document waits for a person, None when it can be updated."""
        if other := [it for it in header if it.path in CURRENCIES and it.live]:
            return outcomes.other_currency(effect, other[0])
        if unclear := [name for name, lines in matched.items() if lines.is_unclear]:
            return outcomes.unclear_lines(effect, unclear)
        if came := [f"{name}.{row}" for name, lines in matched.items() for row in received(document, name, lines)]:
            return outcomes.received_lines(effect, came)
        removed = [f"{name}.{row}" for name, lines in matched.items() for row in lines.removed]
        if removed and is_confirmed(effect.memory) and not self.rules.make_deleted:
            return outcomes.removed_lines(effect, removed)
        return None

    def to_remember(self, effect: Effect) -> dict[str, Any]:
        """Return what is remembered of a document until it is delivered: what is still to be done with it."""
        due = self.actions.due(effect.table, effect.memory)
        return {"todo": due} | ({} if is_confirmed(effect.memory) else {"unfinished": True})

    # after it was written

    def _done(self, effect: Effect, document: Document, written: Written, action: str) -> Outcome:
        due = self.actions.due(effect.table, effect.memory)
        differences = [it for it in _not_kept(document, written) if not (due and it.path == HOLD)]
        outcome = self._acted(effect, document, written, due)
        if outcome.state is not State.DELIVERED:
            return outcome
        outcome = replace(outcome, action=action)
        if lost := [it for it in differences if it.path in effect.key]:
            return _key_not_kept(outcome, lost)
        park = self.rules.park_silent or any(it.path in CURRENCIES for it in differences)
        return outcomes.not_kept(outcome, differences, park=park) if differences else outcome

    def _acted(self, effect: Effect, document: Document, written: Written, due: Sequence[str]) -> Outcome:
        """Run the actions that are due; return the outcome, delivered unless one of them is not done."""
        todo = self.actions.open(due, written.record)
        memory = {"lines": (written.memory or {}).get("lines", {})}
        known: dict[str, Any] = {"target_id": written.target_id}
        for place, action in enumerate(todo):
            known["memory"] = {**memory, "todo": list(todo[place:])}
            try:
                location = self.actions.run(effect.table, str(written.target_id), action)
            except InDoubt as error:
                return outcomes.failed(effect, error, **known)
            except RecordError as error:
                return _action_failed(effect, action, error, known)
            if location is not None:
                known["memory"]["todo"] = list(todo[place + 1 :])
                words = f"{action} is under way"
                handle = {"location": location, "action": action}
                return Outcome(effect, State.SENT, handle=handle, message=words, **known)
        if todo:
            written.record = self.reader.by_id(effect.table, str(written.target_id)) or written.record
        reply = written.reply
        return Outcome(
            effect,
            State.DELIVERED,
            target_id=written.target_id,
            memory=memory,
            answered=outcomes.texts(document.values(written.record)),
            request_id=reply.request_id if reply else None,
            response=f"HTTP {reply.status}" if reply else None,
        )

    def _told(self, outcome: Outcome) -> Outcome:
        told = discreet_outcome(outcome)
        if told.state is State.DELIVERED and told.reason:
            _log.warning("%s %s: %s", told.effect.table, told.target_id, told.message)
        return told


def _items(document: Document, name: str, lines: Matched) -> Iterator[Item]:
    """Yield what has to be written of one list: lines that differ, new ones, and those to take out."""
    ours = document.lists[name]
    for row, live in lines.pairs.items():
        if document.line_differences(name, row, live):
            yield Item(name, {"id": live["id"], **ours[row]})
    yield from (Item(name, ours[row]) for row in lines.missing)
    yield from (Item(name, {"id": live["id"], "delete": True}) for live in lines.vanished.values())


def _not_kept(document: Document, written: Written) -> Iterator[Difference]:
    """Yield what the answer shows otherwise than it was sent."""
    yield from (it for it in document.header_differences(written.record) if it.shown)
    for name, lines in written.lines.items():
        yield from (Difference(f"{name}.{row}", "a line", "none", shown=True) for row in lines.missing)
        yield from (Difference(f"{name}.{row}", "none", "a line", shown=True) for row in lines.vanished)
        for row, live in lines.pairs.items():
            yield from (it for it in document.line_differences(name, row, live) if it.shown)


def _key_not_kept(outcome: Outcome, lost: Sequence[Difference]) -> Outcome:
    return replace(
        outcome,
        state=State.PARKED,
        reason="key_not_kept",
        message=f"it was saved, but without the reference it is found again by: {outcomes.differing(lost)}",
        field=lost[0].path,
        value=lost[0].sent,
        suggestion="Make the map's key a field that Acumatica keeps as it is sent, and short enough; then run again.",
    )


def _action_failed(effect: Effect, action: str, error: RecordError, known: Mapping[str, Any]) -> Outcome:
    return Outcome(
        effect,
        State.PARKED,
        reason=ACTION_FAILED,
        message=f"the document is saved, but {action} was not carried out: {error.message}",
        field=action,
        suggestion="Remove the cause in Acumatica, or take the action out of `after_create`; then run again.",
        **known,
    )


def _is(error: Exception, reason: str) -> bool:
    return isinstance(error, RecordRefused) and error.reason == reason


def is_known(memory: Mapping[str, Any] | None) -> bool:
    """Say whether the tenant has shown a document or a part of it, so that it is an update that follows."""
    return "lines" in (memory or {})


def is_confirmed(memory: Mapping[str, Any] | None) -> bool:
    """Say whether a document was delivered whole before."""
    return is_known(memory) and not (memory or {}).get("unfinished")


def _folded(effect: Effect) -> tuple[str, ...]:
    return (effect.table, *(text(value).casefold() for value in effect.key.values()))
