"""A tap as the Singer SDK's template makes it, around one stream: the SDK's conformance, its writer, its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Tap
from singer_sdk import typing as th

if TYPE_CHECKING:
    from singer_sdk import RESTStream


def main(stream: type[RESTStream[Any]]) -> None:
    """Run a tap of this stream alone."""

    class StockTap(Tap):
        """A tap of one stream."""

        name = "tap-stock"
        config_jsonschema: ClassVar = th.PropertiesList(th.Property("max_concurrency", th.IntegerType)).to_dict()

        def discover_streams(self) -> list[RESTStream[Any]]:
            """Return the one stream."""
            return [stream(self)]

    StockTap.cli()
