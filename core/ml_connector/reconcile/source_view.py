"""What the source has, put beside the books: from the lines that a census tells."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.delivery.balance import Sum
from ml_connector.reconcile.census import GONE, LEFT_OUT
from ml_connector.reconcile.ledger import Heading, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Listed:
    """One stream as it was listed."""

    pipeline: str
    stream: str
    count: int
    complete: bool


@dataclass(frozen=True, slots=True)
class SourceFinding:
    """A record on which source and books do not agree."""

    pipeline: str
    finding: str  # never_read, changed, voided, vanished
    business_key: str
    company: str
    record_type: str
    title: str
    amount: str | None
    currency: str | None
    state: str | None  # in the books
    modified: str | None  # in the source
    held_modified: str | None  # of what the books hold
    waits: bool  # newer than all that was read: the next run brings it
    stub: Mapping[str, Any] = field(default_factory=dict)  # the Singer record that tells the target of a deletion

    @property
    def step(self) -> str:
        """The next command to type."""
        return "ml-connector reconcile --census --apply" if self.finding == GONE else "ml-connector run"

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        names = [name for name in self.__slots__ if name != "stub"]
        return {**{name: getattr(self, name) for name in names}, "next": self.step}


@dataclass(frozen=True, slots=True)
class Doubt:
    """So many records missing at once that deletion is not believed."""

    company: str
    record_type: str
    missing: int
    held: int
    allowed: int


@dataclass(slots=True)
class SourceView:
    """The outcome of a census."""

    streams: list[Listed] = field(default_factory=list)
    findings: list[SourceFinding] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    totals: dict[Heading, dict[str, Sum]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Sum)))
    left_out: dict[Rule, Sum] = field(default_factory=lambda: defaultdict(Sum))

    def take(self, pipeline: str, lines: Iterable[Mapping[str, Any]]) -> None:
        """Add what one pipeline's census told."""
        for line in lines:
            if "stream" in line and "finding" not in line:
                self.streams.append(Listed(pipeline, line["stream"], line["count"], line["complete"]))
            elif "finding" in line:
                self._find(pipeline, line)
            elif "not_believed" in line:
                self.doubts.append(Doubt(**line["not_believed"]))
            elif "total" in line:
                self._add(line["total"])

    def _find(self, pipeline: str, line: Mapping[str, Any]) -> None:
        stub = {name: line[name] for name in ("stream", "keys", "stub") if name in line}
        names = [name for name in SourceFinding.__slots__ if name not in ("pipeline", "stub")]
        facts = {name: line[name] for name in names}
        self.findings.append(SourceFinding(pipeline, **facts, stub=stub))

    def _add(self, total: Mapping[str, Any]) -> None:
        heading = Heading(total["company"], total["record_type"], total["currency"])
        self.totals[heading][total["kind"]].add(total["count"], Decimal(total["amount"]))
        if total["kind"] == LEFT_OUT:
            rule = Rule(total["company"], total["record_type"], total["rule"], total["currency"])
            self.left_out[rule].add(total["count"], Decimal(total["amount"]))

    @property
    def missed(self) -> list[SourceFinding]:
        """What no later run would bring: never read, or changed or gone without our noticing."""
        return [each for each in self.findings if not each.waits]

    @property
    def unlisted(self) -> list[str]:
        """The streams that were not listed whole."""
        return [each.stream for each in self.streams if not each.complete]

    @property
    def vanished(self) -> Sequence[SourceFinding]:
        """What the source has no more."""
        return [each for each in self.findings if each.finding == GONE]
