"""The token endpoint: password and rotating refresh tokens (apis/acumatica.md §2 OAuth 2.0)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from uuid import uuid4

from ml_connector_simulators.acumatica.sessions import PASSWORD, TENANT, USER
from ml_connector_simulators.acumatica.times import stamp
from ml_connector_simulators.kit import json_response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from ml_connector_simulators.acumatica.settings import Settings
    from ml_connector_simulators.acumatica.store import Row, Store
    from ml_connector_simulators.kit import Clock, Tokens

CLIENT_ID = f"8EC1A2B4-0F6E-4C57-9D1A-6C1E5B2F7A11@{TENANT}"
CLIENT_SECRET = "demo-acumatica-secret"  # noqa: S105  the simulator's own
REFRESH_TOKEN = "demo-acumatica-refresh-token"  # noqa: S105  a user consented at the clock's start
CONCURRENT = "api:concurrent_access"
_SCOPES = frozenset({"api", "offline_access", CONCURRENT, "openid", "profile", "email", "phone"})
_REFRESH = "#refresh"  # where the store keeps refresh tokens


@dataclass(frozen=True)
class Grant:
    """What a user consented to, once."""

    id: str
    scope: str
    consented: str

    @property
    def concurrent(self) -> bool:
        """Whether every request without its cookie opens a session of its own."""
        return CONCURRENT in self.scope.split()


class OAuth:
    """Issues access tokens, and refresh tokens that work once."""

    def __init__(self, store: Store, tokens: Tokens, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._tokens = tokens
        self._clock = clock
        self._settings = settings
        self._grants: dict[str, Grant] = {}
        self._forgiven: set[str] = set()  # old refresh tokens used once more

    def token(self, body: bytes) -> Response:
        """`POST /identity/connect/token`."""
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        client, tenant = form.get("client_id", ""), form.get("client_id", "").rpartition("@")[2]
        if client.upper() != CLIENT_ID.upper() or form.get("client_secret") != CLIENT_SECRET or tenant != TENANT:
            return _refusal("invalid_client")
        match form.get("grant_type"):
            case "password":
                return self._password(form)
            case "refresh_token":
                return self._refreshed(form.get("refresh_token", ""))
        return _refusal("unsupported_grant_type")

    def grant(self, token: str) -> Grant | None:
        """What an access token was issued for, while it lasts."""
        subject = self._tokens.subject(token)
        return self._grants.get(subject) if subject else None

    def consent(self, scope: str = "api offline_access", token: str | None = None) -> str:
        """A user lets the application in; its first refresh token."""
        grant = Grant(uuid4().hex, scope, stamp(self._clock.now()))
        return self._keep(grant, token)

    def known(self, token: str) -> bool:
        """Whether a refresh token was ever given out."""
        return self._store.kept(_REFRESH, token) is not None

    def revoke(self, token: str) -> None:
        """Make a refresh token worthless."""
        self._store.keep(_REFRESH, token, {"used": True})

    def forget(self, grant: str) -> None:
        """Revoke every refresh token of a grant."""
        for token in self._store.kept_keys(_REFRESH):
            if (self._store.kept(_REFRESH, token) or {}).get("id") == grant:
                self.revoke(token)

    def _password(self, form: Mapping[str, str]) -> Response:
        if (form.get("username"), form.get("password")) != (USER, PASSWORD):
            return _refusal("invalid_grant", "invalid_username_or_password")
        scopes = form.get("scope", "").split()
        if not scopes or not _SCOPES.issuperset(scopes):
            return _refusal("invalid_scope")
        return self._issued(Grant(uuid4().hex, " ".join(scopes), stamp(self._clock.now())))

    def _refreshed(self, token: str) -> Response:
        kept = self._store.kept(_REFRESH, token)
        if kept is None or "id" not in kept:
            return _refusal("invalid_grant")
        if kept.pop("used", False) and not self._forgives(token):
            return _refusal("invalid_grant")
        grant = Grant(**kept)
        lasts = timedelta(days=self._settings.refresh_days)
        if datetime.fromisoformat(grant.consented) + lasts <= self._clock.now():
            return _refusal("invalid_grant")
        self._store.keep(_REFRESH, token, {**kept, "used": True})
        if self._settings.sliding:
            grant = Grant(grant.id, grant.scope, stamp(self._clock.now()))
        return self._issued(grant)

    def _forgives(self, token: str) -> bool:
        """Whether an old refresh token works once more (unconfirmed)."""
        if not self._settings.old_refresh_works_once or token in self._forgiven:
            return False
        self._forgiven.add(token)
        return True

    def _issued(self, grant: Grant) -> Response:
        self._grants[grant.id] = grant
        answer: Row = {
            "access_token": self._tokens.issue(grant.id),
            "expires_in": self._tokens.lifetime,
            "token_type": "Bearer",
            "scope": grant.scope,
        }
        if "offline_access" in grant.scope.split():
            answer["refresh_token"] = self._keep(grant)
        return json_response(answer, headers={"Cache-Control": "no-store"})

    def _keep(self, grant: Grant, token: str | None = None) -> str:
        token = token or uuid4().hex
        self._store.keep(_REFRESH, token, asdict(grant))
        return token


def _refusal(error: str, description: str = "") -> Response:
    words = {"error": error} | ({"error_description": description} if description else {})
    return json_response(words, 400)
