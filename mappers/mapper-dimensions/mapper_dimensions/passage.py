"""One record's way through the mapper: read by the source map, checked, its dimensions resolved, or rejected."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from ml_connector.delivery.deadletters import StreamShape
from ml_connector.delivery.intake import Intake
from ml_connector.delivery.sink import State
from ml_connector.delivery.withdrawal import VANISHED
from ml_connector.delivery.work import Verdict, Work
from ml_connector.errors import RecordParked, RecordRefused
from ml_connector.finance.catalog import RECORD_TYPES
from ml_connector.finance.checks import check_document
from ml_connector.mapping import TargetMap
from ml_connector.singer.schema import DELETED_AT
from ml_connector.store.text import encode
from singer_sdk.singerlib.messages import Message, RecordMessage, SchemaMessage

from mapper_dimensions.canonical import KEYS, key_of, row_of, schema_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ml_connector.mapping import SourceMap

    from mapper_dimensions.rejects import Rejects
    from mapper_dimensions.resolver import Resolver

MAPPED, DELETED = "mapped", "deleted"


@dataclass(slots=True)
class Passage:
    """Turns native records into canonical ones, and counts what becomes of them."""

    source_map: SourceMap
    resolver: Resolver
    rejects: Rejects
    decimals: str
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)  # by record type and what became of it
    _shapes: dict[str, StreamShape] = field(default_factory=dict)
    _announced: set[str] = field(default_factory=set)
    _intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        """Let the engine's own intake read records; here every canonical record type is wanted."""
        wanted = TargetMap("canonical", "", cast("Any", RECORD_TYPES), {})
        self._intake = Intake(self.source_map, wanted, self._shapes)

    def is_mapped(self, stream: str) -> bool:
        """Say whether the source map knows a stream."""
        return stream in self.source_map.streams

    def schema(self, stream: str, schema: dict[str, Any], keys: Iterable[str]) -> Iterator[Message]:
        """Return the schema of each record type that a native stream becomes, once per run."""
        self._shapes[stream] = StreamShape(encode(schema), tuple(keys))
        for stream_map in self.source_map.streams.get(stream, ()):
            name = stream_map.fields.type.name
            if name not in self._announced:
                self._announced.add(name)
                yield SchemaMessage(name, schema_of(name, self.decimals), list(KEYS))

    def record(self, stream: str, raw: dict[str, Any], read_at: datetime | None) -> Iterator[Message]:
        """Return what a native record becomes: canonical records, or rejects."""
        for work in self._intake.read(stream, raw):
            if work.record.source_state == VANISHED:
                self.counts[work.record.record_type, DELETED] += 1
                gone = {**key_of(work.record), "source_state": VANISHED, DELETED_AT: raw[DELETED_AT]}
                yield RecordMessage(work.record.record_type, gone, time_extracted=read_at)
            elif (row := self._row(work)) is not None:
                self.counts[work.record.record_type, MAPPED] += 1
                yield RecordMessage(work.record.record_type, row, time_extracted=read_at)
            elif work.verdict is not None:
                yield from self._left_out(work, work.verdict)

    def _row(self, work: Work) -> dict[str, Any] | None:
        """Return a record's canonical row, or None after giving it its verdict."""
        if work.verdict is not None:
            return None
        try:
            check_document(work.record)
            defaulted = self.resolver.resolve(work.record)
            self.resolver.learn(work.record)
        except RecordRefused as error:
            work.verdict = Verdict.of_error(State.REFUSED, error)
        except RecordParked as error:
            work.verdict = Verdict.of_error(State.PARKED, error)
        else:
            return row_of(work.record, defaulted, self.decimals)
        return None

    def _left_out(self, work: Work, verdict: Verdict) -> Iterable[Message]:
        record = work.record
        if verdict.state == State.SKIPPED:
            self.counts[record.record_type, f"skipped ({verdict.reason})"] += 1
            return ()
        self.counts[record.record_type, str(verdict.state)] += 1
        return self.rejects.put(
            {
                "business_key": record.business_key,
                "source_hash": work.source_hash,
                "stream": work.stream,
                "record_type": record.record_type,
                "state": str(verdict.state),
                **verdict.columns(),
                "amount": None if record.amount is None else format(record.amount, "f"),
                "currency": record.currency,
                "record": encode(work.raw),
                "rejected_at": datetime.now(UTC).isoformat(),
            }
        )
