"""The same read with the Singer SDK as it comes; texts become numbers in its template's `post_process`."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from singer_sdk import RESTStream
from singer_sdk import typing as th
from singer_sdk.authenticators import BasicAuthenticator
from singer_sdk.pagination import BaseOffsetPaginator

from bench.raw import PAGE
from bench.raw_servicenow import FIELDS, MONEY
from bench.stock import main

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import requests


AMOUNTS = [f"{name}.amount" for name in MONEY]
DATES = ["invoice_date", "due_date", "payment_date", "erp_posting_date"]
TYPES: Mapping[str, type[th.JSONTypeHelper[Any]]] = MappingProxyType(
    {
        **dict.fromkeys(AMOUNTS, th.NumberType),
        **dict.fromkeys(DATES, th.DateType),
        **dict.fromkeys(("sys_mod_count", "invoice_line_count"), th.IntegerType),
        "erp_sync_failed": th.BooleanType,
    }
)
CONVERT: Mapping[Any, Callable[[str], Any]] = MappingProxyType(
    {th.NumberType: Decimal, th.IntegerType: int, th.BooleanType: "true".__eq__, th.DateType: str}
)


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
    schema = th.PropertiesList(*(th.Property(name, TYPES.get(name, th.StringType)) for name in FIELDS)).to_dict()

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

    def post_process(self, row: dict[str, Any], context: Any = None) -> dict[str, Any]:
        """Give the values the types of the schema; an empty text is null."""
        del context
        record: dict[str, Any] = {name: text or None for name, text in row.items()}
        for name, kind in TYPES.items():
            if text := row[name]:
                record[name] = CONVERT[kind](text)
        return record


if __name__ == "__main__":
    main(Invoices)
