"""Access tokens: issued, looked up, expired."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from ml_connector_simulators.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class _Token:
    subject: str
    expires: datetime


class Tokens:
    """The bearer tokens a simulator has issued; they live on its clock and end with its process."""

    def __init__(self, clock: Clock, lifetime: int = 3600) -> None:
        self.lifetime = lifetime  # seconds, as `expires_in` tells the client
        self._clock = clock
        self._tokens: dict[str, _Token] = {}
        self._lock = threading.Lock()

    def issue(self, subject: str) -> str:
        """A new token for a company or a user."""
        token = uuid4().hex
        with self._lock:
            self._tokens[token] = _Token(subject, self._clock.now() + timedelta(seconds=self.lifetime))
        return token

    def subject(self, token: str) -> str | None:
        """Whom a token was issued to; None when it is unknown or has expired."""
        with self._lock:
            known = self._tokens.get(token)
        return known.subject if known and known.expires > self._clock.now() else None

    def expire_all(self) -> None:
        """Make every token issued so far invalid."""
        with self._lock:
            self._tokens.clear()
