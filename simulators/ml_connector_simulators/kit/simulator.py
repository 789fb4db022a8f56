"""The simulator every vendor's extends: log, strike a fault or answer, admin routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ml_connector_simulators.kit.admin import admin_app
from ml_connector_simulators.kit.background import Background
from ml_connector_simulators.kit.clock import MONTH_END_CLOSE, Clock
from ml_connector_simulators.kit.faults import Fault, Faults
from ml_connector_simulators.kit.log import LoggedRequest, RequestLog
from ml_connector_simulators.kit.tokens import Tokens
from ml_connector_simulators.kit.wire import Answer, Exchange, encode_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Service</title></head><body>Please log in.</body></html>"


class Simulator:
    """One vendor's API as an ASGI application; a subclass sets `app`.

    A handler tells whom it let in by `request.state.caller = ...`; the log shows it.
    """

    name = "simulator"
    token_path = "/oauth_token"  # noqa: S105  a path
    app: ASGIApp

    def __init__(self, *, start: datetime = MONTH_END_CLOSE) -> None:
        self.url = ""  # set when it is served
        self.clock = Clock(start)
        self.log = RequestLog()
        self.faults = Faults()
        self.tokens = Tokens(self.clock)
        self.background = Background()
        self._admin = admin_app(self)
        self._open: set[Exchange] = set()

    def is_write(self, method: str, path: str, body: bytes) -> bool:  # noqa: ARG002  for vendors that batch
        """Whether a request could change the vendor's data."""
        return method in {"POST", "PUT", "PATCH", "DELETE"} and path.lower() != self.token_path

    def edits(self) -> Mapping[str, Callable[..., Any]]:
        """The changes a user of the vendor's system could make, by the name `POST /_sim/edit` calls them."""
        return {}

    def fault(self, **fields: Any) -> Fault:
        """The fault that `POST /_sim/faults` describes; a vendor may know some by name."""
        return Fault(**fields)

    def admin_routes(self) -> Sequence[BaseRoute]:
        """What this vendor's simulator answers under `/_sim/` beyond what all do."""
        return ()

    def text(self, exchange: Exchange) -> str:  # noqa: ARG002  for vendors whose paths say little
        """What a request says, for the faults that look for a text."""
        return ""

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until late commits and background jobs have ended (advance the clock first)."""
        self.background.settle(timeout)

    def close(self) -> None:
        """Release what the simulator holds; `running` calls it at its end."""

    async def hang_up(self) -> None:
        """Close every exchange that still waits, so that the server can end."""
        for exchange in list(self._open):
            await exchange.hang_up()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, the way ASGI asks for it."""
        if scope["path"].startswith("/_sim/"):
            await self._admin(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        await exchange.read()
        self._open.add(exchange)
        try:
            await self._serve(exchange)
        finally:
            self._open.discard(exchange)

    async def _serve(self, exchange: Exchange) -> None:
        scope = exchange.scope
        method, path = scope["method"], scope["path"]
        entry = LoggedRequest(
            method=method,
            path=path,
            query=dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True)),
            size=len(exchange.body),
            at=self.clock.now(),
            is_write=self.is_write(method, path, exchange.body),
        )
        self.log.add(entry)
        is_token_request = path.lower() == self.token_path
        fault = self.faults.strike(method, path, is_token_request=is_token_request, text=self.text(exchange))
        if fault is None:
            await self._reply(exchange, entry, await self._handle(exchange, entry))
        else:
            entry.fault = fault.kind
            await self._misbehave(exchange, entry, fault)

    async def _handle(self, exchange: Exchange, entry: LoggedRequest) -> Answer:
        state = exchange.scope.setdefault("state", {})
        answer = await exchange.handle(self.app)
        entry.caller = state.get("caller")
        entry.committed = True
        return answer

    async def _reply(self, exchange: Exchange, entry: LoggedRequest, answer: Answer) -> None:
        entry.status = answer.status  # before it is sent: the client may read the log at once
        await exchange.reply(answer.dated(self.clock.now()))

    async def _misbehave(self, exchange: Exchange, entry: LoggedRequest, fault: Fault) -> None:
        match fault.kind:
            case "reset":
                await exchange.reset()
            case "timeout":
                if await exchange.silence(fault.seconds):
                    await exchange.hang_up()
            case "commit_then_drop":
                await self._handle(exchange, entry)
                await exchange.hang_up()
            case "commit_late":
                await self._commit_late(exchange, entry, fault.delay)
            case _:
                answer = await self._faulty_answer(exchange, entry, fault)
                if answer is not None:
                    await self._reply(exchange, entry, answer)

    async def _faulty_answer(self, exchange: Exchange, entry: LoggedRequest, fault: Fault) -> Answer | None:
        if fault.kind == "status":
            text = isinstance(fault.body, str)
            body = fault.body.encode() if text else encode_json(fault.body)
            return Answer.of(fault.status, body, "text/plain" if text else "application/json", fault.headers)
        if fault.kind == "html":
            return Answer.of(200, LOGIN_PAGE, "text/html; charset=utf-8", fault.headers)
        if fault.kind == "token_expiry":
            self.tokens.expire_all()
        if fault.kind == "latency" and not await exchange.silence(fault.seconds):
            return None
        answer = await self._handle(exchange, entry)
        if fault.kind == "truncated":
            return answer.cut_short(promise_whole_length=fault.promise_whole_length)
        return answer

    async def _commit_late(self, exchange: Exchange, entry: LoggedRequest, delay: float) -> None:
        async def commit() -> None:
            await self.clock.sleep(delay)
            await self._handle(exchange, entry)

        task = self.background.start(commit())
        # A client without a time-out of its own hears the connection close once all is done.
        task.add_done_callback(lambda _: exchange.close())
        await exchange.gone()
