"""Sessions and the seats they take (apis/acumatica.md §2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from ml_connector_simulators.acumatica.errors import login_limit

if TYPE_CHECKING:
    from ml_connector_simulators.acumatica.settings import Settings
    from ml_connector_simulators.kit import Clock

TENANT = "DEMO"
USER = "admin"
PASSWORD = "demo-acumatica-password"  # noqa: S105  the simulator's own


@dataclass
class Session:
    """Somebody signed in; unused it ends by itself."""

    seconds: int  # how long it lasts without a request
    expires: datetime
    branch: str | None = None
    id: str = field(default_factory=lambda: uuid4().hex)
    busy: dict[str, str] = field(default_factory=dict)  # form → the operation under way there


class Sessions:
    """The open sessions of the site."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings
        self._open: dict[str, Session] = {}

    def open(self, seconds: int, branch: str | None = None) -> Session:
        """Take a seat; refused when none is free."""
        self.require_seat()
        session = Session(seconds, self._clock.now() + timedelta(seconds=seconds), branch)
        self._open[session.id] = session
        return session

    def require_seat(self) -> None:
        """Refuse when every seat is taken."""
        seats = self._settings.seats
        if seats is not None and len(self.all()) >= seats:
            raise login_limit(self._settings.seat_shape)

    def find(self, identity: str) -> Session | None:
        """A session that has not ended; being used, it lasts longer."""
        now = self._clock.now()
        session = self._open.get(identity)
        if session is None or session.expires <= now:
            self._open.pop(identity, None)
            return None
        session.expires = now + timedelta(seconds=session.seconds)
        return session

    def close(self, identity: str) -> None:
        """Sign out: the seat is free."""
        self._open.pop(identity, None)

    def all(self) -> list[Session]:
        """Every session that holds a seat."""
        now = self._clock.now()
        return [session for session in self._open.values() if session.expires > now]

    def expire_all(self) -> None:
        """End every session, as a recycled application pool does."""
        self._open.clear()
