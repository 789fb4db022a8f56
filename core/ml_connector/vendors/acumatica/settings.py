"""The settings by which any of our connectors reaches a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

if TYPE_CHECKING:
    from collections.abc import Mapping

NEEDED: Mapping[str, tuple[str, ...]] = {
    "oauth_password": ("client_id", "client_secret", "username", "password"),
    "oauth_refresh": ("client_id", "client_secret", "refresh_token"),
    "cookie": ("username", "password"),
}
"""What each way to sign in needs."""

CONNECTION_SETTINGS = (
    th.Property(
        "instance_url",
        th.URIType,
        required=True,
        title="Instance address",
        description="What stands before `/entity`, the site included: `https://acme.acumatica.com` or "
        "`https://erp.acme.com/AcumaticaERP`.",
    ),
    th.Property(
        "endpoint",
        th.StringType,
        default="Default",
        title="Endpoint",
        description="Name of the web service endpoint (form SM207060).",
    ),
    th.Property(
        "endpoint_version",
        th.StringType,
        default="24.200.001",
        title="Endpoint version",
        description="Its version; a run stops with the list of what the tenant offers when it is not among them.",
    ),
    th.Property(
        "tenant",
        th.StringType,
        required=True,
        title="Tenant",
        description="The tenant's login name (form SM203520); for OAuth it is what follows `@` in `client_id`.",
    ),
    th.Property(
        "auth_method",
        th.StringType,
        default="oauth_password",
        allowed_values=list(NEEDED),
        title="Sign-in",
        description="`oauth_password`: a user and a connected application. `oauth_refresh`: a refresh token, renewed "
        "in the vault at every use. `cookie`: a user alone, which Acumatica is going to discontinue.",
    ),
    th.Property(
        "client_id",
        th.StringType,
        title="Client id",
        description="Of the connected application (form SM303010), with its tenant: `…-…@TENANT`.",
    ),
    th.Property("client_secret", th.StringType, secret=True, title="Client secret", description="Its secret."),
    th.Property("username", th.StringType, title="User", description="The user of the integration."),
    th.Property("password", th.StringType, secret=True, title="Password", description="That user's password."),
    th.Property(
        "refresh_token",
        th.StringType,
        secret=True,
        title="Refresh token",
        description="For `oauth_refresh`, only as a reference such as `secret:acumatica.refresh_token`: every use "
        "makes a new one, which is kept in the vault under that name.",
    ),
    th.Property(
        "branch",
        th.StringType,
        title="Branch",
        description="Works in the context of this branch; without it, in the user's own.",
    ),
    th.Property(
        "company",
        th.StringType,
        title="Company label",
        description="What `_company` says in records read here. Default: the tenant.",
    ),
)

LIMITS = (
    th.Property(
        "max_concurrency",
        th.IntegerType,
        default=1,
        title="Concurrency",
        description="Requests at once. More than the licence allows only wait in the server's queue.",
    ),
    th.Property(
        "request_timeout",
        th.NumberType,
        default=660,
        title="Time-out",
        description="Seconds to wait for an answer; the server itself holds a request for up to 600 in its queue.",
    ),
    th.Property(
        "patience",
        th.IntegerType,
        default=900,
        title="Patience",
        description="Seconds a request is tried again before the run stops, its state saved; so long it waits for one "
        "of the licence's API users to become free, too.",
    ),
)
"""Settings that every connector has, with the defaults that Acumatica's limits ask for (apis/acumatica.md §2)."""


def company_of(config: Mapping[str, Any]) -> str:
    """Return the label of the company in records read from a tenant."""
    return str(config.get("company") or config["tenant"])
