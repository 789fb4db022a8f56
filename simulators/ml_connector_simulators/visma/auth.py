"""Visma Connect's token endpoint, and who a bearer token speaks for (apis/visma.md §2)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from ml_connector_simulators.kit import json_response
from ml_connector_simulators.visma.seed.company import COMPANIES

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from ml_connector_simulators.kit import Tokens

CLIENT_ID = "isv_ml_connector_demo"
CLIENT_SECRET = "demo-visma-secret"  # noqa: S105  the simulator's own
CUSTOMER_TENANT_ID = "99999999-9999-4999-8999-999999999999"  # of the customer, not of a company: the set-up trap
CUSTOMER_TENANT = "customer tenant"
SCOPES = frozenset(f"vismanet_erp_service_api:{verb}" for verb in ("read", "create", "update", "delete"))


@dataclass(frozen=True)
class Grant:
    """What a token was issued for."""

    company: str
    scopes: frozenset[str]


class Connect:
    """Visma Connect: client credentials for one tenant, all refusals with HTTP 400."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._tenants = {company.tenant_id: company.code for company in COMPANIES} | {
            CUSTOMER_TENANT_ID: CUSTOMER_TENANT
        }
        self._scopes: dict[str, frozenset[str]] = {}

    async def token(self, request: Request) -> Response:
        """`POST /connect/token`."""
        form = dict(parse_qsl((await request.body()).decode()))
        client = _basic(request) or (form.get("client_id"), form.get("client_secret"))
        error = self._error(form, client)
        if error:
            return json_response({"error": error}, 400)
        company = self._tenants[form["tenant_id"]]
        request.state.caller = company
        token = self._tokens.issue(company)
        self._scopes[token] = frozenset(form["scope"].split())
        answer = {"access_token": token, "expires_in": self._tokens.lifetime, "token_type": "Bearer"}
        return json_response(answer | {"scope": form["scope"]}, headers={"Cache-Control": "no-store"})

    def _error(self, form: dict[str, str], client: tuple[str | None, str | None]) -> str | None:
        if form.get("grant_type") != "client_credentials":
            return "unsupported_grant_type"
        if client != (CLIENT_ID, CLIENT_SECRET):
            return "invalid_client"
        if form.get("tenant_id") not in self._tenants:
            return "invalid_tenant"
        scopes = form.get("scope", "").split()
        return None if scopes and SCOPES.issuperset(scopes) else "invalid_scope"

    def grant(self, request: Request) -> Grant | None:
        """Whom the request's bearer token speaks for, if anyone; a customer tenant's token opens nothing."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        company = self._tokens.subject(token) if scheme.lower() == "bearer" else None
        if company is None or company == CUSTOMER_TENANT:
            return None
        return Grant(company, self._scopes[token])


def _basic(request: Request) -> tuple[str, str] | None:
    """The client's name and secret from an `Authorization: Basic` header, which Connect takes too."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return unquote(name), unquote(secret)
