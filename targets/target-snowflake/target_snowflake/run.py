"""One run: lines in, batches out, STATE when everything before it is in Snowflake or kept as a dead letter (L1)."""

from __future__ import annotations

import gc
import time
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec
from ml_connector.errors import BadInput, ConfigError
from ml_connector.store.text import stamp, utc_now
from singer_sdk.exceptions import RecordsWithoutSchemaException

from target_snowflake.bookkeeping import Bookkeeping
from target_snowflake.buffer import Buffer, Surroundings
from target_snowflake.decode import Decoder, plain
from target_snowflake.group import Reading
from target_snowflake.holding import HoldTask
from target_snowflake.lines import Envelope, decode_lines, envelope
from target_snowflake.shape import Shape
from target_snowflake.states import States
from target_snowflake.tasks import ActivateTask, LoadTask, SwapTask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ml_connector.bulk.books import BulkBooks
    from ml_connector.delivery.report import RunReport

    from target_snowflake.batch import Batch
    from target_snowflake.columns import TypeRules
    from target_snowflake.crew import Crew, Done, Task
    from target_snowflake.planning import PlanBooks
    from target_snowflake.spill import SpillOptions

_KIND, _RECORD = attrgetter("type", "stream"), attrgetter("record")
_GROUP_ROWS, _GROUP_BYTES = 25_000, 16_000_000
_MOST_PENDING = 48_000_000
"""Bytes of records in memory, all streams together."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How records become batches."""

    spill: SpillOptions
    rules: TypeRules
    batch_rows: int = 100_000
    batch_bytes: int = 500_000_000
    batch_seconds: float = 60.0
    whole: bool = False
    evolve: bool = True
    zone: str = "UTC"
    overwrite: bool = False
    mapped: bool = False  # by stream maps: what the tap counted is not what came
    backlog: int = 8  # batches that wait or are under way


@dataclass(slots=True)
class _Stream:
    """What is known of a stream."""

    buffer: Buffer
    message: tuple[object, ...]  # its newest SCHEMA, to tell a repeated one
    since: float = 0.0  # when its open batch began
    held: int | None = None  # the first record that is committed beside its table only


class NoSchema(BadInput, RecordsWithoutSchemaException):
    """A record came before its stream was described."""


