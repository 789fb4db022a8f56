"""The one HTTP client of taps and targets: patient with reads, careful with writes."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, Self

import msgspec
import requests
import stamina
from requests.adapters import HTTPAdapter

from ml_connector.errors import (
    AuthError,
    BadAnswer,
    ConfigError,
    ConnectorError,
    Forbidden,
    InDoubt,
    OutOfPatience,
    RecordParked,
    RecordRefused,
    Retryable,
    TooMuch,
    Unreachable,
)
from ml_connector.http.budget import Budget
from ml_connector.http.faults import fault_of, lost, ran_out
from ml_connector.http.gauge import Gauge
from ml_connector.http.reply import Decode, NotJson, Reply, decode_exactly
from ml_connector.http.retry_after import retry_after
from ml_connector.http.verdict import Classify, Consequence, Verdict, by_status
from ml_connector.secrets.guard import process_redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests.cookies import RequestsCookieJar

    from ml_connector.http.auth import Auth
    from ml_connector.http.clock import Clock
    from ml_connector.secrets import Redactor

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
THROTTLED, UNAVAILABLE = 429, 503
OVERWHELMED = frozenset({200, 408, 504})  # statuses of an answer that was given up half-way
TIMED_OUT = "timeout"  # the code of a verdict that says so of another status

_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Retry:
    """How transient faults are tried again: growing pauses, plus a random part that only adds."""

    wait_initial: float = 1.0
    wait_max: float = 60.0
    jitter: float = 1.0
    connects: int = 3  # tries before a host counts as unreachable
    unreadable: int = 3  # tries before an answer that is no JSON counts as meant


@dataclass(slots=True)
class _Call:
    """One request through all its attempts."""

    method: str
    path: str
    params: Mapping[str, Any] | None
    body: bytes | None
    headers: Mapping[str, str]
    decode: Decode
    safe: bool
    divisible: bool
    budgets: tuple[Budget, ...]  # the one that the server's limits speak of first
    deadline: float
    faults: Counter[type[ConnectorError]] = field(default_factory=Counter)


class Client:
    """Sends requests to one API; any number of threads may use it.

    Reads, and requests marked `safe`, are repeated through transient faults for up to `patience` seconds. Writes are
    repeated only when the server surely did not act; a lost answer raises InDoubt (L3).
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: Auth,
        classify: Classify = by_status,
        budget: Budget | None = None,
        retry: Retry | None = None,
        timeout: tuple[float, float] = (10, 90),
        patience: float = 300.0,
        headers: Mapping[str, str] | None = None,
        redactor: Redactor | None = None,
        clock: Clock | None = None,
        cookies: RequestsCookieJar | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.budget = budget or Budget(clock=clock)
        self.redactor = redactor or process_redactor()
        self.gauge = Gauge()
        self._clock = clock or self.budget.clock
        self._auth = auth
        self._classify = classify
        self._retry = retry or Retry()
        self._timeout = timeout
        self._patience = patience
        self._log = logging.getLogger(__name__)
        self._session = _session(self.budget.max_concurrency, headers or {})
        if cookies is not None:  # those of a sign-in, which the server may replace in any answer
            self._session.cookies = cookies
        self.before_write: Callable[[], None] = lambda: None  # raises when nothing more may be written
        auth.watch(self.redactor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def token_seconds(self) -> float | None:
        """How long the token in use is still good; None when nothing expires, or the server told no lifetime."""
        return self._auth.seconds_left()

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        safe: bool | None = None,
        decode: Decode = decode_exactly,
        divisible: bool = False,
        budget: Budget | None = None,
    ) -> Reply:
        """Send one request and return its final, accepted answer, its JSON proven whole; `decode` reads it.

        `path` is relative to the base URL. Raises the errors of `ml_connector.errors` by the verdict. The caller of a
        `divisible` one can ask for less: a time-out or a broken answer then raises TooMuch at once.
        A call with a `budget` of its own draws on that one, too, and limits the server tells hold only that back.
        """
        call = _Call(
            method=method,
            path=path,
            params=params,
            body=None if json is None else _encode(json),
            headers={**({} if json is None else {"Content-Type": "application/json"}), **(headers or {})},
            decode=decode,
            safe=method in SAFE_METHODS if safe is None else safe,
            divisible=divisible,
            budgets=(self.budget,) if budget is None else (budget, self.budget),
            deadline=self._clock.monotonic() + self._patience,
        )
        try:
            return self._repeat(call)
        except (OutOfPatience, TooMuch):
            raise
        except Retryable as fault:
            message = f"{fault}; gave up after {self._patience:.0f} s. Run again later."
            raise OutOfPatience(message, retry_at=fault.retry_at) from fault

    def _repeat(self, call: _Call) -> Reply:
        for attempt in stamina.retry_context(
            on=lambda error: self._again(call, error),
            attempts=None,
            timeout=None,
            wait_initial=self._retry.wait_initial,
            wait_max=self._retry.wait_max,
            wait_jitter=self._retry.jitter,
        ):
            with attempt:
                return self._attempt(call)
        raise AssertionError  # stamina returns or raises

    def _again(self, call: _Call, error: Exception) -> bool:
        """Say whether a fault is worth another attempt within this run's patience."""
        limits: dict[type[Exception], float] = {
            Retryable: float("inf"),
            Unreachable: self._retry.connects,
            NotJson: self._retry.unreadable,
        }
        if not isinstance(error, ConnectorError) or type(error) not in limits:
            return False
        call.faults[type(error)] += 1
        again = call.faults[type(error)] < limits[type(error)] and self._clock.monotonic() < call.deadline
        if again:
            self._log.warning("%s; trying again", error)
        return again

    def _attempt(self, call: _Call) -> Reply:
        signature = self._sign(call)
        reply = self._send(call, signature)
        verdict = self._classify(reply)
        if verdict.consequence is Consequence.REAUTH and self._auth.renew(signature):
            reply = self._send(call, self._sign(call))
            verdict = self._classify(reply)
        if verdict.consequence is not Consequence.OK:
            self._raise(call, reply, verdict)
        try:
            reply.prove()
        except NotJson as error:
            if call.divisible and not reply.body.lstrip().startswith(b"<"):  # a page is no answer to anything
                raise TooMuch(str(error)) from None
            if call.safe:
                raise
            raise lost(str(reply), str(error)) from None
        return reply

    def _sign(self, call: _Call) -> dict[str, str]:
        self.budget.rest(call.deadline)  # a new token is a request, too (L5)
        try:
            return self._auth.headers()
        except Retryable as fault:
            if fault.retry_at:
                self.budget.hold((fault.retry_at - self._clock.now()).total_seconds())
            raise

    def _send(self, call: _Call, signature: Mapping[str, str]) -> Reply:
        url = self.base_url + call.path
        with ExitStack() as places:
            for budget in call.budgets:
                places.enter_context(budget.slot(call.deadline))
            if not call.safe:
                self.before_write()
            began = self._clock.monotonic()
            try:
                answer = self._session.request(
                    call.method,
                    url,
                    params=call.params,
                    data=call.body,
                    headers={**call.headers, **signature},
                    auth=_as_signed,
                    timeout=self._timeout,
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                fault = fault_of(error, f"{call.method} {self.redactor.clean(url)}", safe=call.safe)
                raise TooMuch(str(fault)) if call.divisible and ran_out(error) else fault from None
        self.gauge.note(answer.headers, self._clock.monotonic() - began, self._clock.now())
        call.budgets[0].learn(answer.headers)
        shown = self.redactor.clean(answer.request.url or url)
        return Reply(
            call.method, shown, answer.status_code, answer.headers, answer.content, safe=call.safe, decode=call.decode
        )

    def _raise(self, call: _Call, reply: Reply, verdict: Verdict) -> NoReturn:
        words = self.redactor.clean(verdict.message) or self.redactor.body(reply.body) or "no text"
        message = f"{reply}: {words}"
        code = verdict.code or f"http_{reply.status}"
        match verdict.consequence:
            case Consequence.RETRY:
                raise self._transient(call, reply, verdict, words)
            case Consequence.REFUSE:
                raise RecordRefused(code, message, field=verdict.field, value=verdict.value)
            case Consequence.PARK:
                raise RecordParked(code, message, field=verdict.field, value=verdict.value)
            case Consequence.STOP:
                raise BadAnswer(f"{message} (code {code})")
            case consequence:
                raise _PLAIN[consequence](message)

    def _transient(self, call: _Call, reply: Reply, verdict: Verdict, words: str) -> ConnectorError:
        """Hold all threads back for as long as the server asks (L5); a write that may have acted is in doubt (L3)."""
        wait = retry_after(reply.headers, self._clock.now())
        if call.divisible and wait is None and (reply.status in OVERWHELMED or verdict.code == TIMED_OUT):
            return TooMuch(f"{reply}: {words}")
        if wait is not None:
            call.budgets[0].hold(wait)
        turned_away = reply.status == THROTTLED or (reply.status == UNAVAILABLE and wait is not None)
        if call.safe or verdict.unprocessed or turned_away:
            return Retryable(f"{reply}: {words}", retry_at=None if wait is None else self._clock.after(wait))
        return lost(str(reply), words)


_PLAIN: dict[Consequence, type[ConnectorError]] = {
    Consequence.REAUTH: AuthError,
    Consequence.FORBIDDEN: Forbidden,
    Consequence.IN_DOUBT: InDoubt,
    Consequence.CONFIG: ConfigError,
}


def _session(connections: int, headers: Mapping[str, str]) -> requests.Session:
    session = requests.Session()
    session.headers.update({"Accept": "application/json", **headers})
    adapter = HTTPAdapter(pool_connections=2, pool_maxsize=connections, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _as_signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave the request as it is: with an auth callable, requests does not put a .netrc entry over our header."""
    return request
