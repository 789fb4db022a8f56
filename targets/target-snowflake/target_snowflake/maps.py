"""The SDK's stream maps and flattening in front of a load, for those who set them: message by message, so slower.

What a map leaves out or makes anew is not what the tap counted, so a mapped run is unproven against the tap's totals.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import msgspec
from ml_connector.errors import ConfigError
from singer_sdk.exceptions import MapExpressionError, StreamMapConfigError
from singer_sdk.mapper import RemoveRecordTransform

from target_snowflake.decode import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from singer_sdk.mapper import PluginMapper, StreamMap

_encode = msgspec.json.Encoder(decimal_format="number", enc_hook=str).encode
_SETTINGS = ("stream_maps", "flattening_enabled")


def are_set(config: Mapping[str, Any]) -> bool:
    """Return whether records are to be mapped."""
    return any(config.get(name) for name in _SETTINGS)


class StreamMaps:
    """Turns lines into what the maps make of them."""

    def __init__(self, mapper: PluginMapper) -> None:
        """Take the SDK's mapper."""
        self._mapper = mapper

    def lines(self, lines: Iterable[bytes]) -> list[bytes]:
        """Return mapped lines; one that is no Singer message stays, for its reader to refuse.

        Raises:
            ConfigError: A map is malformed, or cannot be worked out for a record.
        """
        try:
            return [out for line in lines for out in self._line(line)]
        except (StreamMapConfigError, MapExpressionError) as error:
            raise ConfigError(f"`stream_maps` cannot be applied: {error}. Correct the expression.") from None

    def _line(self, line: bytes) -> Iterator[bytes]:
        try:
            message = plain(line)
        except ValueError:
            message = None
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "SCHEMA" and isinstance(message.get("schema"), dict) and "properties" in message["schema"]:
            yield from map(_encode, self._schema(message))
        elif kind in ("RECORD", "ACTIVATE_VERSION") and message.get("stream") in self._mapper.stream_maps:
            yield from map(_encode, self._mapped(message))
        else:
            yield line

    def _schema(self, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
        keys = message.get("key_properties") or []
        self._mapper.register_raw_stream_schema(message["stream"], message["schema"], keys)
        for each in self._of(message["stream"]):
            told = {"schema": each.transformed_schema, "key_properties": each.transformed_key_properties}
            yield {**message, "stream": each.stream_alias, **told}

    def _mapped(self, message: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for each in self._of(message["stream"]):
            if "record" not in message:
                yield {**message, "stream": each.stream_alias}
                continue
            record = each.transform(deepcopy(message["record"]))
            if record is not None:
                yield {**message, "stream": each.stream_alias, "record": record}

    def _of(self, stream: str) -> Sequence[StreamMap]:
        found = self._mapper.stream_maps[stream]
        return [each for each in found if not isinstance(each, RemoveRecordTransform)]
