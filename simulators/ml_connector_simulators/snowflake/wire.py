"""Snowflake's endpoints as the connector calls them: log in, renew, run, upload, ask after a query."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from fakesnow.expr import normalise_ident
from fakesnow.server import bucket_upload
from fakesnow.transforms import SERVER_VERSION
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ml_connector_simulators.snowflake import results
from ml_connector_simulators.snowflake.errors import StatementError, refusal
from ml_connector_simulators.snowflake.failures import refused
from ml_connector_simulators.snowflake.session import Login
from ml_connector_simulators.snowflake.sessions import MASTER_SECONDS, SESSION_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from ml_connector_simulators.snowflake.log import Statement, Statements
    from ml_connector_simulators.snowflake.session import Session
    from ml_connector_simulators.snowflake.sessions import Sessions


class Wire:
    """The HTTP face of the sessions."""

    def __init__(self, sessions: Sessions, statements: Statements) -> None:
        self._sessions, self._statements = sessions, statements

    def app(self) -> Starlette:
        """The routes the connector calls, and the token endpoint of an OAuth provider."""
        return Starlette(
            routes=[
                Route("/session/v1/login-request", _told(self.login), methods=["POST"]),
                Route("/session/token-request", _told(self.renew), methods=["POST"]),
                Route("/session/heartbeat", _told(self.heartbeat), methods=["POST"]),
                Route("/session", _told(self.session), methods=["POST", "DELETE"]),
                Route("/queries/v1/query-request", _told(self.query), methods=["POST"]),
                Route("/queries/v1/abort-request", _told(self.heartbeat), methods=["POST"]),
                Route("/queries/{query_id}/result", _told(self.result), methods=["GET"]),
                Route("/monitoring/queries/{query_id}", _told(self.monitor), methods=["GET"]),
                Route("/monitoring/queries//{query_id}", _told(self.monitor), methods=["GET"]),
                Route("/telemetry/send", _told(self.telemetry), methods=["POST"]),
                Route("/telemetry/send/sessionless", _told(self.telemetry), methods=["POST"]),
                Route("/oauth/token-request", _oauth_token, methods=["POST"]),
                Route("/fs_bucket/{path:path}", bucket_upload, methods=["PUT"]),
            ]
        )

    async def login(self, request: Request) -> dict[str, Any]:
        """Let anybody in who tells a user or a token; a test refuses by a fault."""
        said = (await _said(request))["data"]
        query = request.query_params
        login = Login(
            user=said.get("LOGIN_NAME") or "SIM_USER",
            account=said.get("ACCOUNT_NAME") or "sim",
            authenticator=said.get("AUTHENTICATOR") or "SNOWFLAKE",
            role=_name(query.get("roleName")),
            warehouse=_name(query.get("warehouse")),
            database=_name(query.get("databaseName")),
            schema=_name(query.get("schemaName")),
            parameters=said.get("SESSION_PARAMETERS") or {},
            client={"id": said.get("CLIENT_APP_ID"), "version": said.get("CLIENT_APP_VERSION")}
            | {"application": (said.get("CLIENT_ENVIRONMENT") or {}).get("APPLICATION")},
        )
        session, token, master = await run_in_threadpool(self._sessions.open, login)
        request.state.caller = login.user
        return _tokens(session, token, master) | {
            "serverVersion": SERVER_VERSION,
            "displayUserName": login.user.upper(),
            "firstLogin": False,
            "parameters": results.parameters(session),
            "sessionInfo": results.session_info(session),
        }

    async def renew(self, request: Request) -> dict[str, Any]:
        """A new session token for a master token."""
        session, token, master = self._sessions.renew(_authorization(request))
        old = _tokens(session, token, master)
        return old | {
            "sessionToken": token,
            "validityInSecondsST": SESSION_SECONDS,
            "validityInSecondsMT": MASTER_SECONDS,
        }

    async def heartbeat(self, request: Request) -> None:
        """Nothing but a sign of life."""
        self._sessions.get(_authorization(request))

    async def session(self, request: Request) -> None:
        """Log out, when `delete` is asked for."""
        if request.query_params.get("delete") or request.method == "DELETE":
            await run_in_threadpool(self._sessions.close_one, _authorization(request))

    async def telemetry(self, _: Request) -> None:
        """Taken in and thrown away."""

    async def query(self, request: Request) -> dict[str, Any]:
        """Run a statement."""
        entry: Statement | None = getattr(request.state, "statement", None)
        session = self._sessions.get(_authorization(request))
        request.state.caller = session.login.user
        try:
            said = await _said(request)
            data, rows = await run_in_threadpool(
                session.once, request.query_params.get("requestId"), results.run, session, said, str(request.base_url)
            )
        except StatementError as error:
            if entry is not None:
                entry.outcome, entry.message = error.code, error.message
            raise
        if entry is not None:
            entry.outcome, entry.query_id, entry.rows = "done", data.get("queryId"), rows
        return data

    async def result(self, request: Request) -> dict[str, Any]:
        """The answer of a statement that ran before."""
        session = self._sessions.get(_authorization(request))
        return results.again(session, request.path_params["query_id"])

    async def monitor(self, request: Request) -> dict[str, Any]:
        """Whether a statement has ended."""
        session = self._sessions.get(_authorization(request))
        known = request.path_params["query_id"] in session.outcomes
        return {"queries": [{"id": request.path_params["query_id"], "status": "SUCCESS"}] if known else []}


def _told(work: Callable[[Request], Awaitable[dict[str, Any] | None]]) -> Callable[[Request], Awaitable[Response]]:
    """Put what a handler returns, or the error it raises, into Snowflake's envelope."""

    async def handler(request: Request) -> Response:
        try:
            with refused(None):
                data = await work(request)
        except StatementError as error:
            return JSONResponse(refusal(error.code, error.sqlstate, error.message))
        return JSONResponse({"success": True, "code": None, "message": None, "data": data})

    return handler


async def _said(request: Request) -> dict[str, Any]:
    body = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return dict(json.loads(body))


async def _oauth_token(request: Request) -> Response:
    """An access token for client credentials; a client without a secret is refused."""
    form = (await request.body()).decode()
    if "grant_type=client_credentials" not in form:
        return JSONResponse({"error": "unsupported_grant_type"}, 400)
    if not request.headers.get("authorization") and "client_secret=" not in form:
        return JSONResponse({"error": "invalid_client"}, 401)
    return JSONResponse({"access_token": "sim-access-token", "token_type": "Bearer", "expires_in": 600})


def _tokens(session: Session, token: str, master: str) -> dict[str, Any]:
    lifetimes = {"validityInSeconds": SESSION_SECONDS, "masterValidityInSeconds": MASTER_SECONDS}
    return {"token": token, "masterToken": master, "sessionId": int(session.id), **lifetimes}


def _authorization(request: Request) -> str:
    return request.headers.get("authorization", "")


def _name(text: str | None) -> str | None:
    return normalise_ident(text) if text else None
