"""What loaders are given to do: a batch, ACTIVATE_VERSION, or a new table in the place of the old one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from target_snowflake.faults import BatchRefused
from target_snowflake.isolate import MOST_REFUSED, halves, record_of
from target_snowflake.patience import patiently
from target_snowflake.replace import activate, swap, swapped

if TYPE_CHECKING:
    from ml_connector.bulk.load import Load

    from target_snowflake.batch import Batch
    from target_snowflake.load import Loader
    from target_snowflake.shape import Shape
    from target_snowflake.spill import SpillOptions


class Outcome(NamedTuple):
    """What a task came to: batches that were loaded, and records that Snowflake refused."""

    loads: list[Load]
    refused: list[tuple[dict[str, Any], BatchRefused]]


@dataclass(frozen=True, slots=True)
class LoadTask:
    """A batch to load."""

    batch: Batch
    spill: SpillOptions

    @property
    def stream(self) -> str:
        """Its stream."""
        return self.batch.shape.stream

    @property
    def first(self) -> int:
        """The number of its first record."""
        return self.batch.first

    def carry_out(self, loader: Loader) -> Outcome:
        """Load the batch; rows that only Snowflake refuses are set aside, when they are few.

        Raises:
            OutOfPatience: Every session was lost; nothing is lost.
            BatchRefused: Many rows are refused.
        """
        outcome = Outcome([], [])
        self._load(loader, self.batch, outcome)
        return outcome

    def _load(self, loader: Loader, batch: Batch, outcome: Outcome) -> None:
        try:
            outcome.loads.append(self._patiently(loader, batch))
        except BatchRefused as refused:
            if batch.rows == 1:
                outcome.refused.append((record_of(batch), refused))
                if len(outcome.refused) <= MOST_REFUSED:
                    return
                raise
            for half in halves(batch, self.spill):
                self._load(loader, half, outcome)
                for path in half.files:
                    path.unlink(missing_ok=True)

    def _patiently(self, loader: Loader, batch: Batch) -> Load:
        """Load a batch, on a new session when one is lost; one whose commit was in doubt is looked up first."""

        def step(again: bool) -> Load:
            if again and (load := loader.found(batch)) is not None:
                return load
            return loader.load(batch)

        return patiently(loader.session, step, f"Batch {batch.id}")


@dataclass(frozen=True, slots=True)
class ActivateTask:
    """ACTIVATE_VERSION: rows of other versions are gone in the source."""

    shape: Shape
    version: int
    first: int
    id: str

    @property
    def stream(self) -> str:
        """Its stream."""
        return self.shape.stream

    def carry_out(self, loader: Loader) -> Outcome:
        """Delete, or mark as deleted, the rows of other versions."""
        if loader.plans:
            return Outcome([], [])

        def step(again: bool) -> Load:
            return activate(loader, self.shape, self.version, self.id, again=again)

        return Outcome([patiently(loader.session, step, f"ACTIVATE_VERSION of {self.stream}")], [])


@dataclass(frozen=True, slots=True)
class SwapTask:
    """A stream that was loaded beside its table takes its place."""

    shape: Shape
    first: int
    id: str
    complete: bool | None  # whether the tap says that it read the stream to its end; None: it says nothing

    @property
    def stream(self) -> str:
        """Its stream."""
        return self.shape.stream

    def carry_out(self, loader: Loader) -> Outcome:
        """Put the new table in the place of the old."""
        if loader.plans:
            return Outcome([], [])

        def step(again: bool) -> Load:
            if again and (load := swapped(loader, self.shape, self.id)) is not None:
                return load
            return swap(loader, self.shape, self.id, self.complete)

        return Outcome([patiently(loader.session, step, f"The table of {self.stream}")], [])
