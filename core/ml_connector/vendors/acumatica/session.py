"""Signing in, and out again: an open session holds one of the licence's few seats (apis/acumatica.md §2)."""

from __future__ import annotations

import logging
import threading
from abc import abstractmethod
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests
from requests.cookies import RequestsCookieJar

from ml_connector.errors import AuthError, ConfigError, Retryable
from ml_connector.http import Auth, Clock, PasswordGrant, retry_after
from ml_connector.http.faults import fault_of
from ml_connector.http.rotating import RotatingRefresh
from ml_connector.secrets import Redactor, Secret
from ml_connector.vendors.acumatica.errors import SEATS_HINT, SIGN_IN_HINT, is_login_limit, trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_PATH, LOGIN_PATH, LOGOUT_PATH = "/identity/connect/token", "/entity/auth/login", "/entity/auth/logout"
SCOPE = "api offline_access"
TIMEOUT = (10.0, 120.0)  # seconds; a site that was asleep takes more than one minute to answer (§7)
_PASSING = frozenset({408, 429, 502, 503, 504})
_log = logging.getLogger(__name__)


class Session(Auth):
    """A sign-in that is ended by `sign_out`; used again after that, it signs in anew."""

    @abstractmethod
    def sign_out(self) -> None:
        """Give the seat back, if one is held. A fault is told, and stops nothing."""


class CookieSession(Session):
    """A user's session, kept by cookies."""

    def __init__(self, address: str, fields: Mapping[str, str], password: Secret, clock: Clock | None = None) -> None:
        self._address = address
        self._fields = fields
        self._password = password
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._redactor = Redactor()
        self._shown = ""
        self.jar = RequestsCookieJar()
        """The session's cookies, which the server may replace in any answer: the client keeps them here, too."""

    def watch(self, redactor: Redactor) -> None:
        """Mask the password, and the cookies of each session."""
        redactor.add(self._password.reveal())
        self._redactor = redactor

    def headers(self) -> dict[str, str]:
        """Return the session's cookies, signing in first when there is none."""
        with self._lock:
            if not len(self.jar):
                self._sign_in()
            return self._signature()

    def renew(self, rejected: Mapping[str, str]) -> bool:
        """Drop the cookies that were rejected, unless another thread has signed in already."""
        with self._lock:
            if self._signature() == rejected:
                self.jar.clear()
        return True

    def sign_out(self) -> None:
        """End the session."""
        with self._lock:
            signature = self._signature()
            self.jar.clear()
        if signature["Cookie"]:
            _log_out(self._address, signature)

    def _signature(self) -> dict[str, str]:
        text = "; ".join(f"{each.name}={each.value}" for each in self.jar)
        if text != self._shown:
            self._shown = text
            self._redactor.add(*(str(each.value) for each in self.jar if _is_secret(each.name)))
        return {"Cookie": text}

    def _sign_in(self) -> None:
        url = self._address + LOGIN_PATH
        body = {**self._fields, "password": self._password.reveal()}
        try:
            answer = requests.post(url, json=body, timeout=TIMEOUT, allow_redirects=False, auth=_as_is)
        except requests.RequestException as error:
            raise fault_of(error, f"POST {url}", safe=True) from None
        refuse(answer, self._clock)
        if not answer.cookies:
            raise AuthError(f"POST {url} brought no session. Check `instance_url`, its site included.")
        self.jar.update(answer.cookies)


