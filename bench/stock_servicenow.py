"""The same read with the Singer SDK as it comes; every value stays the text that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk import RESTStream
from singer_sdk import typing as th
from singer_sdk.authenticators import BasicAuthenticator
from singer_sdk.pagination import BaseOffsetPaginator

from bench.raw_servicenow import FIELDS
from bench.stock import PAGE, main

if TYPE_CHECKING:
    import requests


class Paginator(BaseOffsetPaginator):
    """Pages until an empty one."""

    def has_more(self, response: requests.Response) -> bool:
        """Say whether this page had rows."""
        return len(response.content) > len('{"result":[]}')


class Invoices(RESTStream[int]):
    """Invoices."""

    name = "sn_shop_invoice"
    path = "/api/now/table/sn_shop_invoice"
    primary_keys = ("sys_id",)
    records_jsonpath = "$.result[*]"
    schema = th.PropertiesList(*(th.Property(name, th.StringType) for name in FIELDS)).to_dict()

    @property
    def url_base(self) -> str:
        """The configured address."""
        return str(self.config["instance_url"])

    @property
    def authenticator(self) -> BasicAuthenticator:
        """A user and a password."""
        return BasicAuthenticator(username=self.config["username"], password=self.config["password"])

    def get_new_paginator(self) -> Paginator:
        """Return the paginator."""
        return Paginator(0, PAGE)

    def get_url_params(self, context: Any, next_page_token: int | None) -> dict[str, Any]:
        """Return the page asked for."""
        del context
        return {
            "sysparm_query": "ORDERBYsys_updated_on^ORDERBYsys_id",
            "sysparm_fields": ",".join(FIELDS),
            "sysparm_exclude_reference_link": "true",
            "sysparm_limit": PAGE,
            "sysparm_offset": next_page_token or 0,
        }


if __name__ == "__main__":
    main(Invoices)
