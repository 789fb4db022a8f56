"""Workflow actions on a document that was written: POST, then its long operation is followed (apis/acumatica.md §5)."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ml_connector.errors import BadAnswer, ConfigError, OutOfPatience, RecordError, RecordParked

from target_acumatica.document import HOLD
from target_acumatica.policy import ACTIONS
from target_acumatica.values import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.http import Clock

    from target_acumatica.document import Record
    from target_acumatica.reader import Reader

ACTION_FAILED = "action_failed"
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0  # seconds


@dataclass(slots=True)
class Actions:
    """Runs actions of one tenant."""

    reader: Reader
    clock: Clock
    patience: float
    after_create: Mapping[str, Sequence[str]]

    def due(self, entity: str, memory: Mapping[str, Any] | None) -> list[str]:
        """Return what is still to be run: of a document of which nothing is known yet, everything."""
        return list(self.after_create.get(entity, ()) if memory is None else memory.get("todo") or ())

    def open(self, todo: Sequence[str], record: Record) -> list[str]:
        """Return the actions whose effect a document does not show."""
        return [action for action in todo if plain(record, HOLD) is not ACTIONS.get(action)]

    def run(self, entity: str, target_id: str, action: str) -> str | None:
        """Run one action; return where its outcome is to be read when it has not ended within our patience.

        Raises InDoubt when the answer is lost, RecordParked when Acumatica does not carry it out.
        """
        path = f"{self.reader.root}/{entity}/{action}"
        body = {"entity": {"id": target_id}, "parameters": {}}
        reply = self.reader.client.request("POST", path, json=body)
        location = reply.headers.get("Location")
        if reply.status != HTTPStatus.ACCEPTED or not location:
            return None  # a 204 may name the document as its Location, which is not followed
        place = self._path(location)
        return None if self._ended(place) else place

    def is_over(self, location: str) -> bool:
        """Look once whether a long operation has ended.

        Raises:
            RecordParked: It ended without success, or the tenant has forgotten it.
        """
        try:
            reply = self.reader.client.request("GET", location)
        except (BadAnswer, ConfigError, RecordError) as error:
            raise RecordParked(ACTION_FAILED, str(error)) from None
        return reply.status != HTTPStatus.ACCEPTED

    def _ended(self, location: str) -> bool:
        """Wait for a long operation; other requests of the session fail for its form while it runs."""
        deadline, pause = self.clock.monotonic() + self.patience, FIRST_PAUSE
        while not self.is_over(location):
            if self.clock.monotonic() + pause > deadline:
                return False
            try:
                self.clock.sleep(pause)
            except OutOfPatience:  # the run is to end; the operation's place is kept
                return False
            pause = min(pause * 1.5, LONGEST_PAUSE)
        return True

    def _path(self, location: str) -> str:
        """Return a Location as a path of the client: it is site-absolute, and the site is in the client's address."""
        site, told = urlsplit(self.reader.client.base_url), urlsplit(location)
        if told.netloc and told.netloc != site.netloc:
            raise BadAnswer(f"an action's Location is on another host: {told.netloc}")
        path = told.path.removeprefix(site.path)
        return f"{path}?{told.query}" if told.query else path
