"""The sessions of the fake Snowflake: session tokens that expire and are renewed, master tokens that end."""

from __future__ import annotations

import re
import secrets
import threading
from typing import TYPE_CHECKING

from ml_connector_simulators.snowflake.errors import known
from ml_connector_simulators.snowflake.session import Login, Session

if TYPE_CHECKING:
    from ml_connector_simulators.kit import Clock
    from ml_connector_simulators.snowflake.engine import Engine

SESSION_SECONDS = 3600
MASTER_SECONDS = 14_400  # the connector beats its heart every quarter of it
_TOKEN = re.compile(r'Snowflake Token="([^"]*)"')


class Sessions:
    """Who is logged in; tokens live on the simulator's clock."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.logins: list[Login] = []
        self._engine, self._clock = engine, clock
        self._sessions: dict[str, tuple[Session, float]] = {}
        self._masters: dict[str, tuple[Session, float]] = {}
        self._lock = threading.Lock()

    def open(self, login: Login) -> tuple[Session, str, str]:
        """Let somebody in: the session, its token and its master token."""
        session = Session(self._engine, login)
        with self._lock:
            self.logins.append(login)
            return session, self._issue(self._sessions, session, SESSION_SECONDS), self._master(session)

    def renew(self, authorization: str) -> tuple[Session, str, str]:
        """New tokens for a master token; 390114 when that has ended too."""
        session = self._known(self._masters, authorization)
        if session is None:
            raise known("master_token_expired")
        with self._lock:
            return session, self._issue(self._sessions, session, SESSION_SECONDS), self._master(session)

    def get(self, authorization: str) -> Session:
        """The session of a request; 390112 tells the client to renew it."""
        session = self._known(self._sessions, authorization)
        if session is None:
            raise known("session_expired")
        return session

    def find(self, authorization: str) -> Session | None:
        """The session of a request, if it has one."""
        return self._known(self._sessions, authorization)

    def close_one(self, authorization: str) -> None:
        """Log out."""
        session = self.get(authorization)
        with self._lock:
            for tokens in (self._sessions, self._masters):
                for token in [token for token, (each, _) in tokens.items() if each is session]:
                    del tokens[token]
        session.close()

    def expire(self) -> None:
        """Every session token has expired: the client must renew it with its master token."""
        with self._lock:
            self._sessions.clear()

    def end_all(self) -> None:
        """Every master token has expired too: the client must log in again; open transactions are rolled back."""
        with self._lock:
            ended = {id(session): session for session, _ in [*self._sessions.values(), *self._masters.values()]}
            self._sessions.clear()
            self._masters.clear()
        for session in ended.values():
            session.close()

    def close(self) -> None:
        """End all sessions."""
        self.end_all()

    def _known(self, tokens: dict[str, tuple[Session, float]], authorization: str) -> Session | None:
        found = _TOKEN.fullmatch(authorization)
        with self._lock:
            session, until = tokens.get(found[1] if found else "", (None, 0.0))
        return session if until > self._clock.now().timestamp() else None

    def _master(self, session: Session) -> str:
        return self._issue(self._masters, session, MASTER_SECONDS)

    def _issue(self, tokens: dict[str, tuple[Session, float]], session: Session, seconds: int) -> str:
        token = secrets.token_urlsafe(24)
        tokens[token] = (session, self._clock.now().timestamp() + seconds)
        return token