class Run:
    """Takes Singer lines and settles them."""

    def __init__(
        self, options: RunOptions, books: BulkBooks | PlanBooks, crew: Crew, emit: Callable[[str], None]
    ) -> None:
        """Take the parts; `emit` is given each STATE that may pass, as JSON."""
        self._options = options
        self._book = Bookkeeping(books)
        self._crew = crew
        self._emit = emit
        self._streams: dict[str, _Stream] = {}
        self._states = States()
        self._undone: list[int] = []  # the first records of tasks that failed, or that nobody begins any more
        self._number = 0
        self._lines = 0
        self._batches = 0
        self._pending = 0
        stretches = max(1, -(-options.batch_rows // _GROUP_ROWS))
        self._group_rows = -(-options.batch_rows // stretches)  # so that a batch ends where it is to end
        self._around = Surroundings(
            spill=options.spill,
            batch_id=self._batch_id,
            now=lambda: stamp(utc_now()),
            received=self._book.received,
            refused=self._book.refused,
            arrived=self._book.arrived,
        )

    # lines

    def take(self, lines: Sequence[bytes]) -> Counter[str]:
        """Take lines as they came, and return the kinds of messages they were.

        Raises:
            BadInput: One is not a Singer message; what came before it is settled or read again.
        """
        records, others = self._number, Counter[str]()
        for (kind, name), together in groupby(self._messages(lines), _KIND):
            if kind == "RECORD":
                self._records(name, list(together))
                continue
            for message in together:
                self._lines += 1
                others[kind] += 1
                self._other(message)
        others["RECORD"] = self._number - records
        return others

    def _messages(self, lines: Sequence[bytes]) -> Iterable[Envelope]:
        """Return lines as messages: all at once; one after the other when some are blank or none."""
        try:
            messages = decode_lines(b"\n".join(lines))
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
            messages = []
        return messages if len(messages) == len(lines) else self._one_by_one(lines)

    def _one_by_one(self, lines: Iterable[bytes]) -> Iterator[Envelope]:
        for number, line in enumerate(lines, self._lines + 1):
            if line.strip():
                yield envelope(line, number)
            else:
                self._lines += 1

    def _records(self, name: str | None, messages: list[Envelope]) -> None:
        """Take records of one stream, stretch by stretch."""
        stream = self._streams.get(name or "")
        while messages:
            if stream is None or not len(messages[0].record):
                self._lines += 1
                raise self._without(messages[0])
            room = self._group_rows - len(stream.buffer.pending.raws)
            taken, messages = messages[:room], messages[room:]
            if not all(map(len, map(_RECORD, taken))):
                empty = next(place for place, each in enumerate(taken) if not len(each.record))
                taken, messages = taken[:empty], taken[empty:]
            self._buffer(stream, taken)

    def _buffer(self, stream: _Stream, messages: list[Envelope]) -> None:
        buffer = stream.buffer
        if buffer.first is None:
            stream.since = time.monotonic()
        before = buffer.pending.size
        buffer.add(messages, self._number + 1)
        self._number += len(messages)
        self._lines += len(messages)
        pending = buffer.pending
        self._pending += pending.size - before
        if len(pending.raws) >= self._group_rows or pending.size >= _GROUP_BYTES:
            self._write(stream)
        elif self._pending > _MOST_PENDING:
            self._write(max(self._streams.values(), key=lambda each: each.buffer.pending.size))

    def _without(self, message: Envelope) -> BadInput:
        if not message.stream:
            return BadInput(f"line {self._lines}: a {message.type} message lacks its stream. Check the tap.")
        if message.stream not in self._streams:
            return NoSchema(f"a record of stream {message.stream!r} arrived before its SCHEMA message. Check the tap.")
        return BadInput(f"line {self._lines}: a RECORD of stream {message.stream!r} lacks its record. Check the tap.")

    def _other(self, message: Envelope) -> None:
        match message.type:
            case "SCHEMA":
                self._schema(message)
            case "STATE":
                self._state(message)
            case "ACTIVATE_VERSION":
                self._activate(message)
            case "BATCH":
                raise BadInput(
                    f"stream {message.stream!r} comes as BATCH files, which this target does not read. Turn the tap's "
                    "`batch_config` off."
                )
            case _:
                raise BadInput(f"line {self._lines}: there is no Singer message {message.type[:40]!r}. Check the tap.")

    # SCHEMA, STATE, ACTIVATE_VERSION

    def _schema(self, message: Envelope) -> None:
        name = message.stream
        known = self._streams.get(name or "")
        newest = (bytes(message.schema), message.key_properties, message.bookmark_properties)
        if known is not None and known.message == newest:
            return
        told = {
            "stream": name,
            "schema": plain(message.schema) if len(message.schema) else None,
            "key_properties": message.key_properties or [],
            "bookmark_properties": message.bookmark_properties,
        }
        shape = Shape.of(told, self._options.rules, whole=self._options.whole)
        self._check_table(shape)
        if known is not None:
            self._close(known)
        decoder = Decoder(shape.stream, shape.columns)
        reading = Reading(shape, decoder, self._options.zone, self._options.evolve)
        held = known.held if known else None
        self._streams[shape.stream] = _Stream(Buffer(reading, self._around), newest, held=held)
        self._book.stream(shape, decoder)

    def _check_table(self, shape: Shape) -> None:
        others = (each.buffer.shape for each in self._streams.values())
        other = next(
            (each.stream for each in others if each.table == shape.table and each.stream != shape.stream), None
        )
        if other is not None:
            raise ConfigError(
                f"the streams {other!r} and {shape.stream!r} would both be loaded into the table {shape.table}. Rename "
                "one with Meltano's stream maps, or load them into different schemas."
            )

    def _state(self, message: Envelope) -> None:
        if not len(message.value):
            raise BadInput(f"line {self._lines}: a STATE message lacks its value. Check the tap.")
        value = bytes(message.value)
        if not self._options.mapped:
            self._book.totals.told(plain(value))
        self._states.add(self._number, value.decode("utf-8", "replace"))
        self.settle()

    def _activate(self, message: Envelope) -> None:
        if not message.stream or message.version is None:
            raise BadInput(f"line {self._lines}: an ACTIVATE_VERSION lacks its stream or its version. Check the tap.")
        stream = self._streams.get(message.stream)
        if stream is None or self._options.overwrite:
            return  # nothing of it came, so nothing is older; or the whole table is replaced anyway
        self._close(stream)
        self._number += 1  # so that STATE behind it waits for it
        self._submit(ActivateTask(stream.buffer.shape, message.version, self._number, self._batch_id()))

    # batches

    def tick(self) -> None:
        """End batches that are old enough, and take in what loaders have done."""
        now = time.monotonic()
        for stream in self._streams.values():
            if stream.buffer.first is not None and now - stream.since >= self._options.batch_seconds:
                self._close(stream)
        self.settle()

    def _write(self, stream: _Stream) -> None:
        buffer = stream.buffer
        self._pending -= buffer.pending.size
        self._submit_all(buffer.write())
        if buffer.rows >= self._options.batch_rows or buffer.size >= self._options.batch_bytes:
            self._close(stream)

    def _close(self, stream: _Stream) -> None:
        self._pending -= stream.buffer.pending.size
        self._submit_all(stream.buffer.close())
        gc.collect()  # the collector is off while records are read

    def _submit_all(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            batch.state = self._states.newest
            if self._options.overwrite:
                stream = self._streams[batch.shape.stream]
                stream.held = batch.first if stream.held is None else stream.held
            self._submit(LoadTask(batch, self._options.spill))

    def _submit(self, task: Task) -> None:
        self._states.batch_closed()
        self._crew.submit(task)
        while len(self._crew) >= self._options.backlog:
            self.settle(wait=True)

    def settle(self, *, wait: bool = False) -> None:
        """Take in what loaders have done, and let STATE pass.

        Raises:
            ConnectorError: A loader's error; what the others have done is taken in first.
        """
        errors = [done.error for done in self._crew.done(wait=wait) if not self._take_in(done)]
        self._pass()
        for error in errors:
            if error is not None:
                raise error

    def _take_in(self, done: Done) -> bool:
        """Return whether a task was done; until that is in the books, STATE does not pass what it was to settle."""
        self._undone.append(done.task.first)
        if done.error is not None:
            return False
        self._write_down(done)
        self._undone.pop()
        return True

    def _write_down(self, done: Done) -> None:
        if isinstance(done.task, HoldTask):
            if done.result is not None:
                self._book.books.holds(done.result)
            return
        if isinstance(done.task, LoadTask):
            for path in done.task.batch.files:
                path.unlink(missing_ok=True)
        if isinstance(done.task, SwapTask):
            self._streams[done.task.stream].held = None
        self._book.loaded(done.result, done.task.batch if isinstance(done.task, LoadTask) else None)

    def _pass(self) -> None:
        firsts = [stream.buffer.first for stream in self._streams.values()]
        firsts += [stream.held for stream in self._streams.values()] + [self._crew.first, *self._undone]
        unsettled = min((first for first in firsts if first is not None), default=None)
        if (text := self._states.passing(unsettled)) is not None:
            self._book.books.passed(text)
            self._emit(text)

    # the end

    def finish(self) -> RunReport:
        """Settle everything, strike the balance, and close the run."""
        for stream in list(self._streams.values()):
            self._close(stream)
        self._drain()
        if self._options.overwrite:
            for name, stream in self._streams.items():
                first = stream.held or self._number + 1
                complete = self._book.totals.complete(name)
                self._submit(SwapTask(stream.buffer.shape, first, self._batch_id(), complete))
            self._drain()
        for name, companies in self._book.companies.items():
            self._submit(HoldTask(self._streams[name].buffer.shape, sorted(companies), self._number + 1))
        self._drain()
        return self._book.books.finish(self._book.totals)

    def _drain(self) -> None:
        while len(self._crew):
            self.settle(wait=True)

    def abort(self, message: str, exit_code: int) -> None:
        """Close a run that could not go on: what loaders are at is taken in, the rest is read again."""
        self._undone += self._crew.give_up()
        while len(self._crew):
            for done in self._crew.done(wait=True):
                self._take_in(done)
        self._pass()
        self._book.books.abort(message, exit_code)

    # records

    def _batch_id(self) -> str:
        self._batches += 1
        return f"{self._book.books.run_id}-{self._batches:05}"
