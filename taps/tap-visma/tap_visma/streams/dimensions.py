"""Dimensions, their segments and values; cost centres are the values of one segment (apis/visma.md §3.4)."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ml_connector.errors import ConfigError
from ml_connector.singer.paging import Page, Unread
from ml_connector.singer.prefetch import in_order

from tap_visma.streams.base import VismaStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ml_connector.http import Client
    from ml_connector.singer.normalise import Record

SUBACCOUNT = "SUBACCOUNT"


class DimensionReader:
    """Every dimension of the company, read once."""

    def __init__(self, client: Client, ahead: int) -> None:
        self._client = client
        self._ahead = ahead
        self._read: dict[str, Record] = {}

    @cached_property
    def ids(self) -> list[str]:
        """The dimensions' ids."""
        return self._client.request("GET", "/v1/dimension").json() or []

    @cached_property
    def all(self) -> list[Record]:
        """The dimensions with segments and values."""
        return list(in_order(self.read, self.ids, self._ahead))

    def read(self, dimension: str) -> Record:
        """Return one dimension with segments and values."""
        if dimension not in self._read:
            path = f"/v1/dimension/{quote(dimension, safe='')}"
            answer = self._client.request("GET", path, params={"expandSegmentsValues": "true"})
            self._read[dimension] = answer.json() or {}
        return self._read[dimension]


def segments_of(dimension: Record) -> list[Record]:
    """Return a dimension's segments, each naming its dimension."""
    return [{"dimensionId": dimension["id"], **segment} for segment in dimension.get("segments") or ()]


def values_of(segment: Record) -> list[Record]:
    """Return a segment's values, each naming its dimension and segment."""
    place = {"dimensionId": segment["dimensionId"], "segmentId": segment["segmentId"]}
    return [{**value, **place} for value in segment.get("segmentValues") or ()]


def without(record: Record, field: str) -> Record:
    """Return a record without one field."""
    return {name: value for name, value in record.items() if name != field}


class _Part(VismaStream):
    """Records that are parts of the dimensions; read whole, the change filter's meaning being unknown here."""

    path = "/v1/dimension/{dimensionId}"

    def get_page(self, since: str | None, paging: Mapping[str, Any]) -> Unread:
        """Return all parts as one page."""
        del since, paging
        return partial(Page, list(self.parts()))

    @abstractmethod
    def parts(self) -> Iterable[Record]:
        """Yield the stream's records."""


class Dimensions(_Part):
    """Segmented keys."""

    name = "dimensions"
    keys = ("id",)
    apart = "segments"

    def parts(self) -> Iterable[Record]:
        """Yield the dimensions without their segments."""
        return (without(dimension, self.apart) for dimension in self.visma.dimensions.all)


class DimensionSegments(_Part):
    """Segments of a dimension."""

    name = "dimension_segments"
    keys = ("dimensionId", "segmentId")
    model = ("segments",)
    apart = "segmentValues"
    added = ("dimensionId",)

    def parts(self) -> Iterable[Record]:
        """Yield the segments without their values."""
        segments = (segment for dimension in self.visma.dimensions.all for segment in segments_of(dimension))
        return (without(segment, self.apart) for segment in segments)


class DimensionSegmentValues(_Part):
    """Values of every segment."""

    name = "dimension_segment_values"
    keys = ("dimensionId", "segmentId", "valueId")
    model = ("segments", "segmentValues")
    added = ("dimensionId",)

    def parts(self) -> Iterable[Record]:
        """Yield the values."""
        segments = (segment for dimension in self.visma.dimensions.all for segment in segments_of(dimension))
        return (value for segment in segments for value in values_of(segment))


class CostCenters(_Part):
    """The values of the segment that holds the cost centres."""

    name = "cost_centers"
    keys = ("valueId",)
    model = ("segments", "segmentValues")
    added = ("dimensionId", "segmentDescription")

    def parts(self) -> Iterable[Record]:
        """Yield the values of the configured segment."""
        segment = self._segment()
        return ({**value, "segmentDescription": segment.get("description")} for value in values_of(segment))

    def _segment(self) -> Record:
        dimension, wanted = self._setting()
        if dimension not in self.visma.dimensions.ids:
            known = ", ".join(self.visma.dimensions.ids)
            raise ConfigError(
                f"there is no dimension {dimension!r}. Set `cost_center_segment`; dimensions are: {known}."
            )
        segments = segments_of(self.visma.dimensions.read(dimension))
        found = [s for s in segments if not wanted or wanted in (str(s["segmentId"]), s.get("description"))]
        if len(found) != 1:
            known = ", ".join(f"{s['segmentId']} ({s.get('description')})" for s in segments)
            problem = f"names no one segment of {dimension}" if wanted else "must be set"
            raise ConfigError(f"`cost_center_segment` {problem}. Its segments are: {known}.")
        return found[0]

    def _setting(self) -> tuple[str, str]:
        """Return dimension and segment, from `SUBACCOUNT/1`, `1` or nothing."""
        dimension, slash, segment = str(self.config.get("cost_center_segment") or "").rpartition("/")
        return (dimension if slash else SUBACCOUNT), segment
