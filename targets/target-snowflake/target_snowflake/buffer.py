"""One stream's records between their lines and their batch: a stretch in memory, the rest in files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from target_snowflake.batch import Batch
from target_snowflake.columns import Kind
from target_snowflake.group import Pending, sums
from target_snowflake.spill import Spill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import msgspec

    from target_snowflake.columns import Column
    from target_snowflake.group import Group, Reading, Refused, Sums
    from target_snowflake.lines import Envelope
    from target_snowflake.shape import Shape
    from target_snowflake.spill import SpillOptions


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every stream of a run shares: where files go, what batches are called, and who is told of records."""

    spill: SpillOptions
    batch_id: Callable[[], str]
    now: Callable[[], str]
    received: Callable[[Shape, Sums], None]
    refused: Callable[[Shape, list[Refused], Pending], None]
    arrived: Callable[[Shape, Sequence[msgspec.Raw]], frozenset[str]]  # of these, those that wait as dead letters


@dataclass(slots=True)
class _Open:
    """The batch that is being filled."""

    id: str
    spill: Spill
    received_at: str
    exact: dict[str, Column] = field(default_factory=dict)
    rows: int = 0
    size: int = 0
    sums: Sums = field(default_factory=dict)
    folded: Sums = field(default_factory=dict)
    ends: list[Any] = field(default_factory=list)
    arrived: set[str] = field(default_factory=set)
    partial: bool = False


class Buffer:
    """Fills batches of one stream."""

    def __init__(self, reading: Reading, around: Surroundings) -> None:
        self.reading = reading
        self._around = around
        self._pending = Pending()
        self._open: _Open | None = None
        self._first: int | None = None  # of the records that are in no closed batch

    @property
    def shape(self) -> Shape:
        """The stream."""
        return self.reading.shape

    @property
    def first(self) -> int | None:
        """The number of the first record that waits here, None when none does."""
        return self._first

    @property
    def pending(self) -> Pending:
        """The records in memory."""
        return self._pending

    @property
    def rows(self) -> int:
        """How many records wait here."""
        return len(self._pending.raws) + (self._open.rows if self._open else 0)

    @property
    def size(self) -> int:
        """How many bytes of records wait here."""
        return self._pending.size + (self._open.size if self._open else 0)

    def add(self, messages: Sequence[Envelope], first: int) -> None:
        """Take records, the first of which has this number."""
        pending = self._pending
        raws = [message.record for message in messages]
        pending.raws += raws
        pending.numbers += range(first, first + len(messages))
        pending.extracted += [message.time_extracted for message in messages]
        pending.versions += [message.version for message in messages]
        pending.origins += [message.origin for message in messages]
        pending.size += sum(map(len, raws))
        if self._first is None:
            self._first = first

    def write(self) -> Iterator[Batch]:
        """Put the records in memory into files.

        A stretch with partial records is a batch of its own, in which every key is once: what was stored is needed to
        make its rows whole.

        Raises:
            MissingKey: A record lacks a key property.
            EnvironmentFault: The disk is full.
        """
        pending, self._pending = self._pending, Pending()
        if not pending.raws:
            return
        group = self.reading.group(pending)
        self._around.received(self.shape, group.received)
        if group.refused:
            self._around.refused(self.shape, group.refused, pending)
        if group.partial and self._open is not None:
            yield self._close(pending.numbers[0])
        if group.table.num_rows:
            self._append(group, pending)
        if group.partial and self._open is not None:
            yield self._close(None)
        if self._open is None:
            self._first = None  # all refused, and kept

    def close(self) -> Iterator[Batch]:
        """Put everything into files and end the batch."""
        yield from self.write()
        if self._open is not None:
            yield self._close(None)

    def _append(self, group: Group, pending: Pending) -> None:
        if self._open is None:
            name = self._around.batch_id()
            self._open = _Open(name, Spill(self._around.spill, name), self._around.now())
        batch = self._open
        batch.spill.write(group.table)
        batch.exact |= {column.name: column for column in group.exact}
        batch.rows += group.table.num_rows
        batch.size += pending.size
        batch.partial |= group.partial
        _add(batch.sums, sums(group.table, self.shape))
        _add(batch.folded, group.folded)
        batch.ends += _ends(group.table, self.shape)
        batch.arrived |= self._around.arrived(self.shape, [pending.raws[place] for place in group.places])

    def _close(self, rest: int | None) -> Batch:
        """End the open batch; `rest` is the number of the first record that is not in it."""
        batch, self._open = self._open, None
        assert batch is not None  # noqa: S101  # for mypy
        files = batch.spill.close()
        first = self._first or 0
        self._first = rest  # not before the files are whole: STATE must not pass what a full disk has swallowed
        ends = (str(min(batch.ends)), str(max(batch.ends))) if batch.ends else (None, None)
        return Batch(
            id=batch.id,
            shape=self.shape,
            exact=tuple(batch.exact.values()),
            partial=batch.partial,
            files=files,
            rows=batch.rows,
            bytes=batch.spill.size,
            sums=batch.sums,
            folded=batch.folded,
            first=first,
            first_key=ends[0],
            last_key=ends[1],
            received_at=batch.received_at,
            arrived=frozenset(batch.arrived),
        )


def _add(into: Sums, more: Sums) -> None:
    for key, (count, amount) in more.items():
        before = into.get(key)
        into[key] = (count, amount) if before is None else (before[0] + count, before[1] + amount)


def _ends(table: pa.Table, shape: Shape) -> list[Any]:
    """Return the smallest and the largest key of a stretch, the company left out."""
    keys = [column for column in shape.keys if column is not shape.company]
    if not keys or not table.num_rows:
        return []
    if len(keys) == 1 and keys[0].type.kind in (Kind.INTEGER, Kind.NUMBER, Kind.TEXT):
        values = table[keys[0].name]
    elif any(column.type.kind == Kind.BINARY for column in keys):
        return []  # not to be told as text
    else:
        texts = [table[column.name].cast(pa.string()) for column in keys]
        values = pc.binary_join_element_wise(*texts, "/")
    found = pc.min_max(values).as_py()
    return [found["min"], found["max"]]
