"""tap-acumatica: one tenant's finance records."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

from ml_connector.singer.tap import SETTINGS, Tap
from ml_connector.vendors.acumatica.client import ARCHIVE_HEADER, Connection, open_client
from ml_connector.vendors.acumatica.endpoint import Endpoint, find_endpoint
from ml_connector.vendors.acumatica.settings import CONNECTION_SETTINGS, LIMITS, company_of
from singer_sdk import typing as th

from tap_acumatica.streams import STREAMS
from tap_acumatica.streams.cost_centers import SOURCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.http import Budget, Client
    from ml_connector.secrets import Redactor
    from ml_connector.singer.stream import Stream

PAGE_SIZE: th.Property[int] = th.Property(
    "page_size",
    th.IntegerType,
    default=500,
    title="Page size",
    description="Rows asked for per request; documents come with their lines.",
)
_OURS = {each.name: each for each in (*LIMITS, PAGE_SIZE)}
OWN_SETTINGS = (
    th.Property(
        "include_archived",
        th.BooleanType,
        default=False,
        title="Archived records",
        description="Read records that were archived, too.",
    ),
    th.Property(
        "extra_parts",
        th.BooleanType,
        default=False,
        title="Extra parts",
        description="Let the catalog select linked entities and lists beside those named under Streams. Off, because a "
        "wildcard would select them all, and some of them cost a request per record.",
    ),
    th.Property(
        "custom_fields",
        th.ObjectType(additional_properties=th.ArrayType(th.StringType)),
        title="Custom fields",
        description="By entity: `{Vendor: [BAccount.UsrRating], Bill: [Document.AttributeREGION, "
        "Details/Transactions.UsrX]}`. They come as `custom`, by view and field.",
    ),
    th.Property(
        "on_cannot_optimize",
        th.StringType,
        default="read_each",
        allowed_values=["read_each", "leave_out"],
        title="Lists that cannot be optimised",
        description="What to do with selected fields that keep Acumatica from reading a list in one query: "
        "`read_each` reads record by record and keeps all fields, `leave_out` leaves them out.",
    ),
    th.Property(
        "cost_center_source",
        th.StringType,
        default=SOURCES[0],
        allowed_values=list(SOURCES),
        title="Cost centres",
        description="What the tenant uses as cost centres: a segment of the subaccount (or the whole of it), cost "
        "codes, or branches.",
    ),
    th.Property(
        "cost_center_segment",
        th.IntegerType,
        title="Cost centre segment",
        description="Which segment of the subaccount is the cost centre, from 1. Without it, the whole subaccount.",
    ),
    th.Property(
        "subaccount_mask",
        th.StringType,
        title="Subaccount mask",
        description="How long the subaccount's segments are, such as `3-3`, where no separator is in the codes.",
    ),
    th.Property(
        "subaccount_separator",
        th.StringType,
        default="-",
        title="Subaccount separator",
        description="What stands between the segments in a code.",
    ),
)


class TapAcumatica(Tap):
    """Singer tap for Acumatica's contract-based REST API."""

    name = "tap-acumatica"
    package_name = "ml-connector-tap-acumatica"
    stream_types: ClassVar[Sequence[type[Stream]]] = STREAMS

    config_jsonschema: ClassVar = th.PropertiesList(
        *CONNECTION_SETTINGS,
        *OWN_SETTINGS,
        *(_OURS.get(each.name, each) for each in SETTINGS),
    ).to_dict()

    def make_client(self, budget: Budget, redactor: Redactor) -> Client:
        """Return the client of this tenant."""
        self.connection: Connection | None = open_client(
            self.config,
            agent=f"ml-connector-tap-acumatica/{version('ml-connector-tap-acumatica')}",
            budget=budget,
            redactor=redactor,
            kept=self.kept("refresh_token"),
            headers={ARCHIVE_HEADER: "SHOW"} if self.config["include_archived"] else {},
        )
        return self.connection.client

    @cached_property
    def endpoint(self) -> Endpoint:
        """The endpoint, proven to be offered before anything is read."""
        return find_endpoint(self.client, self.config)

    @property
    def company(self) -> str:
        """The configured label, or the tenant."""
        return company_of(self.config)

    def close(self) -> None:
        """Sign out: an open session holds one of the licence's seats."""
        if connection := getattr(self, "connection", None):
            connection.sign_out()


if __name__ == "__main__":
    TapAcumatica.cli()
