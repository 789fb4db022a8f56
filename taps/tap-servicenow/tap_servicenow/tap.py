"""tap-servicenow: tables of one ServiceNow instance, and its approved purchase requests."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

from ml_connector.errors import ConfigError
from ml_connector.http import Clock
from ml_connector.singer.tap import Tap
from ml_connector.vendors.servicenow.client import open_client
from ml_connector.vendors.servicenow.dictionary import Dictionary
from ml_connector.vendors.servicenow.reader import Reader
from ml_connector.vendors.servicenow.settings import company_of
from singer_sdk import typing as th

from tap_servicenow.proofs import Proofs
from tap_servicenow.settings import ALL_SETTINGS
from tap_servicenow.shape import Shape, shape_of
from tap_servicenow.streams import FINANCE, KNOWN, PurchaseRequests, TableStream
from tap_servicenow.table import TableReader
from tap_servicenow.tables import Tables, matches

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ml_connector.http import Budget, Client
    from ml_connector.secrets import Redactor
    from ml_connector.singer.stream import Stream

AGENT = f"ml-connector-tap-servicenow/{version('ml-connector-tap-servicenow')}"
REQUEST_TABLES = ("request_table", "request_line_table")


class TapServiceNow(Tap):
    """Singer tap for ServiceNow's Table API."""

    name = "tap-servicenow"
    package_name = "ml-connector-tap-servicenow"
    stream_types: ClassVar[Sequence[type[Stream]]] = ()  # the instance decides

    config_jsonschema: ClassVar = th.PropertiesList(*ALL_SETTINGS).to_dict()

    def make_client(self, budget: Budget, redactor: Redactor) -> Client:
        """Return the client of this instance."""
        return open_client(self.config, agent=AGENT, budget=budget, redactor=redactor)

    @property
    def company(self) -> str:
        """The configured label, or the instance's name."""
        return company_of(self.config)

    @cached_property
    def reader(self) -> Reader:
        """Reads single rows and short lists."""
        return Reader(self.client)

    @cached_property
    def dictionary(self) -> Dictionary:
        """The instance's description of its tables."""
        return Dictionary(self.reader)

    @cached_property
    def proofs(self) -> Proofs:
        """Which queries the instance obeys."""
        return Proofs(self.reader, self.dictionary)

    def server_time(self) -> datetime:
        """Return the instance's time of day."""
        return self.reader.server_time(Clock().now())

    def shape(self, table: str) -> Shape:
        """Return what a table has."""
        return shape_of(self.dictionary.table(table), display_values=bool(self.config["display_values"]))

    def reads_whole(self, table: str) -> bool:
        """Say whether a table is read whole every time."""
        return matches(table, self.config["full_tables"])

    def table_reader(self, shape: Shape, *, stamped: bool) -> TableReader:
        """Return what reads the fields of a shape."""
        return TableReader(
            self.client,
            shape.table,
            shape.paths,
            display=shape.needs_display,
            stamped=stamped,
            max_url=int(self.config["max_url_length"]),
        )

    def discover_streams(self) -> list[Stream]:
        """Return a stream for each table that the settings name, and purchase requests where there are such."""
        tables = Tables(self.reader, self.dictionary, [stream.name for stream in FINANCE])
        known = {stream.name: stream for stream in KNOWN}
        catalog = self.input_catalog  # of one, only what it selects is looked up
        wanted = self.config["tables"] if catalog is None else [name for name in catalog if self._is_selected(name)]
        excluded = [*self.config["exclude_tables"], *([] if catalog is None else [PurchaseRequests.name])]
        streams: list[Stream] = [known.get(name, TableStream)(self, name) for name in tables.chosen(wanted, excluded)]
        return [*streams, *([PurchaseRequests(self)] if self._has_requests(tables) else [])]

    def _is_selected(self, name: str) -> bool:
        entry = self.input_catalog.get_stream(name) if self.input_catalog is not None else None
        return entry is not None and entry.metadata.resolve_selection()[()]

    def _has_requests(self, tables: Tables) -> bool:
        left_out = self.input_catalog is not None and not self._is_selected(PurchaseRequests.name)
        if left_out or matches(PurchaseRequests.name, self.config["exclude_tables"]):
            return False
        names = [str(self.config[setting]) for setting in REQUEST_TABLES]
        missing = set(names) - set(tables.there(names))
        properties = self.config_jsonschema["properties"]
        for setting, name in zip(REQUEST_TABLES, names, strict=True):
            if name in missing and name != properties[setting]["default"]:
                raise ConfigError(f"the instance does not have the table {name!r}: correct `{setting}`")
        return not missing


if __name__ == "__main__":
    TapServiceNow.cli()
