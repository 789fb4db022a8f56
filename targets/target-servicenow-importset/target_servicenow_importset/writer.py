"""From effects to calls: which mode writes a table, how rows are cut into calls, which calls run at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from ml_connector.delivery.sink import State
from ml_connector.errors import ConfigError, ConnectorError, Forbidden

from target_servicenow_importset.ap_invoices.document import AP_INVOICE_API
from target_servicenow_importset.importset import import_call
from target_servicenow_importset.outcomes import same_key
from target_servicenow_importset.parallel import in_parallel
from target_servicenow_importset.preflight import IMPORT_SET, TABLE
from target_servicenow_importset.rows import Namesakes, chunks, waves
from target_servicenow_importset.settle import grouped
from target_servicenow_importset.transforms import KeyStyle

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from ml_connector.delivery.sink import Effect, Outcome

    from target_servicenow_importset.ap_invoices.sender import Sender
    from target_servicenow_importset.calls import Call, Caller
    from target_servicenow_importset.importset import InsertMultiple
    from target_servicenow_importset.rows import Rows
    from target_servicenow_importset.settle import Settler
    from target_servicenow_importset.tableapi import TableApi
    from target_servicenow_importset.transforms import Transforms


class Mode(StrEnum):
    """How staging rows are written."""

    AUTO = "auto"
    BATCH = "batch"
    INSERT_MULTIPLE = "insert_multiple"
    SINGLE = "single"


# 50 posts stay well inside the 30 s of a Batch call, 200 inside the 60 s of a synchronous insertMultiple
# (apis/servicenow.md §2.4, §3.1, §4).
BATCH_SIZES = {Mode.BATCH: 50, Mode.INSERT_MULTIPLE: 200, Mode.SINGLE: 1}
LOOK_UP_SIZE = 50  # rows of `via: table` looked up together


@dataclass(slots=True)
class Writer:
    """Sends effects."""

    caller: Caller
    rows: Rows
    table_api: TableApi
    insert_multiple: InsertMultiple
    transforms: Transforms
    settler: Settler
    documents: Sender
    mode: Mode
    key_style: KeyStyle
    batch_size: int | None
    threads: int
    _modes: dict[str, Mode] = field(default_factory=dict)
    _batch_allowed: bool = True
    _namesakes: Namesakes = field(default_factory=Namesakes)

    def prepare(self) -> list[str]:
        """See whether the Batch API may be used; return what to tell. Raises ConfigError for `mode: batch`."""
        if self.mode is Mode.SINGLE:
            return []
        try:
            self.caller.probe_batch()
        except (Forbidden, ConfigError) as error:
            if self.mode is Mode.BATCH:
                raise ConfigError(f"mode is batch, but the Batch API may not be used: {error}") from None
            self._batch_allowed = False
            return [f"rows are sent one by one, because the Batch API may not be used: {error}"]
        return []

    def mode_of(self, table: str) -> Mode:
        """Return how rows of a staging table are written.

        `auto` takes insertMultiple only where an administrator made it synchronous: elsewhere its outcomes come
        minutes later, and the next phase of a document waits for them.
        """
        if self.mode is not Mode.AUTO:
            return self.mode
        if table not in self._modes:
            otherwise = Mode.BATCH if self._batch_allowed else Mode.SINGLE
            synchronous = self.transforms.insert_multiple(table).synchronous
            self._modes[table] = Mode.INSERT_MULTIPLE if synchronous else otherwise
        return self._modes[table]

    def send(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        """Write effects; yield each outcome. Rows of one key go one after another."""
        own = []
        for effect in effects:
            if other := self._namesakes.of(effect):
                yield same_key(effect, other)
            else:
                own.append(effect)
        for wave in waves(own):
            jobs: list[Callable[[], Iterator[Outcome]]] = []
            for (table, via), group in grouped(wave, lambda effect: (effect.table, effect.via)).items():
                rest: Sequence[Effect] = group
                if via == IMPORT_SET and self.mode_of(table) is Mode.INSERT_MULTIPLE:
                    rest = yield from self._proven(table, group)
                jobs += self._jobs(table, via, rest)
            yield from in_parallel(jobs, self.threads)

    def _jobs(self, table: str, via: str, effects: Sequence[Effect]) -> Iterator[Callable[[], Iterator[Outcome]]]:
        if via == AP_INVOICE_API:
            yield partial(self.documents.send, effects)
            return
        if via == TABLE:
            yield from (partial(self._write_table, chunk) for chunk in chunks(effects, self.batch_size or LOOK_UP_SIZE))
            return
        mode = self.mode_of(table)
        for chunk in chunks(effects, self.batch_size or BATCH_SIZES[mode]):
            if mode is Mode.INSERT_MULTIPLE:
                yield partial(self._write_bulk, chunk)
            else:
                yield partial(self._call, [import_call(effect, self.rows) for effect in chunk])

    def _write_table(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        outcomes, calls = self.table_api.plan(effects)
        yield from outcomes
        yield from self._call(calls)

    def _call(self, calls: Sequence[Call]) -> Iterator[Outcome]:
        if self._batch_allowed and self.mode is not Mode.SINGLE and len(calls) > 1:
            yield from self.caller.batch(calls)
            return
        for call in calls:
            yield from self.caller.one(call)

    def _write_bulk(self, effects: Sequence[Effect]) -> Iterator[Outcome]:
        synchronous = self.transforms.insert_multiple(effects[0].table).synchronous
        outcomes = self.insert_multiple.write(effects, synchronous=synchronous)
        yield from self._read_back(outcomes, synchronous=synchronous)

    def _proven(self, table: str, effects: Sequence[Effect]) -> Generator[Outcome, None, Sequence[Effect]]:
        """Send rows one by one until one is seen stored under its columns; return the rows that are left."""
        setting = self.transforms.insert_multiple(table)
        for position, effect in enumerate(effects):
            if self.insert_multiple.proven(table):
                return effects[position:]
            styles = _styles(self.key_style, setting.keys)
            first = self.insert_multiple.prove(effect, styles, synchronous=setting.synchronous)
            yield from self._read_back(first, synchronous=setting.synchronous)
        return ()

    def _read_back(self, outcomes: Iterator[Outcome], *, synchronous: bool) -> Iterator[Outcome]:
        """Pass outcomes on; rows of a synchronous set are done when the call returns, so theirs are read at once."""
        sent: list[Outcome] = []
        try:
            for outcome in outcomes:
                if synchronous and outcome.state is State.SENT:
                    sent.append(outcome)
                else:
                    yield outcome
            looked = list(self.settler.look([replace(it.effect, handle=it.handle) for it in sent]))
        except ConnectorError:
            yield from sent
            raise
        yield from looked


def _styles(chosen: KeyStyle, told: KeyStyle | None) -> list[KeyStyle]:
    """Return the key styles to try, in order; the platform's own default is labels (apis/servicenow.md §0.1)."""
    if chosen is not KeyStyle.AUTO:
        return [chosen]
    return [KeyStyle.COLUMN, KeyStyle.LABEL] if told is KeyStyle.COLUMN else [KeyStyle.LABEL, KeyStyle.COLUMN]
