"""An ERP in which things happen while it is read: who edits what between two pages, and what the clocks do."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock
from zoneinfo import ZoneInfo

from ml_connector.singer.totals import STATE_KEY
from ml_connector_simulators.kit import running
from ml_connector_simulators.servicenow import ServiceNowSimulator
from ml_connector_simulators.visma import VismaSimulator

from prove import books, clocked
from prove.amounts import Document, is_model, row
from prove.common_clock import CommonClock
from prove.flow import Flow

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ml_connector.singer.stream import Stream

OSLO = ZoneInfo("Europe/Oslo")
INVOICES, PAGE = 34, 8
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens: when it begins, what people do between two pages, and what the clocks do between two reads."""

    name: str
    start: datetime
    acts: tuple[str, ...]
    pause: tuple[float, float]  # seconds between two pages, on the server's clock and on ours
    gap: tuple[float, float]  # seconds between two reads, on the server's clock


MONDAY = datetime(2026, 11, 2, 7, tzinfo=UTC)
BEFORE_WINTER = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)  # in Oslo, the hour from two to three comes twice
BEFORE_SUMMER = datetime(2027, 3, 28, 0, 45, tzinfo=UTC)  # and here not at all
EDITS = ("edit", "edit", "edit", "insert")

SCENARIOS = (
    Scenario("ties on a page's edge", MONDAY, ("edit_tie", "edit_tie", "insert_tie"), (0, 1), (0, 5)),
    Scenario("edits and inserts while paging", MONDAY, (*EDITS, "remove"), (0, 30), (0, 600)),
    Scenario("a long read", MONDAY, EDITS, (0, 2 * HOUR), (0, 60)),
    Scenario("clocks set back", BEFORE_WINTER, EDITS, (0, 300), (0, 900)),
    Scenario("clocks set forward", BEFORE_SUMMER, EDITS, (0, 300), (0, 900)),
    Scenario("server's clock jumps", MONDAY, (*EDITS, "skew", "skew"), (0, 5), (0, 60)),
)
"""The traps of apis/visma.md §3.2 and DESIGN §3."""


@dataclass(slots=True)
class Version:
    """One content of one invoice: in which read it began, and in which it ended, by the count of steps."""

    key: str
    token: str
    since: int
    until: int | None = None


