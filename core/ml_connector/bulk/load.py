"""What a bulk target tells its books: how it runs, which records it will not load, and which batch it has committed."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.balance import SUPERSEDED
from ml_connector.delivery.settings import EngineSettings
from ml_connector.delivery.sink import State
from ml_connector.delivery.work import UNKNOWN, Origin

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from decimal import Decimal

LOADED = "batch_loaded"
"""The event that tells of a batch; it stands under the batch's id."""

FOUND = "batch_found"
"""The same, written by a later run: the run that committed the batch died, or broke off, before it could tell."""

CHECKED = "run_checked"
"""The event by which a run tells that it looked for such batches of an earlier one; it stands under that run's id."""

BULK = "bulk"
"""What the mapping of a bulk run begins with in its line: nothing is mapped."""

OUTCOMES = (State.DELIVERED, State.UNCHANGED, SUPERSEDED)
"""What may become of a record of a batch that was committed."""


def is_bulk(mapping: str | None) -> bool:
    """Return whether a run with this mapping was a bulk run: its records have no finance words and no rows."""
    return (mapping or "").split(" ", 1)[0] == BULK


@dataclass(frozen=True, slots=True)
class BulkSettings:
    """How a bulk run is told in the store, and when it stops."""

    pipeline: str
    mapping: str = BULK
    replay: bool = False  # records that a person tries again
    replay_of: str | None = None  # the runs whose records or window this one tries again
    max_refused: int = 0  # more refused records than this stop the run; 0: never

    def as_engine(self) -> EngineSettings:
        """Return them as what every part of the delivery engine knows."""
        label = self.mapping if is_bulk(self.mapping) else f"{BULK} {self.mapping}".strip()
        return EngineSettings(self.pipeline, label, replay=self.replay, replay_of=self.replay_of)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One record that will not be loaded, and why; `company` and `currency` are those it was received under."""

    stream: str
    record: dict[str, Any]
    business_key: str
    company: str
    reason: str
    message: str
    field: str | None = None
    value: str | None = None
    suggestion: str = ""
    amount: Decimal | None = None
    currency: str | None = None
    origin: Origin = UNKNOWN
    title: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """One batch that the target has committed."""

    batch: str
    stream: str
    table: str
    staged: int
    new: int
    changed: int
    unchanged: int
    superseded: int
    deleted: int
    first_key: str | None = None
    last_key: str | None = None
    query_ids: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # of each step
    bytes: int = 0
    files: int = 0
    sums: Sequence[tuple[str, str, str, int, Decimal]] = ()  # outcome, company, currency, records, amount
    arrived: Collection[str] = ()  # business keys that were waiting for this stream and that the batch brought

    def told(self, arrived: int) -> dict[str, Any]:
        """Return what the trail keeps of it: ids, counts and keys, no value of a record (L10).

        `arrived` says how many records it brought that had waited.
        """
        names = ("stream", "table", "staged", "new", "changed", "unchanged", "superseded", "deleted")
        counts = {name: getattr(self, name) for name in names}
        keys = {"first_key": self.first_key, "last_key": self.last_key}
        counts["arrived"] = arrived
        return counts | keys | {"files": self.files, "bytes": self.bytes, "query_ids": dict(self.query_ids)}