class PasswordSession(PasswordGrant, Session):
    """OAuth with a user's password, once per run; later tokens come by its refresh token.

    Every new sign-in would take another seat (§2).
    """

    def __init__(self, address: str, *given: str, **options: Any) -> None:
        super().__init__(address + TOKEN_PATH, *given, scope=SCOPE, hint=SIGN_IN_HINT, timeout=TIMEOUT, **options)
        self._address = address
        self._refresh: Secret | None = None

    def sign_out(self) -> None:
        """End the session that the sign-in made."""
        with self._lock:
            token, self._token, self._refresh = self._token, None, None
        if token is not None:
            _log_out(self._address, {"Authorization": f"Bearer {token.reveal()}"})

    def _fields(self) -> dict[str, str]:
        return super()._fields() if self._refresh is None else {"refresh_token": self._refresh.reveal()}

    def _ask(self) -> Mapping[str, Any]:
        self.grant_type = "password" if self._refresh is None else "refresh_token"
        try:
            token = super()._ask()
        except AuthError:
            if self._refresh is None:
                raise
            self._refresh = None
            return self._ask()
        if fresh := token.get("refresh_token"):
            self._redactor.add(fresh)
            self._refresh = Secret(fresh)
        return token

    def _check(self, answer: requests.Response) -> requests.Response:
        if answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR or _is_no_seat(answer):
            refuse(answer, self._clock)
        return super()._check(answer)


class RefreshSession(RotatingRefresh, Session):
    """OAuth with the vault's refresh token: one session for all its tokens, in every run, so it is not ended (§2)."""

    def __init__(self, address: str, *given: str, **options: Any) -> None:
        super().__init__(address + TOKEN_PATH, *given, hint=SIGN_IN_HINT, timeout=TIMEOUT, **options)

    def sign_out(self) -> None:
        """Leave the session to the next run: whether its end would end the refresh token is not known (§8)."""

    def _check(self, answer: requests.Response) -> requests.Response:
        if _is_no_seat(answer):
            refuse(answer, self._clock)
        return super()._check(answer)


def refuse(answer: requests.Response, clock: Clock) -> None:
    """Raise unless a sign-in was accepted.

    A 500 is never tried again: it is what a wrong password gets, and enough of them lock the user out (§2).

    Raises:
        Retryable: No seat is free, or the server is busy.
        AuthError: The user, the password or the application is not accepted.
        ConfigError: There is no such site or tenant.
    """
    what = f"POST {answer.url.partition('?')[0]} answered {answer.status_code}"
    if _is_no_seat(answer):
        raise Retryable(f"{what}: API Login Limit. {SEATS_HINT}")
    if answer.ok and not answer.is_redirect:
        return
    if answer.status_code in _PASSING:
        wait = retry_after(answer.headers, clock.now())
        raise Retryable(what, retry_at=None if wait is None else clock.after(wait))
    found = trouble(_json(answer))
    if "pxundefinedcompany" in found.told:
        raise ConfigError(f"{what}: {found.words} There is no such tenant: check `tenant`.")
    if answer.status_code == HTTPStatus.NOT_FOUND or answer.is_redirect:
        raise ConfigError(f"{what}: this is no Acumatica site. Check `instance_url`, its site included.")
    raise AuthError(f"{what}: {found.words or 'no text'} {SIGN_IN_HINT}")


def _is_no_seat(answer: requests.Response) -> bool:
    """Whether no seat is free; a 429 that names no time says it, too, in words that say nothing (§2)."""
    busy = answer.status_code == HTTPStatus.TOO_MANY_REQUESTS and "Retry-After" not in answer.headers
    return busy or is_login_limit(answer.content)


def _log_out(address: str, signature: Mapping[str, str]) -> None:
    try:
        headers = {**signature, "Content-Length": "0"}  # IIS wants it (§2)
        answer = requests.post(address + LOGOUT_PATH, headers=headers, timeout=(10, 30), auth=_as_is)
    except requests.RequestException as error:
        _log.warning("the session was not closed (%s); its seat is taken for a while", type(error).__name__)
        return
    if not answer.ok and answer.status_code != HTTPStatus.UNAUTHORIZED:  # 401: it has ended already
        _log.warning("the session was not closed (%s answered %s)", LOGOUT_PATH, answer.status_code)


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _is_secret(cookie: str) -> bool:
    """Whether a cookie is part of the session, and not a choice such as the language."""
    return cookie.lower() in (".aspxauth", "asp.net_sessionid") or "session" in cookie.lower()


def _as_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave the request as it is: without an auth callable, requests puts a .netrc entry over our header."""
    return request
