"""What all streams of tables have in common: their shape, the read by keys, and what is told of it."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ml_connector.errors import Forbidden
from ml_connector.secrets.personal import is_personal
from ml_connector.singer.rows import Conforming
from ml_connector.singer.schema import DELETED_AT
from ml_connector.singer.stream import PLACE, Stream
from ml_connector.singer.totals import WHOLE_RECORDS

from tap_servicenow.deletes import Deletions
from tap_servicenow.keyset import Cursor, Keyset, Scope, Walk, Window
from tap_servicenow.query import after, at_or_after, joined, stored, within
from tap_servicenow.rows import RowReader
from tap_servicenow.shape import CURRENCY, STAMP, SYS_ID
from tap_servicenow.table import PATH, Ask, TableReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.singer.paging import Page, Unread
    from ml_connector.singer.tap import Tap
    from singer_sdk.singerlib import SchemaMessage

    from tap_servicenow.rows import Record
    from tap_servicenow.shape import Shape
    from tap_servicenow.tap import TapServiceNow

READ_HINT = "Give the account a role that may read the table and every column of it that is selected."
MOD_COUNT = "sys_mod_count"
SOME = 100  # rows, of which one that is shown tells that not all are hidden


class TableStream(Stream):
    """A table, by its own name; what it has is read from the instance's dictionary."""

    keys = (SYS_ID,)
    permission = READ_HINT
    total: ClassVar[str | None] = None
    """The money column whose sums prove that all of it arrived."""
    bank: ClassVar[tuple[str, ...]] = ()
    """Columns that are as private as those whose name says so."""

    def __init__(self, tap: Tap, table: str = "") -> None:
        if table:
            self.name = table
        self.instance = cast("TapServiceNow", tap)
        self.shape = self.make_shape()
        types = self.shape.types
        self.path = PATH + self.shape.table
        self.modified = STAMP if STAMP in types and not self.instance.reads_whole(self.name) else None
        self.amount = self.total if self.total in self.shape.money else None
        self.currency = f"{self.total}{CURRENCY}" if self.amount else None
        self.private = tuple(name for name in types if is_personal(name) or name in self.bank)
        self._untold: set[str] = set()
        self._began = ""  # an overlap before the read that is under way began, maybe in an earlier run
        super().__init__(tap)

    def make_shape(self) -> Shape:
        """Return what the table has."""
        return self.instance.shape(self.name)

    @classmethod
    def types(cls) -> Mapping[str, Any]:
        """Return what is known without an instance."""
        return {SYS_ID: "string"}

    def types_for(self, tap: Tap) -> Mapping[str, Any]:
        """Return the fields of this instance's table."""
        del tap
        return {**self.shape.types, **({DELETED_AT: "date-time"} if self.deletions else {})}

    @property
    def rule(self) -> str:
        """The encoded query that the settings put on the table."""
        return str((self.config.get("queries") or {}).get(self.shape.table) or "")

    @cached_property
    def deletions(self) -> Deletions | None:
        """Where deleted rows are told, if that is wanted."""
        if not self.instance.config["detect_deletes"]:
            return None
        shown = self.instance.dictionary.table(self.shape.table).display
        # A number is shown as it is stored; of other columns, people may see another text.
        known = shown if shown == "number" else ""
        return Deletions(self.instance.reader, self.instance.proofs, self.shape.table, known)

    @cached_property
    def chosen(self) -> Shape:
        """The selected fields."""
        names = [crumb[1] for crumb, wanted in self.mask.items() if wanted and len(crumb) == 2]  # noqa: PLR2004
        return self.shape.only(names)

    @cached_property
    def source(self) -> TableReader:
        """Reads the selected fields."""
        return self.instance.table_reader(self.chosen, stamped=STAMP in self.shape.types)

    @property
    def is_stamped(self) -> bool:
        """Whether rows are read in the order of their changes."""
        return self.modified is not None and self.replication_method == "INCREMENTAL"

    # Reading

    def get_page(self, since: str | None, paging: Mapping[str, Any]) -> Unread:
        """Fetch one page."""
        terms = self._terms(since, paging["scope"], paging["cursor"])
        order = f"ORDERBY{STAMP}^ORDERBY{SYS_ID}" if self.is_stamped else f"ORDERBY{SYS_ID}"
        asked = {name: paging[name] for name in ("limit", "offset", "counted", "divisible")}
        answer = self.source.read(Ask(joined(terms, self.rule, order), **asked))
        return partial(Window, answer.rows, answer.count, date=answer.date, is_plain=answer.is_plain)

    def _terms(self, since: str | None, scope: Scope, cursor: Cursor | None) -> str:
        if not self.is_stamped:
            return f"{SYS_ID}>{cursor.sys_id}" if cursor else ""
        if cursor is None:
            return at_or_after(stored(since)) if since else ""
        match scope:
            case Scope.WITHIN:
                return within(cursor.stamp, cursor.sys_id)
            case Scope.BEYOND:
                return after(cursor.stamp)
        return at_or_after(cursor.stamp)

    def _slice(self, one: Mapping[str, Any], since: str | None, size: int, ahead: int) -> Iterator[Page]:
        self.instance.proofs.prove(self.shape.table, self.rule)
        floor = stored(since) if since and self.is_stamped else ""
        start = self._start(one.get(PLACE), floor)
        prove = partial(self.instance.proofs.prove_range, self.shape.table)
        paging = Keyset(self.is_stamped, floor, start, prove, self._finish, self.logger.warning)
        return paging.pages(lambda asked: self.get_page(since, asked), size, ahead)

    def _start(self, place: Mapping[str, Any] | None, floor: str) -> Cursor | None:
        """Return where an interrupted read goes on: a place in what another query gives is none."""
        self._began = ""
        if not place or place.get("rule") != self.rule or str(place["stamp"]) < floor:
            return None
        self._began = str(place["began"])
        return Cursor(str(place["stamp"]), str(place["sys_id"]))

    def _finish(self, walk: Walk) -> None:
        """Tell what access rules hid. Raises Forbidden when it was everything."""
        table = self.shape.table
        if walk.expected is None:
            self.logger.warning("%s: the instance counts no rows, so rows hidden from the account go unnoticed", table)
        if walk.hidden and not walk.read and not self._shows_some():
            raise Forbidden(f"all {walk.expected} rows of {table} are hidden from the account. {READ_HINT}")
        if walk.hidden:
            number = max(1, (walk.expected or 0) - walk.read)
            self.logger.warning("%s: about %d rows are hidden from the account. %s", table, number, READ_HINT)

    def _shows_some(self) -> bool:
        """Say whether the account may see other rows, where it may see none of those that changed."""
        return bool(self.source.read(Ask(joined("", self.rule, f"ORDERBYDESC{SYS_ID}"), limit=SOME)).rows)

    def probe(self) -> None:
        """Read one row. Raises Forbidden when there are some and none is shown."""
        self.instance.proofs.prove(self.shape.table, self.rule)
        answer = self.source.read(Ask(joined("", self.rule, f"ORDERBY{SYS_ID}"), limit=1))
        if not answer.rows and answer.count:
            raise Forbidden(f"the rows of {self.shape.table} are hidden from the account")
        self.mind_missing(RowReader(self.chosen, self._tell), answer.rows)

    def is_as_read(self, record: Mapping[str, Any]) -> bool:
        """Whether the row is there and was not changed since it was read."""
        if STAMP not in record:
            return False
        shape = self.shape.only([STAMP, MOD_COUNT])
        reader = self.instance.table_reader(shape, stamped=True)
        answer = reader.read(Ask(joined(f"{SYS_ID}={record[SYS_ID]}", self.rule, ""), limit=2))
        now = RowReader(shape, self._tell).records(answer.rows)
        return len(now) == 1 and all(record.get(name, value) == value for name, value in now[0].items())

    # Records

    def assemble(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Turn rows into records, and say where an interrupted read may go on."""
        reader = RowReader(self.chosen, self._tell)
        for page in cast("Iterator[Window]", pages):
            self.mind_missing(reader, page.rows)
            page.rows = self.records(reader, page.rows, plain=page.is_plain)
            page.place = self._safe_place(page)
            yield page

    def records(self, reader: RowReader, rows: list[Record], *, plain: bool = False) -> list[Record]:
        """Return the rows of a page as records."""
        return Conforming(reader.records(rows, plain=plain))

    def _safe_place(self, page: Window) -> Mapping[str, Any] | None:
        """Return the page's end as a place to go on from, when it is so old that nothing before it can still appear.

        A transaction stamps a row before it is committed. What is younger than the overlap, by the instance's clock,
        is read again.
        """
        if not self.is_stamped or page.place is None or page.date is None:
            return None
        horizon = stored((page.date - self._overlap).isoformat())
        self._began = self._began or horizon
        place = {**page.place, "rule": self.rule, "began": self._began}
        return place if page.place["stamp"] <= horizon else None

    def mind_missing(self, reader: RowReader, rows: Sequence[Record], inside: str = "") -> None:
        """Tell fields that rows lack, once. Raises Forbidden when the setting says that none may be."""
        news = {inside + name for name in reader.missing(rows)} - self._untold
        if not news:
            return
        names = ", ".join(sorted(news))
        words = f"{self.shape.table}: the account may not read {names}"
        if self.config.get("on_missing_field") == "fail":
            raise Forbidden(f"{words}. {READ_HINT} Or deselect them.")
        self._untold |= news
        self.logger.warning("%s; they are left out, not emptied. %s", words, READ_HINT)

    def _tell(self, name: str, what: str) -> None:
        if (name, what) not in self._odd:
            self._odd.add((name, what))
            self.logger.warning("%s.%s: %s", self.name, name, what)

    @cached_property
    def _odd(self) -> set[tuple[str, str]]:
        return set()

    def _emit(self, records: list[Record], page: Page) -> None:
        if self._untold - self._announced:
            self._announced |= self._untold
            self._write_schema_message()  # from here on, it does not promise what is left out
        super()._emit(records, page)

    @cached_property
    def _announced(self) -> set[str]:
        return set()

    def _generate_schema_messages(self) -> Iterator[SchemaMessage]:  # type: ignore[override]
        for message in super()._generate_schema_messages():
            if self._untold and not self.is_mapped:
                properties = {n: p for n, p in message.schema["properties"].items() if n not in self._untold}
                message.schema = {**message.schema, "properties": properties, WHOLE_RECORDS: False}
            yield message

    # Deleted rows

    def _pages(self) -> Iterator[Page]:
        yield from self._deleted()
        yield from super()._pages()

    def _deleted(self) -> Iterator[Page]:
        """Yield what was deleted since the last run; the first one only notes when it was."""
        if self.deletions is None or not self.is_stamped:
            return
        now = self.instance.server_time() - self._overlap
        state = self.stream_state
        if since := state.get("deletions_since"):
            for page in self.deletions.pages(stored(since)):
                self.totals.fetched += len(page.rows)
                yield page
        state["deletions_since"] = now.isoformat(timespec="seconds")
