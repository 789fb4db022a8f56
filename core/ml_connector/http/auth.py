"""How requests prove who they are: OAuth 2 grants by Authlib, Basic, and an API key."""

from __future__ import annotations

import base64
import threading
from abc import ABC, abstractmethod
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec
import requests

from ml_connector.errors import AuthError, Retryable
from ml_connector.http.clock import Clock
from ml_connector.http.faults import fault_of
from ml_connector.http.retry_after import retry_after
from ml_connector.secrets import Redactor, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

LEEWAY = 120.0  # seconds before its end at which a token is renewed


class Auth(ABC):
    """Signs requests with headers."""

    @abstractmethod
    def watch(self, redactor: Redactor) -> None:
        """Tell the redactor each secret held, now and later."""

    @abstractmethod
    def headers(self) -> dict[str, str]:
        """Return the headers that sign a request."""

    def renew(self, rejected: Mapping[str, str]) -> bool:
        """After a 401: drop what signed the rejected request; return whether a replay may go better."""
        del rejected
        return False

    def seconds_left(self) -> float | None:
        """Return how long what signs requests is still good; None when it does not expire."""
        return None


class Basic(Auth):
    """User name and password with every request."""

    def __init__(self, username: str, password: str | Secret) -> None:
        self._username = username
        self._password = Secret.of(password)

    def watch(self, redactor: Redactor) -> None:
        """Mask the password."""
        redactor.add(self._password.reveal())

    def headers(self) -> dict[str, str]:
        """Return the Basic authorization header."""
        pair = f"{self._username}:{self._password.reveal()}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


class ApiKey(Auth):
    """A fixed key in a header of the vendor's choice."""

    def __init__(self, header: str, key: str | Secret) -> None:
        self._header = header
        self._key = Secret.of(key)

    def watch(self, redactor: Redactor) -> None:
        """Mask the key."""
        redactor.add(self._key.reveal())

    def headers(self) -> dict[str, str]:
        """Return the key's header."""
        return {self._header: self._key.reveal()}


class ClientCredentials(Auth):
    """OAuth 2 client credentials; the token is shared by all threads, and fetched by one of them.

    Credentials go in the form body (apis/visma.md §2); `extra` are further form fields such as `tenant_id`, `hint`
    says what a person should check when no token is given.
    """

    grant_type = "client_credentials"

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str | Secret,
        *,
        scope: str | None = None,
        extra: Mapping[str, str] | None = None,
        hint: str = "Check client id, client secret and scopes.",
        timeout: tuple[float, float] = (10, 30),
        clock: Clock | None = None,
    ) -> None:
        self._token_url = token_url
        self._client_id = client_id
        self._secret = Secret.of(client_secret)
        self._extra = {**(extra or {}), **({"scope": scope} if scope else {})}
        self._hint = hint
        self._timeout = timeout
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._renew_at = 0.0
        self._ends_at: float | None = None
        self._not_before = 0.0
        self._redactor = Redactor()

    def watch(self, redactor: Redactor) -> None:
        """Mask the client secret, and each token as it is issued."""
        redactor.add(self._secret.reveal())
        self._redactor = redactor

    def headers(self) -> dict[str, str]:
        """Return the bearer header, with a new token when there is none or it soon ends."""
        with self._lock:
            if self._token is None or self._clock.monotonic() >= self._renew_at:
                self._fetch()
            return _bearer(self._token)

    def renew(self, rejected: Mapping[str, str]) -> bool:
        """Drop the rejected token, unless another thread has replaced it already."""
        with self._lock:
            if self._token is not None and _bearer(self._token) == rejected:
                self._token = None
        return True

    def seconds_left(self) -> float | None:
        """Return the token's remaining lifetime; None without a token, or when the server told no lifetime."""
        with self._lock:
            ends = self._ends_at if self._token is not None else None
        return None if ends is None else ends - self._clock.monotonic()

    def _fetch(self) -> None:
        token = self._ask()
        self._token = Secret(token["access_token"])
        self._redactor.add(token["access_token"])
        lifetime = float(token.get("expires_in") or 0)
        self._ends_at = self._clock.monotonic() + lifetime if lifetime else None
        # A short-lived token is used for half its life; a lifetime of 0 means that the server told none.
        self._renew_at = self._clock.monotonic() + max(lifetime - LEEWAY, lifetime / 2) if lifetime else float("inf")

    def _fields(self) -> dict[str, str]:
        """Return the form fields beside the client's id and secret."""
        return self._extra

    def _ask(self) -> Mapping[str, Any]:
        wait = self._not_before - self._clock.monotonic()
        if wait > 0:  # another thread was turned away while this one waited for the lock (L5)
            message = f"{self._token_url} allows the next request in {wait:.0f} s"
            raise Retryable(message, retry_at=self._clock.after(wait))
        in_body = "client_secret_post" if self._secret else "none"  # a public client has no secret
        oauth_session, oauth_error = _authlib()
        with oauth_session(self._client_id, self._secret.reveal(), token_endpoint_auth_method=in_body) as session:
            session.register_compliance_hook("access_token_response", self._check)
            try:
                token: Mapping[str, Any] = session.fetch_token(
                    self._token_url, grant_type=self.grant_type, timeout=self._timeout, **self._fields()
                )
            except oauth_error as error:
                words = self._redactor.clean(f"{error.error}: {error.description or ''}".strip(": "))
                raise AuthError(f"{self._token_url} refused a token ({words}). {self._hint}") from None
            except requests.RequestException as error:
                raise fault_of(error, f"POST {self._token_url}", safe=True) from None
        if not token.get("access_token"):
            raise AuthError(f"{self._token_url} answered without an access_token. {self._hint}")
        return token

    def _check(self, answer: requests.Response) -> requests.Response:
        """Stop what is no token answer before Authlib reads it: throttling, faults, HTML."""
        what = f"POST {self._token_url} answered {answer.status_code}"
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            wait = retry_after(answer.headers, self._clock.now())
            self._not_before = self._clock.monotonic() + (wait or 0.0)
            raise Retryable(what, retry_at=None if wait is None else self._clock.after(wait))
        if not answer.content.lstrip().startswith(b"{"):
            raise AuthError(f"{what} with something that is no token. Check the token URL. {self._hint}")
        try:
            msgspec.json.decode(answer.content)
        except msgspec.DecodeError:
            raise Retryable(f"{what} with an answer that was cut short") from None
        return answer


class PasswordGrant(ClientCredentials):
    """OAuth 2 resource owner password grant: client credentials plus a user's."""

    grant_type = "password"

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str | Secret,
        *,
        username: str,
        password: str | Secret,
        **options: Any,
    ) -> None:
        super().__init__(token_url, client_id, client_secret, **options)
        self._password = Secret.of(password)
        self._username = username

    def watch(self, redactor: Redactor) -> None:
        """Mask the password as well."""
        super().watch(redactor)
        redactor.add(self._password.reveal())

    def _fields(self) -> dict[str, str]:
        """Add the user to the form."""
        return {**self._extra, "username": self._username, "password": self._password.reveal()}


def _authlib() -> tuple[Any, Any]:
    """Return Authlib's session and error; 160 modules that a connector without OAuth need not wait for."""
    client = import_module("authlib.integrations.requests_client")
    return client.OAuth2Session, import_module("authlib.integrations.base_client.errors").OAuthError


def _bearer(token: Secret | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.reveal()}"} if token else {}
