"""tap-visma: one Visma.net company's finance records."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from ml_connector.singer.tap import SETTINGS, Tap
from singer_sdk import typing as th

from tap_visma.client import visma_client
from tap_visma.streams import STREAMS
from tap_visma.streams.books import CompanyBooks
from tap_visma.streams.dimensions import DimensionReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.http import Budget, Client
    from ml_connector.secrets import Redactor
    from ml_connector.singer.stream import Stream


class TapVisma(Tap):
    """Singer tap for the Visma.net ERP (Financials and Logistics) REST API."""

    name = "tap-visma"
    package_name = "ml-connector-tap-visma"
    stream_types: ClassVar[Sequence[type[Stream]]] = STREAMS

    config_jsonschema: ClassVar = th.PropertiesList(
        th.Property(
            "client_id",
            th.StringType,
            required=True,
            title="Client id",
            description="The service application's id in the Visma Developer Portal, such as `isv_yourcompany`.",
        ),
        th.Property(
            "client_secret", th.StringType, required=True, secret=True, title="Client secret", description="Its secret."
        ),
        th.Property(
            "tenant_id",
            th.StringType,
            required=True,
            title="Company tenant id",
            description="The company's tenant id (Visma Admin, Company, Edit, Configuration); not the customer's.",
        ),
        th.Property(
            "company",
            th.StringType,
            title="Company label",
            description="What `_company` says in every record. Default: the tenant id.",
        ),
        th.Property(
            "company_id",
            th.StringType,
            title="ipp-company-id",
            description="Sent as the `ipp-company-id` header when set; a token of the company's tenant needs none.",
        ),
        th.Property(
            "scopes",
            th.StringType,
            default="vismanet_erp_service_api:read",
            title="Scopes",
            description="Scopes asked for, separated by blanks.",
        ),
        th.Property(
            "api_url",
            th.StringType,
            default="https://api.finance.visma.net",
            title="API address",
            description="What stands before `/v1/…`.",
        ),
        th.Property(
            "token_url",
            th.StringType,
            default="https://connect.visma.com/connect/token",
            title="Token address",
            description="Where tokens are issued.",
        ),
        th.Property(
            "cost_center_segment",
            th.StringType,
            title="Cost centre segment",
            description="Which segment's values are the cost centres: its id or description, in dimension SUBACCOUNT, "
            "or `DIMENSION/segment`. Only needed when SUBACCOUNT has more than one segment.",
        ),
        *SETTINGS,
    ).to_dict()

    def make_client(self, budget: Budget, redactor: Redactor) -> Client:
        """Return the client of this company."""
        return visma_client(self.config, budget, redactor)

    @property
    def company(self) -> str:
        """The configured label, or the tenant id."""
        return str(self.config.get("company") or self.config["tenant_id"])

    @cached_property
    def dimensions(self) -> DimensionReader:
        """The company's dimensions, read once for the streams made of them."""
        return DimensionReader(self.client, int(self.config["max_concurrency"]))

    @cached_property
    def company_books(self) -> CompanyBooks:
        """The company's ledgers, branches and years, read once."""
        return CompanyBooks(self.client)


if __name__ == "__main__":
    TapVisma.cli()
