"""Who calls: cookies, bearer tokens, signing in and out (apis/acumatica.md §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from ml_connector_simulators.acumatica.errors import failure, refused
from ml_connector_simulators.acumatica.incoming import parse
from ml_connector_simulators.acumatica.sessions import PASSWORD, TENANT, USER

if TYPE_CHECKING:
    from starlette.requests import Request

    from ml_connector_simulators.acumatica.oauth import Grant, OAuth
    from ml_connector_simulators.acumatica.sessions import Session, Sessions
    from ml_connector_simulators.acumatica.settings import Settings

COOKIE = "ASP.NET_SessionId"


class Access:
    """Lets requests in."""

    def __init__(self, sessions: Sessions, oauth: OAuth, settings: Settings) -> None:
        self.sessions = sessions
        self.oauth = oauth
        self._settings = settings
        self._of_grants: dict[str, str] = {}  # grant → its session

    def token(self, body: bytes) -> Response:
        """Answer the token endpoint."""
        if self._settings.seats_at_sign_in:
            self.sessions.require_seat()
        return self.oauth.token(body)

    def session(self, request: Request) -> Session:
        """The caller's session; refused when there is none and no token opens one."""
        session = self._of_bearer(request) if "authorization" in request.headers else self._of_cookie(request)
        if session is None:
            raise refused(401, "Authorization has been denied for this request.")
        request.state.caller = USER
        return session

    def login(self, body: bytes) -> Response:
        """`POST /entity/auth/login`."""
        words = parse(body, "credentials")
        if (words.get("name"), words.get("password")) != (USER, PASSWORD):
            raise failure("Error: Invalid credentials. Please try again.")
        if "tenant" in words and "company" in words:
            raise failure("Error: Both tenant and company are given.")
        tenant = words.get("tenant") or words.get("company")
        if tenant and tenant != TENANT and self._settings.several_tenants:
            raise failure(f"Error: The {tenant} tenant does not exist.", "PX.Data.PXUndefinedCompanyException")
        session = self.sessions.open(self._settings.cookie_seconds, words.get("branch") or None)
        answer = Response(status_code=204)
        for name, value in self._cookies(session).items():
            answer.set_cookie(name, value, httponly=True, samesite=None)
        return answer

    def logout(self, request: Request) -> Response:
        """`POST /entity/auth/logout`; IIS wants a length even of nothing."""
        if "content-length" not in request.headers:
            raise refused(411)
        if grant := self._grant(request):
            self.sessions.close(self._of_grants.pop(grant.id, ""))
            if self._settings.logout_ends_refresh:
                self.oauth.forget(grant.id)
        self.sessions.close(request.cookies.get(COOKIE, ""))
        return Response(status_code=204)

    def _cookies(self, session: Session) -> dict[str, str]:
        branch = session.branch or ""
        return {COOKIE: session.id, ".ASPXAUTH": session.id, "CompanyID": TENANT, "UserBranch": branch}

    def _grant(self, request: Request) -> Grant | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self.oauth.grant(token.strip()) if scheme.lower() == "bearer" else None

    def _of_cookie(self, request: Request) -> Session | None:
        return self.sessions.find(request.cookies.get(COOKIE, ""))

    def _of_bearer(self, request: Request) -> Session | None:
        """A grant has one session; with concurrent access, each caller without a cookie opens another."""
        grant = self._grant(request)
        if grant is None or "api" not in {scope.partition(":")[0] for scope in grant.scope.split()}:
            return None
        known = self._of_cookie(request) if grant.concurrent else self.sessions.find(self._of_grants.get(grant.id, ""))
        if known is not None:
            return known
        session = self.sessions.open(self._settings.oauth_seconds)
        if grant.concurrent:
            request.state.new_session = session.id
        else:
            self._of_grants[grant.id] = session.id
        return session
