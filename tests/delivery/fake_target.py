"""A target in memory that keeps rows by key, counts what it is sent, and fails on demand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.sink import Effect, Identity, Key, Outcome, Problem, Row, Sink, State
from ml_connector.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours may catch it."""


def name_of(effect: Effect) -> str:
    """Return what counts a row's writes."""
    return f"{effect.business_key}#{effect.name}"


@dataclass
class Server:
    """What survives the target process: the rows, and how often each was written."""

    tables: dict[str, dict[tuple[tuple[str, str], ...], Row]] = field(default_factory=dict)
    writes: Counter[str] = field(default_factory=Counter)
    repeats: Counter[str] = field(default_factory=Counter)  # writes that changed nothing, and could have been known to
    unsure: set[str] = field(default_factory=set)  # rows of which a write was lost: sending again makes sure
    masters: dict[str, list[Row]] = field(default_factory=dict)
    next_id: int = 0

    def write(self, effect: Effect) -> tuple[str, str]:
        rows = self.tables.setdefault(effect.table, {})
        key = tuple(sorted(effect.key.items()))
        action = "updated" if key in rows else "created"
        if key not in rows:
            self.next_id += 1
            rows[key] = {"id": f"id{self.next_id}"}
        name = name_of(effect)
        self.writes[name] += 1
        self.repeats[name] += rows[key].items() >= effect.payload.items() and name not in self.unsure
        self.unsure.discard(name)
        rows[key] |= effect.payload
        return rows[key]["id"], action

    def row(self, effect: Effect) -> Row | None:
        return self.tables.get(effect.table, {}).get(tuple(sorted(effect.key.items())))

    def count(self, table: str) -> int:
        return len(self.tables.get(table, {}))


@dataclass
class FakeSink(Sink):
    server: Server
    name: str = "fake-1"
    settle_window: timedelta = timedelta(0)
    asynchronous: bool = False
    refuse: dict[str, str] = field(default_factory=dict)  # business key → reason
    lose: set[str] = field(default_factory=set)  # business keys whose answer is lost after the write
    swallow: set[str] = field(default_factory=set)  # whose request is lost before the write
    fail: set[str] = field(default_factory=set)
    die_at: int | None = None  # raise Killed at this step
    down_after: int | None = None
    too_long: set[str] = field(default_factory=set)
    before_send: Callable[[Sequence[Effect]], None] | None = None
    step: int = 0
    sent: list[Effect] = field(default_factory=list)
    lookups: int = 0
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def _tick(self) -> None:
        self.step += 1
        if self.die_at is not None and self.step >= self.die_at:
            raise Killed

    def identity(self) -> Identity:
        return Identity(self.name, self.name)

    def prepare(self, target_map: Any) -> None:
        assert target_map.tables

    def check(self, effect: Effect) -> Problem | None:
        if effect.business_key in self.too_long:
            return Problem("too_long", "the title is longer than the column", field="title")
        return None

    def send(self, effects: Sequence[Effect]) -> Iterable[Outcome]:
        if self.before_send:
            self.before_send(effects)
        for effect in effects:
            self._tick()
            if self.down_after is not None and len(self.sent) >= self.down_after:
                self.server.unsure.update(map(name_of, effects))
                raise Unreachable("the fake target is down")
            self.sent.append(effect)
            yield self._one(effect)
            self._tick()

    def _one(self, effect: Effect) -> Outcome:
        key = effect.business_key
        if key in self.swallow:
            self.server.unsure.add(name_of(effect))
            return Outcome(effect, State.IN_DOUBT, reason="lost_answer")
        if key in self.fail:
            return Outcome(effect, State.FAILED, reason="busy", message="try later")
        if key in self.refuse:
            return Outcome(effect, State.REFUSED, reason=self.refuse[key], message="no")
        remote_id, action = self.server.write(effect)
        self._tick()
        if key in self.lose:
            return Outcome(effect, State.IN_DOUBT, reason="lost_answer")
        if self.asynchronous:
            return Outcome(effect, State.SENT, handle={"import": remote_id})
        return Outcome(effect, State.DELIVERED, action=action, target_id=remote_id)

    def settle(self, effects: Sequence[Effect], *, wait: bool) -> Iterable[Outcome]:
        for effect in effects:
            row = self.server.row(effect)
            if effect.handle and not wait:
                yield Outcome(effect, State.SENT, handle=effect.handle)
            elif row is not None and row.items() >= effect.payload.items():
                yield Outcome(effect, State.DELIVERED, action="found", target_id=row["id"])
            elif effect.lost_at is None or self.now() - effect.lost_at < self.settle_window:
                yield Outcome(effect, State.IN_DOUBT, reason="too_early")
            else:
                yield Outcome(effect, State.FAILED, reason="absent", message="it never arrived")

    def lookup(
        self, table: str, key_columns: Sequence[str], keys: Sequence[Key], columns: Sequence[str]
    ) -> dict[Key, list[Row]]:
        self.lookups += 1
        found: dict[Key, list[Row]] = {}
        for row in [*self.server.masters.get(table, []), *self.server.tables.get(table, {}).values()]:
            key = tuple(str(row.get(column)) for column in key_columns)
            if key in keys:
                found.setdefault(key, []).append(row)
        return found
