"""What a target connector implements: the sink, and the plain values it exchanges with the engine.

The engine owns order, batching, hashes, the outbox and states. A sink only knows its vendor: how to read its
live identity, hand over rows, read outcomes back, and look rows up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from ml_connector.delivery import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from ml_connector.http import Client
    from ml_connector.mapping.target_map import TargetMap

Row = dict[str, Any]
Key = tuple[str, ...]


class State(StrEnum):
    """The states of a delivery and of its effects (DESIGN §3)."""

    DELIVERED = "delivered"
    UNCHANGED = "unchanged"
    SENT = "sent"
    PARKED = "parked"
    REFUSED = "refused"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    SKIPPED = "skipped"
    WAIVED = "waived"


NOT_SENT = "not_sent"
"""Why a row is `failed` that never went out, because the run stopped before: no attempt, and never in doubt."""

OUTCOME_UNKNOWN = "outcome_unknown"
"""Why a row is `failed` that went out and of which the target tells nothing any more: only a person re-sends it."""


TARGET_REPORTED = "target_reported_error"
"""Why a delivery is open again: the target complains later of a row that it had confirmed."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which system the target really is, read live (re-pointing sends again, renaming does not).

    `id` is stable and unique per instance (host or instance id, company, account); `label` is for people.
    """

    id: str
    label: str
    company: str | None = None  # what `_company` says when a tap reads this system: our own rows are known by it


@dataclass(frozen=True, slots=True)
class Effect:
    """One target row that a delivery brings about: a header, a line, a tax line."""

    id: int  # the outbox row's id in the store
    business_key: str  # of the delivery it belongs to
    name: str  # 'header', 'line:3'; unique within the delivery
    table: str
    via: str  # how the table is written, a word of the connector's own ('import_set', 'table')
    key: dict[str, str]  # the columns and values that identify the row in the target
    payload: dict[str, Any]  # every column to send, the key's included
    target_id: str | None = None  # known from an earlier delivery
    handle: dict[str, Any] | None = None  # what `settle` needs to read an asynchronous outcome
    memory: dict[str, Any] | None = None  # what an earlier outcome told to keep, such as the ids of its lines
    sent_at: datetime | None = None  # not later than the newest attempt went out (UTC), None if none did
    lost_at: datetime | None = None  # not earlier than it went out: absence is believed this long after (L3)
    content_hash: str = ""  # of the columns the source owns; the engine's business


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one effect. `state` is delivered, sent, parked, refused, failed or in_doubt."""

    effect: Effect
    state: State
    action: str = ""  # 'created', 'updated', 'unchanged' as the target told it
    target_id: str | None = None
    handle: dict[str, Any] | None = None
    reason: str = ""  # stable code, e.g. 'reference_not_found'
    message: str = ""
    field: str | None = None
    value: str | None = None
    suggestion: str = ""
    retry_at: datetime | None = None
    request_id: str | None = None
    response: str | None = None  # the response's status as people know it: 'HTTP 201'
    answered: Mapping[str, str] | None = None  # columns as the target told them, such as its number
    memory: dict[str, Any] | None = None  # kept until another outcome tells otherwise


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an effect must not be sent, found before any write (L4)."""

    reason: str
    message: str
    field: str | None = None
    value: str | None = None
    suggestion: str = ""
    state: State = State.REFUSED


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `ping`: what was tried, whether it may be done, and what to do if not."""

    name: str
    ok: bool
    detail: str = ""
    suggestion: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


class Sink(ABC):
    """The vendor's half of a target."""

    reviews: ClassVar[bool] = False
    """Whether the target tells of trouble later, cheaply enough to be asked at the start of every run."""

    orders_phases: ClassVar[bool] = False
    """Whether rows handed over later never take effect before those handed over earlier, even if both are `sent`.

    Else the lines of a document wait until the outcome of its header is known.
    """

    @abstractmethod
    def identity(self) -> Identity:
        """Read who the target is, live. Raises AuthError, Unreachable."""

    @abstractmethod
    def prepare(self, target_map: TargetMap) -> None:
        """Check, before the first record, that every table and column the map names can be written.

        Raises ConfigError naming every missing table, column, key and what to do. Called once per run.
        """

    @abstractmethod
    def check(self, effect: Effect) -> Problem | None:
        """Return why this row must not be sent (too long, not representable), or None."""

    @abstractmethod
    def send(self, effects: Sequence[Effect]) -> Iterable[Outcome]:
        """Write rows, any number, possibly of several tables; yield exactly one outcome for each, in any order.

        Effects of one call do not depend on each other. Never raises for a single row's trouble; raises AuthError,
        OutOfPatience or Unreachable when no further row can be sent (rows without an outcome then stay in doubt
        if their request went out; the others are `failed` with reason NOT_SENT: yield those outcomes before raising).
        """

    @abstractmethod
    def settle(self, effects: Sequence[Effect], *, wait: bool) -> Iterable[Outcome]:
        """Learn what became of rows that are `sent` or `in_doubt`, without writing anything.

        With `wait`, poll until outcomes are there or the connector's patience ends, and yield each as soon as it is
        known; rows still unknown are yielded unchanged. An in-doubt row that is absent from the target is `failed` (may
        be sent again) only when `lost_at` is older than the connector's settle window (L3).
        """

    @abstractmethod
    def lookup(
        self, table: str, key_columns: Sequence[str], keys: Sequence[Key], columns: Sequence[str]
    ) -> dict[Key, list[Row]]:
        """Return the live rows of `table` whose `key_columns` equal one of `keys`, with `columns` and 'id' as text."""

    def ask_before_writing(self, permit: Callable[[], None]) -> None:
        """Take what is to be called right before each request that writes; it raises when nothing more may go out.

        A sink without a client of ours must see to it itself, else it may write a batch to its end after another
        process has taken its pipeline.
        """
        if self.client is not None:
            self.client.before_write = permit

    def reread(self, effects: Sequence[Effect]) -> Iterable[reading.Reading]:
        """Compare delivered rows with what the target shows now; nothing is written. Raises AuthError, Unreachable.

        A sink whose rows end elsewhere than in the table they were sent to, or whose values have a form of their own,
        says so itself.
        """
        return reading.by_key(self, effects)

    def review(self, effects: Sequence[Effect]) -> Iterable[Outcome]:
        """Yield rows the target complains of though it had confirmed them (`refused` or `parked`, TARGET_REPORTED).

        Those with a handle were complained of before: yield `delivered` for each of them that is well now. The
        effects come without payload; rows of which nothing is to be told are not yielded.
        """
        del effects
        return ()

    def hurry(self) -> None:  # noqa: B027  one without waits has nothing to end
        """Let every wait end at once by raising OutOfPatience: the run is to end.

        A signal handler calls it, at any moment: it may set a flag and must take no lock.
        """

    def close(self) -> None:  # noqa: B027  one without a session has nothing to end
        """End the session with the target, if it holds one; called once, however a run ends, and raises nothing."""

    @property
    def client(self) -> Client | None:
        """The HTTP client of this sink, for what `ping` tells of the connection; None when it has none."""
        return None

    def ping(self, target_map: TargetMap | None = None) -> Iterable[Check]:
        """Say, permission by permission, whether this target can do its work, with a map whether it may write its rows.

        Nothing is written. Raises AuthError, Unreachable when there is nothing more to ask.
        """
        del target_map
        identity = self.identity()
        yield Check("sign in", ok=True, detail=identity.label)
