"""A stream, declared in a few lines: where its rows are, what identifies them, how they are paged."""

from __future__ import annotations

import time
from abc import abstractmethod
from datetime import timedelta
from enum import IntEnum
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

import singer_sdk
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import Metadata

from ml_connector.delivery.sink import Check
from ml_connector.errors import EnvironmentFault, Forbidden
from ml_connector.http.reply import Decode, decode_exactly
from ml_connector.secrets.personal import has_personal, personal_values, texts_of
from ml_connector.singer.bookmarks import Watermark, first_since
from ml_connector.singer.normalise import Normaliser
from ml_connector.singer.paging import MovedError, Page, Paging, Unread, Whole
from ml_connector.singer.rows import Conforming, RowDecoder
from ml_connector.singer.schema import json_schema
from ml_connector.singer.totals import CONTROL_TOTAL, STATE_KEY, VERSION, WHOLE_RECORDS, Totals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk.singerlib import MetadataMapping, SchemaMessage

    from ml_connector.singer.normalise import Record
    from ml_connector.singer.tap import Tap

COMPANY = "_company"
PLACE = "place"
"""The key in a stream's bookmark, and in its paging, of the place where an interrupted read goes on."""

PASSES = 3  # reads of a set that keeps changing while it is paged through


class Tier(IntEnum):
    """The order in which streams run, so that what a record refers to is there before it."""

    MASTERS = 0
    PARTIES = 1
    ORDERS = 2
    INVOICES = 3
    PAYMENTS = 4
    JOURNALS = 5


