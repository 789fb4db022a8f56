"""What a native record means: works for the engine, each with a business key, whatever state the record is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.delivery.sink import State
from ml_connector.delivery.withdrawal import UNMAPPED, VANISHED, not_there
from ml_connector.delivery.work import Verdict, Work
from ml_connector.errors import RecordParked, RecordRefused
from ml_connector.finance.records import CanonicalRecord, join_key
from ml_connector.mapping.stream_map import Outline, Skipped
from ml_connector.secrets import MASK
from ml_connector.secrets.personal import without_iban
from ml_connector.singer.schema import DELETED_AT
from ml_connector.store.text import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.delivery.deadletters import StreamShape
    from ml_connector.mapping.source_map import SourceMap
    from ml_connector.mapping.target_map import TargetMap

_SHOWN = ("title", "currency", "source_modified_at")
"""What the store keeps of a record as it came: a source may have an IBAN anywhere (L10)."""


class Intake:
    """Reads records with the source map."""

    def __init__(self, source_map: SourceMap, target_map: TargetMap, shapes: Mapping[str, StreamShape]) -> None:
        self._source_map = source_map
        self._target_map = target_map
        self._shapes = shapes

    def read(self, stream: str, raw: dict[str, Any]) -> list[Work]:
        """Return what a record means, one work for each canonical record it becomes.

        One that cannot be read, or that a rule of a map leaves out, comes with its verdict: it too supersedes what
        was received of it before.
        """
        if raw.get(DELETED_AT):
            return self._vanished(stream, raw)
        source_hash = digest(raw)
        try:
            meanings = self._source_map.apply(stream, raw)
        except (RecordRefused, RecordParked) as error:
            state = State.PARKED if isinstance(error, RecordParked) else State.REFUSED
            told = next(iter(self._source_map.outline(stream, raw)), Outline(None, None, None))
            record = self._stand_in(stream, raw, source_hash, told)
            return [self._work(stream, raw, source_hash, record, Verdict.of_error(state, error))]
        works = []
        for meaning in meanings:
            if isinstance(meaning, Skipped):
                record = self._stand_in(stream, raw, source_hash, meaning.outline)
                verdict = Verdict(State.SKIPPED, meaning.rule, meaning.message)
                works.append(self._work(stream, raw, source_hash, record, verdict))
            else:
                works.append(self._work(stream, raw, source_hash, meaning, None))
        return works

    def _work(
        self, stream: str, raw: dict[str, Any], source_hash: str, record: CanonicalRecord, verdict: Verdict | None
    ) -> Work:
        if record.record_type not in self._target_map.record_types:
            words = f"the target map does not deliver {record.record_type}"
            verdict = Verdict(State.SKIPPED, UNMAPPED, words)
        for name in _SHOWN:
            if text := getattr(record, name):
                setattr(record, name, without_iban(text, MASK))
        left_out = verdict is not None and verdict.state == State.SKIPPED
        return Work(stream, raw, record, source_hash, verdict=verdict, left_out=left_out)

    def _vanished(self, stream: str, raw: dict[str, Any]) -> list[Work]:
        """Return what a record means that the source no longer has; only its key need be told, and when is no news."""
        source_hash = digest({name: value for name, value in raw.items() if name != DELETED_AT})
        records = [self._stand_in(stream, raw, source_hash, told) for told in self._source_map.outline(stream, raw)]
        for record in records:
            record.source_state, record.amount, record.currency = VANISHED, None, None
        return [self._work(stream, raw, source_hash, record, not_there()) for record in records]

    def _stand_in(self, stream: str, raw: dict[str, Any], source_hash: str, told: Outline) -> CanonicalRecord:
        """Return a record with a key and an amount for one that the source map does not turn into fields."""
        return CanonicalRecord(
            record_type=told.record_type or stream,
            source_system=self._source_map.source_system,
            company=told.company or str(raw.get("_company") or ""),
            source_key=told.source_key or self._native_key(stream, raw) or f"without key {source_hash}",
            fields={},
            source=raw,
            amount=told.amount,
            currency=told.currency,
        )

    def _native_key(self, stream: str, raw: dict[str, Any]) -> str | None:
        """Return the key the tap declares, None when a part of it is missing: such records are told by their hash."""
        parts = [raw.get(key) for key in self._shapes[stream].key_properties if key != "_company"]
        return join_key([str(part) for part in parts]) if parts and None not in parts else None
