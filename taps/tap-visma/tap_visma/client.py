"""The connection to Visma.net: one company, by the tenant id in its token (apis/visma.md §2)."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ml_connector.http import Budget, Client, ClientCredentials

from tap_visma.errors import SIGN_IN_HINT, classify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.secrets import Redactor


CONNECT_TIMEOUT = 10.0  # seconds


def visma_client(config: Mapping[str, Any], budget: Budget, redactor: Redactor) -> Client:
    """Return the client for the company of these settings."""
    auth = ClientCredentials(
        config["token_url"],
        config["client_id"],
        config["client_secret"],
        scope=config["scopes"],
        extra={"tenant_id": config["tenant_id"]},
        hint=SIGN_IN_HINT,
    )
    return Client(
        config["api_url"],
        auth=auth,
        classify=classify,
        budget=budget,
        timeout=(CONNECT_TIMEOUT, float(config["request_timeout"])),
        patience=float(config["patience"]),
        headers=_headers(config.get("company_id")),
        redactor=redactor,
    )


def _headers(company_id: str | None) -> dict[str, str]:
    """Return the fixed headers; the two `ipp-` ones belong to the old gateway and are accepted by the new one."""
    headers = {"User-Agent": f"ml-connector-tap-visma/{version('ml-connector-tap-visma')}"}
    if company_id:
        headers |= {"ipp-company-id": company_id, "ipp-application-type": "Visma.net Financials"}
    return headers
