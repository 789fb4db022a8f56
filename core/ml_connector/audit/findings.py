"""What a verification found, and where."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

MOST = 1000
"""How many findings are kept; all are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where the books are not as they were written, in plain words.

    `after` is the event before `seq` in its chain: where two neighbours do not fit, either may be the changed one.
    """

    words: str
    run_id: str | None = None
    pipeline: str | None = None
    seq: int | None = None
    at: str | None = None
    business_key: str | None = None
    after: int | None = None


@dataclass(slots=True)
class Report:
    """What was verified and what is wrong with it."""

    runs: int = 0
    events: int = 0
    purged: int = 0  # events whose data was purged, which the trail says
    deliveries: int = 0
    first_at: str | None = None
    last_at: str | None = None
    heads: dict[str, str] = field(default_factory=dict)  # pipeline → hash of its newest event
    findings: list[Finding] = field(default_factory=list)
    found: int = 0

    def count(self, at: str, pipeline: str, link_hash: str) -> None:
        """Count an event that was followed."""
        self.events += 1
        self.first_at, self.last_at = self.first_at or at, at
        self.heads[pipeline] = link_hash

    def add(self, finding: Finding) -> None:
        """Note a finding."""
        self.found += 1
        if len(self.findings) < MOST:
            self.findings.append(finding)

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong."""
        return not self.found

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {"valid": self.valid, **asdict(self)}
