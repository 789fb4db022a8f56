"""Who looks on while the engine works: may forbid what is about to be sent, and is told what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.delivery.run import Run
    from ml_connector.delivery.work import Work


class Witness:
    """Looks on and lets everything pass; a plan, or the rule that one is required, does more.

    Every method may raise a ConnectorError: the run then stops, what it had under way unsent and its STATE not passed.
    """

    def begin(self, run: Run) -> None:
        """Learn which run it is; nothing has been sent yet."""

    def receive(self, company: str) -> None:
        """Learn that a record of this company came in."""

    def permit(self, works: Sequence[Work]) -> None:
        """Let these records be sent: called after all checks, before the first of their rows is written down (L2)."""

    def note(self, works: Sequence[Work]) -> None:
        """Learn what became of a batch, each key's newest version."""
