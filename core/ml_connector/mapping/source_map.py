"""Source maps: how the records of one system become canonical records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.mapping import loader, source_reader
from ml_connector.mapping.stream_map import Outline, Skipped, StreamMap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ml_connector.finance.records import CanonicalRecord


@dataclass(frozen=True, slots=True)
class SourceMap:
    """A source map: streams of one system to canonical record types."""

    name: str
    source_system: str
    version: str
    streams: Mapping[str, Sequence[StreamMap]]
    variables: Mapping[str, Any]

    @classmethod
    def load(cls, name: str, search: Sequence[Path], variables: Mapping[str, str | int] | None = None) -> SourceMap:
        """Read a source map by name; `variables` override its `vars:`.

        Raises ConfigError with file, line and what to do for every mistake found.
        """
        file = loader.load(name, search)
        found = source_reader.read(file, search, variables or {})
        version = loader.digest(file.version, *found.crosswalks.versions, repr(sorted((variables or {}).items())))
        return cls(name, found.source_system, version, found.streams, found.variables)

    def apply(self, stream: str, record: dict[str, Any]) -> list[CanonicalRecord | Skipped]:
        """Map one native record; raises RecordRefused when it cannot be read."""
        maps = self.streams.get(stream)
        if maps is None:
            message = f"{self.name}.yml does not map the stream {stream}."
            return [Skipped("unmapped", message, Outline(None, record.get("_company"), None))]
        return [each.apply(self.source_system, record, self.variables) for each in maps]

    def outline(self, stream: str, record: dict[str, Any]) -> list[Outline]:
        """Return what can be told of a record `apply` refuses: for its dead letter."""
        return [each.outline(record, self.variables) for each in self.streams.get(stream, ())]
