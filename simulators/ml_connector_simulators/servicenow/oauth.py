"""Signing in: OAuth tokens, Basic, API keys (apis/servicenow.md §1)."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from ml_connector_simulators.kit import Tokens
from ml_connector_simulators.servicenow.api.calls import Reply, Session, unauthenticated
from ml_connector_simulators.servicenow.jwt_bearer import Assertion, InvalidAssertionError, JwtBearer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ml_connector_simulators.kit import Clock
    from ml_connector_simulators.servicenow.api.calls import Call
    from ml_connector_simulators.servicenow.instance import Instance
    from ml_connector_simulators.servicenow.store import Row

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT_CREDENTIALS_ON = "glide.oauth.inbound.client.credential.grant_type.enabled"
# One answer for every cause: property off, no application user, wrong secret, password to be reset.
DENIED = Reply(401, {"error_description": "access_denied", "error": "server_error"})
REFRESH_SECONDS = 8_640_000  # 100 days, UNCONFIRMED


class SignIn:
    """Issues tokens and says who a call is from."""

    def __init__(self, instance: Instance, access: Tokens, clock: Clock) -> None:
        self._instance = instance
        self._store = instance.store
        self._access = access
        self.refresh_tokens = Tokens(clock, REFRESH_SECONDS)
        self._assertions = JwtBearer(self._store, clock)
        self._clock = clock
        self._current: dict[str, tuple[str, datetime]] = {}  # the password grant gives the same token again

    def token(self, call: Call) -> Reply:
        """Answer `POST /oauth_token.do`; parameters count in the form body only."""
        if not call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return DENIED
        if call.method != "POST":
            return DENIED
        return self._granted(dict(parse_qsl(call.body.decode("utf-8", "replace"))))

    def _granted(self, form: Mapping[str, str]) -> Reply:
        grant = form.get("grant_type")
        if grant == JWT_BEARER:
            return self._jwt_bearer(form)
        client = self._client(form)
        if client is None:
            return DENIED
        match grant:
            case "client_credentials":
                return self._client_credentials(client)
            case "password":
                return self._password(form)
            case "refresh_token":
                return self._refreshed(form)
        return DENIED

    def session(self, call: Call) -> Session:
        """Who calls; refused when nobody that may."""
        name = self._caller(call.headers)
        user = self._user(name) if name else None
        if user is None:
            raise unauthenticated()
        return Session(user, frozenset(self._instance.roles(user["user_name"])))

    def _client(self, form: Mapping[str, str]) -> Row | None:
        found = self._store.find("oauth_entity", client_id=form.get("client_id", ""))
        known = bool(found) and found[0]["client_secret"] == form.get("client_secret")
        return found[0] if known else None

    def _client_credentials(self, client: Row) -> Reply:
        enabled = self._store.find("sys_properties", name=CLIENT_CREDENTIALS_ON, value="true")
        user = self._store.get("sys_user", client["user"]) if client["user"] else None
        if not enabled or user is None or not _may_sign_in(user):
            return DENIED
        return _issued(self._access.issue(user["user_name"]), self._access.lifetime)

    def _password(self, form: Mapping[str, str]) -> Reply:
        user = self._verified(form.get("username", ""), form.get("password", ""))
        if user is None:
            return DENIED
        token, seconds = self._held_token(user["user_name"])
        return _issued(token, seconds, self.refresh_tokens.issue(user["user_name"]))

    def _held_token(self, name: str) -> tuple[str, int]:
        """The token of a user's last sign-in while it lasts: `expires_in` may be small."""
        token, expires = self._current.get(name, ("", self._clock.now()))
        if not self._access.subject(token):
            token = self._access.issue(name)
            expires = self._clock.now() + timedelta(seconds=self._access.lifetime)
            self._current[name] = (token, expires)
        return token, int((expires - self._clock.now()).total_seconds())

    def _refreshed(self, form: Mapping[str, str]) -> Reply:
        name = self.refresh_tokens.subject(form.get("refresh_token", ""))
        if name is None or self._user(name) is None:
            return DENIED
        return _issued(self._access.issue(name), self._access.lifetime)

    def _jwt_bearer(self, form: Mapping[str, str]) -> Reply:
        """A client that names no secret must be a public one; no refresh token."""
        try:
            assertion = Assertion.read(form.get("assertion", ""))
            client = self._client(form) if "client_id" in form else self._public_client(assertion)
            if client is None:
                return DENIED
            subject = self._assertions.subject(assertion, client)
        except InvalidAssertionError:
            return DENIED
        users = self._store.match("sys_user", {client["user_field"]: subject}) if subject else []
        if len(users) != 1 or not _may_sign_in(users[0]):
            return DENIED
        return _issued(self._access.issue(users[0]["user_name"]), self._access.lifetime)

    def _public_client(self, assertion: Assertion) -> Row | None:
        found = self._store.find("oauth_entity", client_id=str(assertion.claims.get("iss", "")), public_client="true")
        return found[0] if found else None

    def _caller(self, headers: Mapping[str, str]) -> str | None:
        if key := headers.get("x-sn-apikey"):
            found = self._store.find("api_key", key=key)
            user = self._store.get("sys_user", found[0]["user"]) if found and found[0]["key"] == key else None
            return user["user_name"] if user else None
        kind, _, value = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._access.subject(value.strip())
        if kind.lower() == "basic":
            user = self._verified(*_basic(value))
            return user["user_name"] if user else None
        return None

    def _verified(self, name: str, password: str) -> Row | None:
        user = self._user(name)
        return user if user is not None and user["user_password"] == password else None

    def _user(self, name: str) -> Row | None:
        found = self._store.find("sys_user", user_name=name)
        return found[0] if found and _may_sign_in(found[0]) else None


def _may_sign_in(user: Row) -> bool:
    return user["active"] == "true" and "true" not in {user["locked_out"], user["password_needs_reset"]}


def _basic(value: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(value).decode("utf-8", "replace").partition(":")
    except binascii.Error:
        return "", ""
    return name, password


def _issued(token: str, seconds: int, refresh: str = "") -> Reply:
    answer = {"access_token": token, "scope": "useraccount", "token_type": "Bearer", "expires_in": seconds}
    return Reply(200, {**answer, "refresh_token": refresh} if refresh else answer)
