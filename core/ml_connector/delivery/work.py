"""One record on its way through the engine, and what is known of it from earlier runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from ml_connector.delivery.sink import NOT_SENT, OUTCOME_UNKNOWN, State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ml_connector.delivery.sink import Effect, Outcome, Problem
    from ml_connector.errors import RecordError
    from ml_connector.finance.records import CanonicalRecord
    from ml_connector.mapping.record_map import RowPlan

OPEN_STATES = (State.PARKED, State.REFUSED, State.FAILED, State.SENT, State.IN_DOUBT)
"""States in which a delivery still waits for something or someone; the next run carries them in."""

IN_FLIGHT = (State.IN_DOUBT, State.SENT)
"""States in which an attempt has no outcome yet: nothing else of the record goes out meanwhile (L3)."""

PENDING = "pending"
"""The state of an effect that is written down but whose request has not gone out."""

OLDER_VERSION_OPEN = "older_version_open"
"""Why a newer version waits: one version of a record is in flight at a time."""

_UNATTEMPTED_LAST = {OUTCOME_UNKNOWN: 0, NOT_SENT: 2, "interrupted": 2}
"""Of several rows that failed, the one that only a person may send again tells the record's cause, then one tried."""

_WORST_FIRST = (*IN_FLIGHT, State.FAILED, State.REFUSED, State.PARKED, State.DELIVERED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a record in this run, and why."""

    state: State
    reason: str = ""
    message: str = ""
    field: str | None = None
    value: str | None = None
    suggestion: str = ""
    retry_at: datetime | None = None

    @classmethod
    def of_error(cls, state: State, error: RecordError) -> Self:
        """Return the verdict that a refused or parked record carries in its error."""
        return cls(state, error.reason, error.message, error.field, error.value, error.suggestion)

    @classmethod
    def of_problem(cls, problem: Problem) -> Self:
        """Return the verdict of a row that must not be sent."""
        return cls(problem.state, problem.reason, problem.message, problem.field, problem.value, problem.suggestion)

    def columns(self) -> dict[str, str | None]:
        """Return it as columns of a delivery."""
        return {
            "reason": self.reason or None,
            "field": self.field,
            "value": self.value,
            "message": self.message or None,
            "suggestion": self.suggestion or None,
        }

    @classmethod
    def of_outcome(cls, outcome: Outcome) -> Self:
        """Return the verdict of a row that was sent."""
        told = outcome.reason, outcome.message, outcome.field, outcome.value, outcome.suggestion
        return cls(outcome.state, *told, outcome.retry_at)


class Origin(NamedTuple):
    """Where a record was read, endpoint and page, and when; a foreign tap may tell neither."""

    place: str | None
    extracted_at: str | None

    @classmethod
    def of_message(cls, message: Mapping[str, Any]) -> Self:
        """Return what a RECORD message says; a foreign tap may mean something else by a name of ours."""
        told = (message.get("origin"), message.get("time_extracted"))
        return cls(*(text if isinstance(text, str) else None for text in told))


UNKNOWN = Origin(None, None)


INTERRUPTED = Verdict(
    State.FAILED,
    "interrupted",
    "a run ended before all its rows were sent",
    suggestion="Run again: the rows that are missing are sent then.",
)


def worst(verdicts: list[Verdict]) -> Verdict:
    """Return the verdict that a delivery takes from its effects: the one that needs most attention."""
    return min(verdicts, key=lambda it: (_WORST_FIRST.index(it.state), _UNATTEMPTED_LAST.get(it.reason, 1)))


@dataclass(frozen=True, slots=True)
class KnownEffect:
    """An effect as the store has it."""

    id: int
    name: str
    state: str
    settled_hash: str | None
    remote_id: str | None
    reason: str | None
    memory: str | None  # JSON

    @property
    def never_left(self) -> bool:
        """Whether its newest content surely has not gone out, so that the target still has what it confirmed last."""
        return self.state == PENDING or (self.state == State.FAILED and self.reason == NOT_SENT)


@dataclass(slots=True)
class KnownDelivery:
    """A delivery as the store has it from earlier."""

    id: int
    state: State
    pipeline: str
    reason: str | None
    since: str
    run_outcome: str
    last_run: str
    amount: str | None
    currency: str | None
    source_hash: str
    map_version: str
    settled_source_hash: str | None
    settled_map_version: str | None
    attempts: int
    next_attempt_at: str | None
    effects: dict[str, KnownEffect] = field(default_factory=dict)

    @property
    def was_delivered(self) -> bool:
        """Whether the target has confirmed some version of it, or some row of one."""
        return self.settled_source_hash is not None or any(row.settled_hash for row in self.effects.values())

    @property
    def in_flight(self) -> bool:
        """Whether an attempt has no outcome yet."""
        return self.state in IN_FLIGHT


@dataclass(slots=True)
class Work:
    """One received record: what came, what it means, what is to be done, and how it ended."""

    stream: str
    raw: dict[str, Any]
    record: CanonicalRecord
    source_hash: str
    origin: Origin = UNKNOWN
    known: KnownDelivery | None = None
    rows: list[RowPlan] = field(default_factory=list)
    defaulted: list[str] = field(default_factory=list)
    let_go: Verdict | None = None  # what it waits for although it goes: a reference that refers back to it
    effects: list[Effect] = field(default_factory=list)  # those to send, every phase
    gone: list[str] = field(default_factory=list)  # effects whose row the source no longer has
    restored: list[Effect] = field(default_factory=list)  # rows as the target confirmed them: another never left
    verdict: Verdict | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    keep: bool = False  # its state, reason and version stay as the store has them
    recheck: bool = False  # fed again from its dead letter
    delivery_id: int = 0
    row: dict[str, Any] = field(default_factory=dict)  # the columns of its delivery, as written last
    stored: bool = False  # its outcome in this run is durable, or it needs none
    left_out: bool = False  # a rule of a map says so
    withdrawn: bool = False  # voided in the source, or gone from it, after it was stored
    sent: list[Effect] = field(default_factory=list)  # what was sent of a withdrawn record, headers first
    edited: list[str] = field(default_factory=list)  # the fields a person has changed
    outdated: list[int] = field(default_factory=list)  # dead letters of other versions, edited: void now
    adopted: str = ""  # which of the target's own rows it takes over

    @property
    def key(self) -> str:
        """The business key."""
        return self.record.business_key

    @property
    def is_open(self) -> bool:
        """Whether it has no verdict yet, nor keeps the one it had."""
        return self.verdict is None and not self.keep

    @property
    def conclusion(self) -> Verdict:
        """The verdict its outcomes amount to; rows that were never handed over are for the next run."""
        verdicts = [Verdict.of_outcome(outcome) for outcome in self.outcomes]
        arrived = all(verdict.state in (State.DELIVERED, State.SENT) for verdict in verdicts)
        if arrived and len(verdicts) < len(self.effects):
            verdicts.append(INTERRUPTED)
        found = worst(verdicts)
        if self.adopted and found.state == State.DELIVERED:
            found = replace(found, message=self.adopted)
        if self.let_go is None or found.state not in (State.DELIVERED, *IN_FLIGHT):
            return found
        return self.let_go if found.state == State.DELIVERED else replace(self.let_go, state=found.state)

    @property
    def moved(self) -> bool:
        """Whether it was delivered, or is on its way, wholly or but for a reference."""
        if self.verdict is None:
            return False
        but_for_one = self.let_go is not None and self.verdict.reason == self.let_go.reason and bool(self.outcomes)
        return but_for_one or self.verdict.state in (State.DELIVERED, State.SENT)

    def phase_of(self, effect: Effect) -> int:
        """Return the phase an effect is sent in."""
        return next(row.phase for row in self.rows if row.name == effect.name)
