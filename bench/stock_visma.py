"""The same read with the Singer SDK as it comes: RESTStream, its paginator, its conformance, its writer."""

from __future__ import annotations

from functools import cached_property
from importlib.resources import files
from json import loads
from typing import Any

import requests
from ml_connector.singer.schema import json_schema
from singer_sdk import RESTStream
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import PageNumberPaginator

from bench.raw import PAGE
from bench.stock import main

TYPES = loads(files("tap_visma").joinpath("schemas/supplier_invoices.json").read_text())


class Paginator(PageNumberPaginator):
    """Pages until an empty one."""

    def has_more(self, response: requests.Response) -> bool:
        """Say whether this page had rows."""
        return len(response.content) > len("[]")


class SupplierInvoices(RESTStream[int]):
    """Supplier invoices."""

    name = "supplier_invoices"
    path = "/v1/supplierInvoice"
    primary_keys = ("documentType", "referenceNumber")
    schema = json_schema(TYPES)
    records_jsonpath = "$[*]"

    @property
    def url_base(self) -> str:
        """The configured address."""
        return str(self.config["api_url"])

    @cached_property
    def authenticator(self) -> BearerTokenAuthenticator:
        """A token, fetched once."""
        names = ("client_id", "client_secret", "tenant_id")
        form = {"grant_type": "client_credentials", "scope": "vismanet_erp_service_api:read"}
        form |= {name: self.config[name] for name in names}
        token = requests.post(self.config["token_url"], data=form, timeout=30).json()["access_token"]
        return BearerTokenAuthenticator(token=token)

    def get_new_paginator(self) -> Paginator:
        """Return the paginator."""
        return Paginator(1)

    def get_url_params(self, context: Any, next_page_token: int | None) -> dict[str, Any]:
        """Return the page asked for."""
        del context
        return {"pageNumber": next_page_token or 1, "pageSize": PAGE}


if __name__ == "__main__":
    main(SupplierInvoices)
