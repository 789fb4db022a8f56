"""What loaders are given to do: a batch, ACTIVATE_VERSION, or a new table in the place of the old one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import stamina
from ml_connector.errors import OutOfPatience

from target_snowflake.faults import ConnectionLost
from target_snowflake.replace import activate, swap

if TYPE_CHECKING:
    from ml_connector.bulk.load import Load

    from target_snowflake.batch import Batch
    from target_snowflake.load import Loader
    from target_snowflake.shape import Shape

_TRIES = 6


@dataclass(frozen=True, slots=True)
class LoadTask:
    """A batch to load."""

    batch: Batch

    @property
    def stream(self) -> str:
        """Its stream."""
        return self.batch.shape.stream

    @property
    def first(self) -> int:
        """The number of its first record."""
        return self.batch.first

    def carry_out(self, loader: Loader) -> Load:
        """Load the batch, on a new session when one is lost; a batch whose commit was in doubt is looked up first.

        Raises:
            OutOfPatience: Every session was lost; nothing is lost.
        """
        try:
            for attempt in stamina.retry_context(on=ConnectionLost, attempts=_TRIES, wait_initial=0.2, wait_max=30):
                with attempt:
                    return self._once(loader, again=attempt.num > 1)
        except ConnectionLost as lost:
            raise OutOfPatience(
                f"{lost} Batch {self.batch.id} was tried {_TRIES} times. STATE has not passed it: run again later."
            ) from lost
        raise AssertionError  # stamina returns or raises

    def _once(self, loader: Loader, *, again: bool) -> Load:
        if again:
            loader.session.reopen()
            if (load := loader.found(self.batch)) is not None:
                return load
        return loader.load(self.batch)


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

    def carry_out(self, loader: Loader) -> Load:
        """Delete, or mark as deleted, the rows of other versions."""
        return activate(loader, self.shape, self.version, self.id)


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

    def carry_out(self, loader: Loader) -> Load:
        """Put the new table in the place of the old."""
        return swap(loader, self.shape, self.id, self.complete)
