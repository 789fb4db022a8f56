"""What is not delivered: each record with its cause, who can do something about it, and since when it waits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from ml_connector.delivery.owners import owner
from ml_connector.delivery.sink import State

if TYPE_CHECKING:
    from collections.abc import Mapping

LEFT_OPEN = (State.PARKED, State.REFUSED, State.FAILED, State.IN_DOUBT, State.WAIVED)
"""States in which a record is not in the target and stays out until something happens, in reading order."""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """One record that is not settled."""

    business_key: str
    company: str
    record_type: str
    title: str
    state: str
    reason: str
    message: str
    suggestion: str
    amount: str | None
    currency: str | None
    period: str | None
    since: str
    pipeline: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the open item of a delivery's row."""
        empty = ("title", "reason", "message", "suggestion")
        return cls(**{name: row[name] or "" if name in empty else row[name] for name in cls.__slots__})

    @property
    def owner(self) -> str:
        """Whose turn it is, by state and cause."""
        if self.state in (State.SENT, State.FAILED, State.IN_DOUBT):
            return "the next run"
        if self.state == State.WAIVED:
            return "settled by decision"
        return owner(self.reason)

    @property
    def step(self) -> str:
        """The next command to type."""
        if self.state == State.REFUSED:
            return f"ml-connector dead replay --cause {self.reason}"
        return f"ml-connector trace {self.business_key}" if self.state == State.WAIVED else "ml-connector run"

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {**asdict(self), "owner": self.owner, "next": self.step}