class Stream(singer_sdk.Stream):
    """One kind of record of one company.

    Every record carries `_company`, which is part of its key. An incremental stream begins at its bookmark and moves it
    only when it was read whole, since no order of the rows is promised. Where one is, pages name the `place` up to
    which everything was read: an interrupted read goes on there, and the bookmark still waits for the end.
    """

    path: str
    tier: ClassVar[Tier] = Tier.MASTERS
    keys: ClassVar[tuple[str, ...]]
    modified: str | None = None
    """The replication key; None for a stream that is read whole every time."""
    paging: ClassVar[Paging] = Whole()
    amount: str | None = None
    currency: str | None = None
    beside: ClassVar[Mapping[str, Any]] = {}
    """Types of fields that rows have besides those of the record, such as paging data; `get_page` takes them out."""
    permission: ClassVar[str] = ""
    """What a person does when the credentials may not read this stream."""
    private: tuple[str, ...] = ()
    """Bank and personal identifiers, left out unless the setting `include_private` is on."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    STATE_MSG_FREQUENCY = 1000

    def __init__(self, tap: Tap) -> None:
        keys = (COMPANY, *self.keys)
        super().__init__(tap, schema=json_schema({COMPANY: "string", **self.types_for(tap)}, keys))
        self.tap = tap
        self.primary_keys = keys
        self.replication_key = self.modified
        self.totals = Totals(self.amount, self.currency)
        self.decode: Decode = decode_exactly

    # What a connector says

    @classmethod
    @abstractmethod
    def types(cls) -> Mapping[str, Any]:
        """Return the fields' names and types (see `ml_connector.singer.schema`)."""

    def types_for(self, tap: Tap) -> Mapping[str, Any]:
        """Return the names and types that this tap's settings leave or make: all, unless a stream says otherwise."""
        del tap
        return self.types()

    @abstractmethod
    def get_page(self, since: str | None, paging: Mapping[str, Any]) -> Unread:
        """Fetch one page; `since` is the moment from which on changes are wanted, None for all rows."""

    def slices(self) -> Iterator[Mapping[str, Any]]:
        """Yield the query parameters of each slice of the stream, where an endpoint gives only one at a time."""
        yield {}

    def assemble(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Put together records that the server spreads over rows or pages."""
        return pages

    # What the SDK asks for

    @property
    def metadata(self) -> MetadataMapping:
        """Return the catalog metadata, in which private fields cannot be selected unless the setting allows it."""
        metadata = super().metadata
        if not self.config.get("include_private"):
            for name in self.private:
                metadata["properties", name].inclusion = Metadata.InclusionType.UNSUPPORTED
        return metadata

    def get_replication_key_signpost(self, context: object = None) -> None:
        """Return no signpost: it would be this machine's clock."""

    def get_records(self, context: object) -> Iterator[Record]:
        """Yield all records from the bookmark on."""
        del context
        for page in self._pages():
            yield from page.rows

    def _generate_schema_messages(self) -> Iterator[SchemaMessage]:  # type: ignore[override]
        for message in super()._generate_schema_messages():
            if not self.is_mapped:
                message.schema = message.schema | {WHOLE_RECORDS: True}
            if self.amount and not self.is_mapped:
                message.schema = message.schema | {CONTROL_TOTAL: {"amount": self.amount, "currency": self.currency}}
            yield message

    def _sync_records(self, context: object = None, *, write_messages: bool = True) -> Iterator[Record]:  # type: ignore[override]
        del context
        self._begin()
        try:
            with self.get_record_counter() as counter, self.get_sync_timer():
                for page in self._pages():
                    for records in self._portions(page):
                        if write_messages:
                            self._emit(records, page)
                        counter.increment(len(records))
                        yield from records
        except Forbidden as error:
            if self.config.get("on_forbidden") != "skip":
                raise
            self.logger.warning("%s is skipped: %s", self.name, error)
            self.totals.complete = True
        finally:
            if write_messages:
                self.save()

    def ping(self) -> Check:
        """Read as little as possible, to see whether it may be read."""
        words = self.name.replace("_", " ")
        try:
            self.probe()
        except EnvironmentFault as error:
            forbidden = isinstance(error, Forbidden)
            told = f"may not read {words}: {error}" if forbidden else str(error)
            remedy = self.permission if forbidden else ""
            return Check(self.name, ok=False, detail=told, suggestion=remedy, data={"code": error.code})
        return Check(self.name, ok=True, detail=f"may read {words}")

    def probe(self) -> None:
        """Read one row. Raises what reading them all would."""
        for one in islice(self.slices(), 1):
            next(self._slice(one, None, 1, 1))

    def is_as_read(self, record: Mapping[str, Any]) -> bool:
        """Whether the source surely has a record as it was read; where one request cannot tell, False."""
        del record
        return False

    def listing(self, since: str | None = None) -> Iterator[tuple[int, list[Record]]]:
        """Yield every record that the source has, whatever the bookmark says, and which pass over the set it came in.

        With `since`, only those modified from that moment on.

        Only the last pass counts: the set moved under those before it. A set that never rests raises MovedError.
        """
        self._begin()
        for number in range(1, PASSES + 1):
            try:
                for page in self.assemble(self._pass(since)):
                    for records in self._portions(page):
                        yield number, records
            except MovedError as moved:
                self.logger.warning("%s changed while it was listed (%s)", self.name, moved)
                if number == PASSES:
                    raise
            else:
                return

    # How it is done

    def _begin(self) -> None:
        self.totals = Totals(self.amount, self.currency)
        self._unsaved = 0
        odd: set[tuple[str, str]] = set()

        def tell_once(path: str, what: str) -> None:
            if (path, what) not in odd:
                odd.add((path, what))
                self.logger.warning("%s.%s: %s", self.name, path, what)

        keep = self.config.get("unknown_fields") == "keep"
        self._conform = Normaliser(self.mask, keep, tell_once).compile(self.effective_schema)
        if not keep:
            self.decode = RowDecoder(self.effective_schema, self.mask, self.beside)

    @property
    def since(self) -> str | None:
        """The moment this run reads from, as the server wrote it, or None to read everything."""
        if self.replication_method != "INCREMENTAL":
            return None
        state = self.stream_state
        bookmark = state.get("replication_key_value")
        if bookmark and state.get("replication_key") == self.replication_key:
            return str(bookmark)
        start_date = self.config.get("start_date")
        return first_since(start_date) if start_date else None

    def _pages(self) -> Iterator[Page]:
        """Yield all pages, from the start again when the set moved under the read; then move the bookmark."""
        since, watermark, began = self.since, Watermark(self.replication_key or ""), time.monotonic()
        for _ in range(PASSES):
            try:
                for page in self.assemble(self._pass(since, self._place)):
                    watermark.see(page.rows)
                    self.totals.fetched += len(page.rows)
                    yield page
                    self._stand_at(page.place)
            except MovedError as moved:
                self.logger.warning("%s changed while it was read (%s); reading it again", self.name, moved)
                continue
            self.totals.complete = True
            self._advance(watermark.since(self._overlap, timedelta(seconds=time.monotonic() - began)))
            return
        self.logger.error("%s kept changing through %d reads; its bookmark stays", self.name, PASSES)

    def _pass(self, since: str | None, place: Mapping[str, Any] | None = None) -> Iterator[Page]:
        size, ahead = int(self.config["page_size"]), int(self.config["max_concurrency"])
        for one in self.slices():
            yield from self._slice({**one, PLACE: place} if place else one, since, size, ahead)

    def _slice(self, one: Mapping[str, Any], since: str | None, size: int, ahead: int) -> Iterator[Page]:
        return self.paging.pages(lambda paging: self.get_page(since, {**one, **paging}), size, ahead)

    @property
    def _overlap(self) -> timedelta:
        return timedelta(minutes=float(self.config["lookback_minutes"]))

    @property
    def _place(self) -> Mapping[str, Any] | None:
        """Where the last run's read was interrupted."""
        return self.stream_state.get(PLACE) if self.replication_method == "INCREMENTAL" else None

    def _stand_at(self, place: Mapping[str, Any] | None) -> None:
        """Note how far this read has come, once that page was emitted."""
        if place and self.replication_method == "INCREMENTAL":
            self.stream_state[PLACE] = dict(place)

    def _advance(self, since: str | None) -> None:
        self.stream_state.pop(PLACE, None)
        if self.replication_method == "INCREMENTAL" and since:
            state = self.stream_state
            same = state.get("replication_key") == self.replication_key
            state["replication_key"] = self.replication_key
            state["replication_key_value"] = max(since, state.get("replication_key_value") or "") if same else since

    def _portions(self, page: Page) -> Iterator[list[Record]]:
        """Yield a page's records ready to emit, at most as many at once as lie between two STATE messages."""
        limit, company = self.ABORT_AT_RECORD_COUNT, self.tap.company
        for start in range(0, len(page.rows), self.STATE_MSG_FREQUENCY):
            rows = page.rows[start : start + self.STATE_MSG_FREQUENCY]
            wanted = rows if limit is None else rows[: limit - self.totals.emitted]
            for row in wanted:
                row[COMPANY] = company
                if self._is_personal:
                    self.tap.redactor.note(personal_values(row))
                    self.tap.redactor.note(text for name in self._private for text in texts_of(row.get(name)))
            yield wanted if isinstance(page.rows, Conforming) else list(map(self._conform, wanted))
            if len(wanted) < len(rows):
                self._check_max_record_limit(current_record_index=self.totals.emitted)

    @cached_property
    def _is_personal(self) -> bool:
        """Whether its records hold bank or personal identifiers: what is said of them then leaves those out (L10)."""
        return bool(self._private) or has_personal(self.effective_schema)

    @cached_property
    def _private(self) -> tuple[str, ...]:
        """Fields that are read on purpose and are identifiers here, whatever their names say."""
        return self.private if self.config.get("include_private") else ()

    @cached_property
    def is_mapped(self) -> bool:
        """Whether stream maps or flattening change the records; their totals then prove nothing at the other end."""
        return any(type(m) is not SameRecordTransform or m.flattening_enabled for m in self.stream_maps)

    def _emit(self, records: list[Record], page: Page) -> None:
        with self.tap.writer.uninterrupted():
            if self.is_mapped:
                for record in records:
                    self._write_record_message(record)
            else:
                self.tap.writer.write_records(self.name, records, self._beside(page))
            self.totals.emit(records)
        self._unsaved += len(records)
        if self._unsaved >= self.STATE_MSG_FREQUENCY:
            self.save()

    def _beside(self, page: Page) -> Mapping[str, Any]:
        """Return what messages say of where and when a page was read; readers that do not know `origin` pass it by."""
        origin = self.path if page.number is None else f"{self.path} page {page.number}"
        told: dict[str, Any] = {"time_extracted": page.received, "origin": origin}
        return told if self._stream_version is None else told | {"version": self._stream_version}

    def save(self) -> None:
        """Write a STATE message with the totals so far."""
        self._unsaved = 0
        self.tell_totals()
        self.state_manager.is_flushed = False
        self._write_state_message()

    def tell_totals(self) -> None:
        """Put this stream's totals into the tap's state."""
        if not self.is_mapped:
            state: dict[str, Any] = self.tap_state  # type: ignore[assignment]  # the SDK's type knows bookmarks only
            ours = state.setdefault(STATE_KEY, {"version": VERSION, "streams": {}})
            ours["streams"][self.name] = self.totals.as_state()