@dataclass
class World:
    """The ERP, the target, and all that was ever committed."""

    scenario: Scenario
    visma: VismaSimulator
    servicenow: ServiceNowSimulator
    flow: Flow
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    versions: list[Version] = field(default_factory=list)
    reads: list[tuple[int, int]] = field(default_factory=list)
    elapsed: float = 0.0  # seconds that our clock was set forward
    _step: int = 0
    _skew: float = 0.0

    # what people do

    def insert(self, **changes: Any) -> None:
        """Enter an invoice."""
        number = f"7{len(self.versions):05d}"
        token = f"{number}-v{len(self.versions)}"
        self.visma.add("NO01", books.INVOICE, self._invoice(number, token) | changes)
        self._committed(f"Invoice/{number}", token)

    def edit(self, **changes: Any) -> None:
        """Change an invoice."""
        key = self._some_key()
        token = f"{key.rpartition('/')[2]}-v{len(self.versions)}"
        self.visma.edit("NO01", books.INVOICE, key, supplierReference=token, **changes)
        self._committed(key, token)

    def remove(self) -> None:
        """Delete an invoice: no endpoint tells of it, and the rows after it move up."""
        key = self._some_key()
        self.visma.remove("NO01", books.INVOICE, key)
        self._end(key)

    def edit_tie(self) -> None:
        """Change an invoice in the very millisecond in which another was changed."""
        self.edit(lastModifiedDateTime=self._tie())

    def insert_tie(self) -> None:
        """Enter an invoice in that millisecond."""
        self.insert(lastModifiedDateTime=self._tie())

    def skew(self) -> None:
        """Let the server's clock be wrong by up to five minutes, one way or the other."""
        wanted = self.chance.choice((-300.0, 300.0, self.chance.uniform(-300, 300)))
        self.visma.clock.advance(wanted - self._skew)
        self._skew = wanted
        self.edit()

    def _tie(self) -> str:
        return str(max(each["lastModifiedDateTime"] for each in self.visma.rows("NO01", books.INVOICE)))

    def _some_key(self) -> str:
        return self.chance.choice([version.key for version in self.versions if version.until is None])

    def _invoice(self, number: str, token: str) -> dict[str, Any]:
        document = Document("NOK", (self.chance.randint(100, 10**7),), 2500, 0)
        invoice = row(self._model, number, document) | {"supplierReference": token}
        del invoice["lastModifiedDateTime"]  # the ERP's own business
        return invoice

    def _committed(self, key: str, token: str) -> None:
        self._end(key)
        self.versions.append(Version(key, token, self._step))
        self.counts["versions committed"] += 1

    def _end(self, key: str) -> None:
        self._step += 1
        for version in self.versions:
            if version.key == key and version.until is None:
                version.until = self._step

    def settle_in(self) -> None:
        """Begin with plain invoices, entered long ago, many of them in one millisecond."""
        self._model = next(each for each in self.visma.rows("NO01", books.INVOICE) if is_model(each))
        kept = books.key_of(self._model)
        books.shrink(self.visma, "NO01", 0, orders=0, keep=(self._model,))
        long_ago = self.scenario.start.astimezone(OSLO).replace(tzinfo=None) - timedelta(days=9)
        for number in range(INVOICES):
            moment = long_ago + timedelta(minutes=number // 5)
            self.insert(lastModifiedDateTime=moment.isoformat(timespec="milliseconds"))
        self.visma.edit("NO01", books.INVOICE, kept, lastModifiedDateTime=long_ago.isoformat(timespec="milliseconds"))

    # reads

    def read(self, *, disturbed: bool) -> None:
        """Read from the newest state and deliver, things happening between the pages."""
        state = json.loads(self.flow.state.read_text()) if self.flow.state.exists() else None
        self.flow.tap_settings = {"page_size": PAGE, "max_concurrency": self.chance.choice((1, 1, 3))}
        began = self._step
        monotonic = SimpleNamespace(monotonic=lambda: time.monotonic() + self.elapsed)
        with mock.patch("ml_connector.singer.stream.time", monotonic):
            hook = self._between_pages if disturbed else None
            lines = books.sync(self.flow, state=state, after_page=hook).splitlines()
        totals = json.loads(lines[-1])["value"][STATE_KEY]["streams"]["supplier_invoices"]
        if totals["complete"]:  # else the set never stood still, and the next read begins where this one did
            self.reads.append((began, self._step))
        self.counts["reads"] += 1
        self.counts["reads of a set that never stood still"] += not totals["complete"]
        self.counts["records emitted"] += sum('"type":"RECORD"' in line[:20] for line in lines)
        printed, problem = clocked.load(self.flow, CommonClock(self.servicenow), lines)
        if problem:
            raise RuntimeError(problem)
        self.flow.keep_state("\n".join(printed) + "\n")

    def _between_pages(self, stream: Stream) -> None:
        if stream.name != "supplier_invoices":
            return
        for _ in range(self.chance.choice((0, 0, 0, 1, 2))):
            acts: dict[str, Callable[[], None]] = {name: getattr(self, name) for name in self.scenario.acts}
            acts[self.chance.choice(self.scenario.acts)]()
            self.counts[self.scenario.name] += 1
        seconds = self.chance.uniform(*self.scenario.pause)
        self.elapsed += seconds
        self.visma.clock.advance(seconds)

    def between(self) -> None:
        """Let time pass between two reads, and people go on."""
        self.visma.clock.advance(self.chance.uniform(*self.scenario.gap))
        self.edit()

    # what to judge by

    def lasting(self) -> set[tuple[str, str]]:
        """Return the versions that were there, unchanged, from before some read began until after it ended."""
        return {
            (version.key, version.token)
            for version in self.versions
            for began, ended in self.reads
            if version.since <= began and (version.until is None or version.until > ended)
        }

    def newest(self) -> dict[str, str]:
        """Return the newest version of every invoice that is still there."""
        return {version.key: version.token for version in self.versions if version.until is None}

    def effects(self) -> Counter[tuple[str, str]]:
        """Return how often each version was written to the target."""
        rows = self.servicenow.table("sn_spend_intg_imp_invoice")
        keys = ((each["u_external_invoice_number"], each["u_supplier_invoice_number"]) for each in rows)
        return Counter(key for key in keys if "-v" in key[1])

    def arrived(self) -> dict[str, str]:
        """Return the version that the target shows of each invoice."""
        rows = self.servicenow.table("sn_shop_invoice")
        return {each["external_invoice_number"]: each["supplier_invoice_number"] for each in rows}


@contextmanager
def opened(scenario: Scenario, folder: Path, chance: random.Random) -> Iterator[World]:
    """Serve an ERP and a target at the scenario's beginning."""
    with (
        running(VismaSimulator(start=scenario.start, token_lifetime=10**7)) as visma,
        running(ServiceNowSimulator()) as servicenow,
    ):
        settings = {"mode": "batch", "cutover_date": "2020-01-01"}
        world = World(
            scenario, visma, servicenow, Flow(folder, visma.url, servicenow.url, target_settings=settings), chance
        )
        world.settle_in()
        yield world
