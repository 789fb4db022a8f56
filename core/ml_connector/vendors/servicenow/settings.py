"""The settings by which any of our connectors reaches an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from singer_sdk import typing as th

from ml_connector.vendors.servicenow.client import NEEDED

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECTION_SETTINGS = (
    th.Property(
        "instance_url",
        th.URIType,
        required=True,
        description="Address of the instance: `https://acme.service-now.com`.",
    ),
    th.Property(
        "auth_method",
        th.StringType,
        default="client_credentials",
        allowed_values=list(NEEDED),
        description="How to sign in. `password` is OAuth with a user, `basic` the user alone, `refresh` OAuth with a "
        "refresh token, `jwt_bearer` OAuth with an assertion signed by a key of ours.",
    ),
    th.Property("client_id", th.StringType, description="OAuth client id."),
    th.Property("client_secret", th.StringType, secret=True, description="OAuth client secret."),
    th.Property("username", th.StringType, description="User of the integration, for `password` and `basic`."),
    th.Property("password", th.StringType, secret=True, description="The user's password."),
    th.Property("refresh_token", th.StringType, secret=True, description="Refresh token, for `refresh`."),
    th.Property("api_key", th.StringType, secret=True, description="REST API key."),
    th.Property(
        "jwt_key",
        th.StringType,
        secret=True,
        description="Private key (PEM, RSA or EC) that signs assertions, for `jwt_bearer`.",
    ),
    th.Property("jwt_kid", th.StringType, description="Key id of the instance's JWT verifier map."),
    th.Property(
        "jwt_sub", th.StringType, description="The user, by the field that the JWT API endpoint of the instance names."
    ),
    th.Property(
        "company",
        th.StringType,
        description="What `_company` says in records read here. Default: the first part of the host name.",
    ),
)


def company_of(config: Mapping[str, Any]) -> str:
    """Return the label of the company in records read from an instance."""
    return str(config.get("company") or (urlsplit(config["instance_url"]).hostname or "").partition(".")[0])
