"""Engine and target against a plain model: whatever happens in whatever order, every record ends as it should."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from ml_connector.delivery.report import RunReport
from ml_connector.delivery.settings import Guards
from ml_connector.errors import Unreachable

from tests.delivery.clock import living_by
from tests.delivery.conftest import SOURCE_MAP, TARGET_MAP, Pipeline, invoice, supplier
from tests.delivery.fake_target import FakeSink, Killed

NUMBERS = ("100", "101", "102")
ACCOUNTS = ("6300", "6400", "7777", "8888")
WINDOW = timedelta(hours=1)
numbers = st.sampled_from(NUMBERS)
accounts = st.sampled_from(ACCOUNTS)
KEY = "erp:NO01:supplier_invoices:{}"
NEEDS_A_PERSON = {("refused", "rejected"), ("failed", "busy")}
keys = numbers.map(KEY.format)
GUARDS = {"guards": Guards(source_states=("open", "active"))}


@dataclass
class Document:
    """What the source system has of one invoice."""

    accounts: list[str]
    foots: bool = True
    held: bool = False
    readable: bool = True
    version: int = 0  # shows in the total, so that no two versions have one content

    @property
    def total(self) -> Decimal:
        return Decimal(10 * len(self.accounts) + self.version)

    def native(self, number: str) -> dict[str, Any]:
        lines = [{"nr": at, "amount": Decimal(10), "account": code} for at, code in enumerate(self.accounts, 1)]
        tax = Decimal(self.version)
        record = invoice(number, lines=lines, tax=tax, total=self.total + (0 if self.foots else 1))
        if self.held:
            record["status"] = "Hold"
        if not self.readable:
            record["date"] = "soon"
        return record


MISHAPS: dict[str, st.SearchStrategy[Any]] = {
    "lose": st.sets(keys, min_size=1),
    "swallow": st.sets(keys, min_size=1),
    "refuse": st.dictionaries(keys, st.just("rejected"), min_size=1),
    "fail": st.sets(keys, min_size=1),
    "die_at": st.integers(1, 15),
    "down_after": st.integers(0, 6),
    "asynchronous": st.just(True),
}
TROUBLE = st.one_of(st.just({}), *(st.fixed_dictionaries({name: kind}) for name, kind in MISHAPS.items()))
"""What goes wrong in one run."""


@dataclass
class Day:
    """What happens in the source, and then in a run."""

    edits: dict[str, list[str]]
    toggles: dict[str, str]
    again: list[str]  # read though nothing changed
    trouble: dict[str, Any]
    rows: int
    how: dict[str, bool]
    pause: int


DAYS = st.builds(
    Day,
    edits=st.dictionaries(numbers, st.lists(accounts, max_size=3), max_size=2),
    toggles=st.dictionaries(numbers, st.sampled_from(["foots", "held", "readable"]), max_size=2),
    again=st.lists(numbers, max_size=1),
    trouble=TROUBLE,
    rows=st.integers(1, 5),
    how=st.sampled_from([{}, {}, {}, {"replay": True}, {"resend": True}]),
    pause=st.sampled_from([1, 7200]),
)


class Delivery(RuleBasedStateMachine):
    """A source system, a target, and the engine between them, on a clock of their own."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.pipeline = Pipeline(Path(self.folder.name))
        self.now = datetime(2026, 10, 10, tzinfo=UTC)
        self.source: dict[str, Document] = {}
        self.unread: list[str] = []  # changed in the source and not passed by STATE
        self.accounts = {"6300": "true", "6400": "true", "9999": "true"}
        self.map = TARGET_MAP
        self.resent = False
        self._masters()
        self.run(["supplier"], {})
        for number in NUMBERS:
            self.edit(number, ["6300"])

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            with self.folder:
                self.quiesce()

    # the source

    def edit(self, number: str, codes: list[str]) -> None:
        document = self.source.setdefault(number, Document([]))
        document.accounts = codes
        document.version += 1
        self._changed(number)

    def toggle(self, number: str, what: str) -> None:
        setattr(self.source[number], what, not getattr(self.source[number], what))
        self._changed(number)

    def _changed(self, number: str) -> None:
        self.unread = [each for each in self.unread if each != number] + [number]

    # the target

    @rule(code=st.sampled_from((*ACCOUNTS, "9999")), active=st.sampled_from(["true", "false", None]))
    def account(self, code: str, active: str | None) -> None:
        if active is None:
            self.accounts.pop(code, None)
        else:
            self.accounts[code] = active
        self._masters()

    def _masters(self) -> None:
        self.pipeline.server.masters["accounts"] = [
            {"source": "erp:NO01", "code": code, "active": active, "id": code} for code, active in self.accounts.items()
        ]

    # between them

    @rule()
    def map_changes(self) -> None:
        self.map = TARGET_MAP if self.map != TARGET_MAP else TARGET_MAP.replace("name: name", "name: upper(name)")

    @rule(day=DAYS)
    def change_and_run(self, day: Day) -> None:
        for number, codes in day.edits.items():
            self.edit(number, codes)
        for number, what in day.toggles.items():
            self.toggle(number, what)
        self.now += timedelta(seconds=day.pause)
        self.run([*day.again, *self.unread], day.trouble, batch_rows=day.rows, **day.how)

    def run(self, read: list[str], trouble: dict[str, Any], **how: Any) -> RunReport | None:
        sink = FakeSink(self.pipeline.server, settle_window=WINDOW, now=lambda: self.now, **trouble)
        self.pipeline.states.clear()
        self.pipeline.server.repeats.clear()
        messages = [self._message(each) for each in read]
        report = None
        with living_by(lambda: self.now), suppress(Killed, Unreachable):
            report = self.pipeline.run(
                *messages, sink=sink, source_map=SOURCE_MAP, target_map=self.map, **GUARDS, **how
            )
        self.resent |= "resend" in how
        if not self.resent:  # else a row may be written again with what it has
            assert not [name for name, count in self.pipeline.server.repeats.items() if count and "header" in name]
        passed = self.pipeline.states[-1]["at"] + 1 if self.pipeline.states else 0
        arrived, waiting = read[:passed], read[passed:]  # what STATE has not passed is read again
        left = [each for each in self.unread if each not in arrived]
        self.unread = [each for each in dict.fromkeys([*left, *waiting]) if each != "supplier"]
        if report is not None:
            assert report.differences == []
            assert not set(read).intersection(self.unread)
        if report is None and trouble.get("die_at") is None:
            assert self.pipeline.rows("runs")[-1]["balance"] != "out_of_balance"
        return report

    def _message(self, number: str) -> tuple[str, dict[str, Any]]:
        if number == "supplier":
            return "suppliers", supplier("S1")
        return "supplier_invoices", self.source[number].native(number)

    # what must hold in the end

    def quiesce(self) -> None:
        """Let time pass and weather clear, and expect what the model expects."""
        for _ in range(3):
            self.now += timedelta(days=1)
            self.run(["supplier", *self.unread], {})
        helpless = [number for number in self.source if self._states()[KEY.format(number)] in NEEDS_A_PERSON]
        self.run(helpless, {}, replay=True)
        states = self._states()
        for number, document in self.source.items():
            self._expect(number, document, states[KEY.format(number)])
        waiting = {row["business_key"] for row in self.pipeline.rows("dead_letters") if row["closed_at"] is None}
        assert waiting == {key for key, (state, _) in states.items() if state in ("parked", "refused")}
        self.run([*self.source], {})  # what was delivered under another map, or before an account went, goes with it
        before = self.pipeline.server.writes.copy()
        self.run([*self.source], {})
        assert self.pipeline.server.writes == before

    def _states(self) -> dict[str, tuple[str, str | None]]:
        return {row["business_key"]: (row["state"], row["reason"]) for row in self.pipeline.rows("deliveries")}

    def _expect(self, number: str, document: Document, found: tuple[str, str | None]) -> None:
        expected = self._expected(document)
        if found[0] == "delivered" and expected[0] == "parked":
            expected = found  # its account went away after it had arrived
        assert found == expected, (number, document)
        if found[0] == "delivered":
            self._expect_rows(number, document)

    def _expected(self, document: Document) -> tuple[str, str | None]:
        if not document.readable:
            return "refused", "not_mappable"
        if document.held:
            return "skipped", "source_state_draft"
        if not document.foots:
            return "refused", "does_not_foot"
        states = [self.accounts.get(code) for code in document.accounts]
        for state in states:
            if state is None:
                return "parked", "account_missing"
            if state == "false" and self.accounts.get("9999") != "true":
                return "parked", "account_inactive"
        return "delivered", None

    def _expect_rows(self, number: str, document: Document) -> None:
        tables = self.pipeline.server.tables
        (header,) = (row for row in tables["invoices"].values() if row["key"] == number)
        assert header["total"] == document.total
        lines = {row["line"]: row for row in tables.get("invoice_lines", {}).values() if row["key"] == number}
        for at, code in enumerate(document.accounts, 1):
            assert lines[str(at)]["account"] in {code, "9999"}


TestDelivery = Delivery.TestCase
TestDelivery.settings = settings(
    max_examples=70,
    stateful_step_count=10,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)
