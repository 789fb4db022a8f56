"""The same read with the Singer SDK as it comes; values are unwrapped as its template's `post_process` would do it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import requests
from ml_connector.singer.schema import json_schema
from singer_sdk import RESTStream
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import BaseOffsetPaginator
from tap_acumatica.shape import all_types

from bench.raw import PAGE
from bench.stock import main


class Paginator(BaseOffsetPaginator):
    """Pages until an empty one."""

    def has_more(self, response: requests.Response) -> bool:
        """Say whether this page had rows."""
        return len(response.content) > len("[]")


class Bills(RESTStream[int]):
    """Bills with their lines and taxes."""

    name = "bills"
    path = "/entity/Default/24.200.001/Bill"
    primary_keys = ("Type", "ReferenceNbr")
    schema = json_schema({name: kind for name, kind in all_types("bills").items() if name != "Applications"})
    records_jsonpath = "$[*]"

    @property
    def url_base(self) -> str:
        """The configured address."""
        return str(self.config["instance_url"])

    @cached_property
    def authenticator(self) -> BearerTokenAuthenticator:
        """A token, fetched once."""
        names = ("client_id", "client_secret", "username", "password")
        form = {"grant_type": "password", "scope": "api", **{name: self.config[name] for name in names}}
        token = requests.post(f"{self.url_base}/identity/connect/token", data=form, timeout=30).json()["access_token"]
        return BearerTokenAuthenticator(token=token)

    def get_new_paginator(self) -> Paginator:
        """Return the paginator."""
        return Paginator(0, PAGE)

    def get_url_params(self, context: Any, next_page_token: int | None) -> dict[str, Any]:
        """Return the page asked for."""
        del context
        return {"$expand": "Details,TaxDetails", "$top": PAGE, "$skip": next_page_token or 0}

    def post_process(self, row: dict[str, Any], context: Any = None) -> dict[str, Any]:
        """Unwrap the values."""
        del context
        return {name: plain(value) for name, value in row.items()}


def plain(value: Any) -> Any:
    """Return what is inside `{"value": …}`; `{}` is null."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if not value or "value" in value:
        return value.get("value")
    return {name: plain(each) for name, each in value.items()}


if __name__ == "__main__":
    main(Bills)
