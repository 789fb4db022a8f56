"""The small world of proof 6: a source in memory, two target instances, the engine between them, on its own clock."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

from ml_connector.audit.book import StoreBook
from ml_connector.audit.verify import Verifier
from ml_connector.delivery.settings import Guards
from ml_connector.errors import ConnectorError
from ml_connector.store import open_store
from ml_connector.store.text import digest

from tests.delivery.clock import living_by
from tests.delivery.conftest import SOURCE_MAP, TARGET_MAP, Pipeline, invoice, supplier
from tests.delivery.fake_target import FakeSink, Killed, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ml_connector.delivery.engine import Engine
    from sqlalchemy import Connection

NUMBERS = ("100", "101", "102")
ACCOUNTS = ("6300", "6400", "7777", "8888")
INSTANCES = ("fake-1", "fake-2")
WINDOW = timedelta(hours=1)
GUARDS = Guards(source_states=("open", "active"))
CANCELS = TARGET_MAP.replace("    __frozen_states__:", "    __cancelled__: {stage: canceled}\n    __frozen_states__:")
MAPS = tuple(
    CANCELS.replace("states: [approved, paid]", "states: [approved, paid, canceled]").replace("name: name", name)
    for name in ("name: name", "name: upper(name)")
)


def key_of(number: str) -> str:
    """Return the business key of an invoice."""
    return f"erp:NO01:supplier_invoices:{number}"


@dataclass
class Document:
    """What the source has of one invoice; `version` shows in its total, so that no two versions have one content."""

    accounts: tuple[str, ...] = ()
    foots: bool = True
    gone: bool = False
    version: int = 0

    @property
    def total(self) -> Decimal:
        """The amount on it."""
        return Decimal(10 * len(self.accounts) + self.version)

    def native(self, number: str) -> dict[str, Any]:
        """Return it as the tap reads it, or as a census tells that it is gone."""
        if self.gone:
            return {
                "_company": "NO01",
                "number": number,
                "_sdc_deleted_at": f"2026-11-01T08:00:{self.version % 60:02}Z",
            }
        lines = [{"nr": at, "amount": Decimal(10), "account": code} for at, code in enumerate(self.accounts, 1)]
        total = self.total + (0 if self.foots else 1)
        return invoice(number, lines=lines, tax=Decimal(self.version), total=total)


@dataclass
class Mortal(Pipeline):
    """A pipeline whose process may die right before a commit."""

    dies_at_commit: int | None = None

    def engine(self, sink: FakeSink, **settings: Any) -> Engine:
        """Return the engine of one run, which dies when its turn comes."""
        engine = super().engine(sink, **settings)
        store, plain, seen = engine._store, engine._store.transaction, count(1)  # noqa: SLF001  to kill it inside

        @contextmanager
        def transaction() -> Iterator[Connection]:
            with plain() as connection:
                yield connection
                if next(seen) == self.dies_at_commit:
                    raise Killed

        store.transaction = transaction  # type: ignore[method-assign]
        return engine


@dataclass
class World:
    """Everything that outlives a process, and what the model expects of it."""

    folder: Path
    servers: dict[str, Server] = field(default_factory=lambda: {name: Server() for name in INSTANCES})
    instance: str = INSTANCES[0]
    now: datetime = datetime(2026, 10, 10, tzinfo=UTC)
    source: dict[str, Document] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)  # changed in the source, and not passed by STATE
    masters: dict[str, str] = field(default_factory=lambda: dict.fromkeys(("6300", "6400", "9999"), "true"))
    map: str = MAPS[0]
    versions: dict[str, Document] = field(default_factory=dict)  # by the hash of what was read
    edits: dict[tuple[str, str], str] = field(default_factory=dict)  # instance and version: the first line's account
    notes: dict[tuple[str, str], str] = field(default_factory=dict)  # what people wrote into rows of the target
    resent: bool = False
    writes: int = 0

    def __post_init__(self) -> None:
        self.pipeline = Mortal(self.folder, server=self.servers[self.instance])

    @property
    def server(self) -> Server:
        """The instance that the target is pointed at."""
        return self.servers[self.instance]

    def change(self, number: str, **changes: Any) -> None:
        """Change an invoice in the source, so that the tap reads it in the next run."""
        before = self.source.get(number, Document())
        self.source[number] = replace(before, **{"gone": False, **changes, "version": before.version + 1})
        self.read_again(number)

    def read_again(self, *numbers: str) -> None:
        """Let the tap read these in the next run, as it does when its STATE is lost."""
        self.unread = [each for each in self.unread if each not in numbers] + list(numbers)

    def header(self, number: str, instance: str | None = None) -> dict[str, Any] | None:
        """Return the invoice's row in the target."""
        rows = self.servers[instance or self.instance].tables.get("invoices", {}).values()
        return next((row for row in rows if row.get("key") == number), None)

    # a run

    def run(self, trouble: dict[str, Any], *, read: tuple[str, ...] = (), **how: Any) -> list[str]:
        """Run once; return every law that does not hold afterwards."""
        before = sum(server.writes.total() for server in self.servers.values())
        for server in self.servers.values():
            server.repeats.clear()
            server.masters["accounts"] = [
                {"source": "erp:NO01", "code": code, "active": active, "id": code}
                for code, active in self.masters.items()
            ]
        messages = [("supplier", ("suppliers", supplier("S1")))]
        for number in dict.fromkeys((*read, *self.unread)):
            native = self.source[number].native(number)
            plain = {name: value for name, value in native.items() if name != "_sdc_deleted_at"}
            self.versions[digest(plain)] = self.source[number]
            messages.append((number, ("supplier_invoices", native)))
        told = self._process(messages, trouble, how)
        self.writes += sum(server.writes.total() for server in self.servers.values()) - before
        return told + self._laws()

    def _process(self, messages: list[Any], trouble: dict[str, Any], how: dict[str, Any]) -> list[str]:
        trouble = dict(trouble)
        self.pipeline.dies_at_commit = trouble.pop("dies_at_commit", None)
        self.pipeline.server = self.server
        self.pipeline.states.clear()
        sink = FakeSink(self.server, self.instance, WINDOW, now=lambda: self.now, **trouble)
        self.resent |= "resend" in how
        report, told = None, []
        settings = {"source_map": SOURCE_MAP, "target_map": self.map, "guards": GUARDS, **how}
        try:
            with living_by(lambda: self.now):
                report = self.pipeline.run(*(message for _, message in messages), sink=sink, **settings)
        except Killed:
            pass
        except ConnectorError:
            if self.pipeline.rows("runs")[-1]["balance"] == "out_of_balance":
                told.append("L8: a stopped run is out of balance")
        finally:
            self.pipeline.dies_at_commit = None
        passed = self.pipeline.states[-1]["at"] + 1 if self.pipeline.states else 0
        arrived = {number for number, _ in messages[:passed]}
        if report is not None:
            told += [f"L8: {words}" for words in report.differences]
            if passed < len(messages):
                told.append("L1: a finished run let not every STATE pass")
        self.unread = [number for number in self.unread if number not in arrived]
        self._passed = arrived - {"supplier"}
        return told

    # the laws

    def _laws(self) -> list[str]:
        return [*self._trail(), *self._state_passed(), *self._no_repeats(), *self._contents()]

    def _trail(self) -> list[str]:
        store = open_store(self.pipeline.url)
        with store.reading() as connection:
            report = Verifier(StoreBook(connection)).verify()
        store.close()
        return [f"trail: {finding}" for finding in report.findings]

    def deliveries(self) -> dict[str, dict[str, Any]]:
        """Return the invoices' deliveries to the present instance, by number."""
        rows = self.pipeline.rows("deliveries", target_id=self.instance, record_type="supplier_invoices")
        return {row["business_key"].rsplit(":", 1)[1]: row for row in rows}

    def letters(self) -> dict[str, dict[str, Any]]:
        """Return the open dead letters of the present instance, by number."""
        rows = self.pipeline.rows("dead_letters", target_id=self.instance, closed_at=None)
        return {row["business_key"].rsplit(":", 1)[1]: row for row in rows}

    def _state_passed(self) -> list[str]:
        """L1: what STATE has passed is settled, or in a dead letter."""
        known, letters = self.deliveries(), self.letters()
        told = []
        for number in self._passed:
            row = known.get(number)
            if row is None and not self.source[number].gone:
                told.append(f"L1: STATE passed {number}, of which nothing is known")
            if row and row["state"] in ("parked", "refused", "failed", "in_doubt", "sent") and number not in letters:
                told.append(f"L1: STATE passed {number}, which is {row['state']} without a dead letter")
        return told

    def _no_repeats(self) -> list[str]:
        """No version of a row is written twice; `run --resend` asks for just that."""
        if self.resent:
            return []
        return [f"written twice: {name}" for name, times in self.server.repeats.items() if times]

    def _contents(self) -> list[str]:
        """What the store calls delivered is in the target as the source has it, and people's own words stay."""
        told = []
        for number, row in self.deliveries().items():
            document = self.versions.get(row["settled_source_hash"] or "")
            if row["state"] != "delivered" or document is None:
                continue
            header = self.header(number)
            if header is None:
                told.append(f"content: {number} is delivered, and not in the target")
            elif document.gone:
                if header.get("stage") not in ("canceled", "approved", ""):
                    told.append(f"content: {number} is gone from the source and lives on")
            elif header["total"] != document.total:
                told.append(f"content: {number} has {header['total']}, not {document.total}")
            else:
                told += self._lines(number, row["settled_source_hash"], document)
        for (instance, number), note in self.notes.items():
            header = self.header(number, instance)
            if header is None or header.get("note") != note:
                told.append(f"content: the note on {number} is lost")
        return told

    def _lines(self, number: str, version: str, document: Document) -> list[str]:
        rows = self.server.tables.get("invoice_lines", {}).values()
        lines = {row["line"]: row["account"] for row in rows if row["key"] == number}
        wanted = [{code, "9999"} for code in document.accounts]
        if edited := self.edits.get((self.instance, version)):
            wanted[0] = {edited, "9999"}
        return [
            f"content: line {at} of {number} has the account {lines.get(str(at))}"
            for at, codes in enumerate(wanted, 1)
            if lines.get(str(at)) not in codes
        ]

    # the end

    def settle(self) -> list[str]:
        """Let time pass and weather clear; return where states are not as the model says."""
        told = []
        for _ in range(3):
            self.now += timedelta(days=1)
            told += self.run({})
        stuck = tuple(number for number, row in self.deliveries().items() if row["state"] in ("refused", "failed"))
        told += self.run({}, read=stuck, replay=True)
        known, letters = self.deliveries(), self.letters()
        for number, document in self.source.items():
            found = (known[number]["state"], known[number]["reason"]) if number in known else ("unknown", None)
            if found not in (allowed := self._allowed(number, document)):
                told.append(f"state: {number} is {found}, not one of {sorted(allowed, key=str)}; {document}")
            if (found[0] in ("parked", "refused")) != (number in letters):
                told.append(
                    f"state: {number} is {found}, its dead letter is {'open' if number in letters else 'closed'}"
                )
        before = self.server.writes.total()
        told += self.run({}, read=tuple(known))
        told += self.run({}, read=tuple(known))
        if self.server.writes.total() - before > 3 * len(known) * 4:
            told.append("the same records are written again and again")
        return told

    def _allowed(self, number: str, document: Document) -> set[tuple[str, str | None]]:
        header = self.header(number)
        frozen = (header or {}).get("stage") in ("approved", "canceled")
        if document.gone:
            never: set[tuple[str, str | None]] = {("skipped", "vanished"), ("unknown", None)}
            if header is not None:
                never |= {("delivered", None), ("parked", "vanished"), ("parked", "frozen")}
            return never
        if not document.foots:
            return {("refused", "does_not_foot")}
        delivered: set[tuple[str, str | None]] = {("delivered", None)}
        if frozen:
            delivered.add(("parked", "frozen"))
        known = self.deliveries().get(number)
        if known and known["settled_source_hash"] == known["source_hash"]:
            return delivered | self._parked(number, document)
        return self._parked(number, document) or delivered

    def _parked(self, number: str, document: Document) -> set[tuple[str, str | None]]:
        accounts = list(document.accounts)
        plain = digest(document.native(number))
        if edited := self.edits.get((self.instance, plain)):
            accounts[0] = edited
        states = [self.masters.get(code) for code in accounts]
        found: set[tuple[str, str | None]] = set()
        if None in states:
            found.add(("parked", "account_missing"))
        if "false" in states and self.masters.get("9999") != "true":
            found.add(("parked", "account_inactive"))
        return found
