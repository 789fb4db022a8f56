"""What all streams of Acumatica's entities have in common (apis/acumatica.md §3, §4)."""

from __future__ import annotations

from enum import Enum, auto
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import quote

from ml_connector.errors import BadAnswer, RecordRefused
from ml_connector.http.reply import Decode, decode_exactly
from ml_connector.singer.paging import MovedError, Page, Paging, Unread
from ml_connector.singer.prefetch import in_order
from ml_connector.singer.rows import Conforming
from ml_connector.singer.stream import Stream
from ml_connector.vendors.acumatica.errors import CANNOT_OPTIMIZE, NO_ENTITY, blocked_fields
from singer_sdk.singerlib.catalog import Metadata

from tap_acumatica.decoding import WrappedRows
from tap_acumatica.paging import AFTER, ByKey, BySkip, UnorderedError
from tap_acumatica.query import Query, after, modified_from, query_of, utc, with_custom
from tap_acumatica.shape import all_types, record_of, types_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.http import Reply
    from ml_connector.singer.normalise import Record
    from ml_connector.singer.tap import Tap
    from singer_sdk.singerlib import MetadataMapping

    from tap_acumatica.shape import Types
    from tap_acumatica.tap import TapAcumatica

STAMPS = ("LastModifiedDateTime", "LastModified")
PRIVATE = frozenset({"PaymentInstructions", "DateOfBirth", "Gender", "MaritalStatus", "SpouseOrPartnerName", "Image"})
"""Bank details, and of people what no finance flow needs, wherever it is."""


_WHY = "Acumatica cannot read them in one query (BQL delegate)"


class Way(Enum):
    """How a list is read: in one query where Acumatica can, else by single records."""

    LIST = auto()
    EACH = auto()


class AcumaticaStream(Stream):
    """The records of one entity of the endpoint; `path` is its name."""

    modified: str | None = STAMPS[0]
    is_entity: ClassVar[bool] = True
    """Whether its types are those of the entity in the contract."""
    parts: ClassVar[tuple[str, ...]] = ()
    """Linked entities and rows that are selected unless a catalog says otherwise; the others are not."""
    one_view: ClassVar[bool] = True
    """Whether key and last-modified field are in one view: a filter over two may find nothing, without a word (§3)."""
    permission = "Give the user's role access to the form in Acumatica (SM201020), or leave the stream out."

    def __init__(self, tap: Tap) -> None:
        super().__init__(tap)
        own = self.schema["properties"]
        self.modified = next((name for name in STAMPS if name in own), None)
        self.replication_key = self.modified
        self._way = Way.LIST
        self._narrowed: Query | None = None
        self._ordered = True

    @classmethod
    def types(cls) -> Types:
        """Return the names and types of the newest version."""
        return all_types(cls.name)  # type: ignore[misc]  # the name is on the class

    def types_for(self, tap: Tap) -> Types:
        """Return those of the configured version, with the custom fields of the settings."""
        named = tap.config.get("endpoint_version") if tap.config.get("endpoint") == "Default" else None
        return with_custom(types_in(self.name, named), custom_fields(tap, self.path))

    @property
    def metadata(self) -> MetadataMapping:
        """Return the catalog metadata: private fields and extra parts cannot be selected unless the settings say so."""
        metadata = super().metadata
        for crumb, entry in metadata.items():
            extra = len(crumb) == 2 and self._is_extra(crumb[1])  # noqa: PLR2004  # of the entity itself
            private = bool(crumb) and crumb[-1] in PRIVATE and not self.config.get("include_private")
            if private or (extra and not self.config.get("extra_parts")):
                entry.inclusion = Metadata.InclusionType.UNSUPPORTED
            elif extra:
                entry.selected_by_default = False
        return metadata

    def _is_extra(self, name: str) -> bool:
        return isinstance(self._types.get(name), dict | list) and name not in self.parts

    @cached_property
    def _types(self) -> Types:
        return self.types_for(self.tap)

    @property
    def acumatica(self) -> TapAcumatica:
        """The tap."""
        return cast("TapAcumatica", self.tap)

    @property
    def entity(self) -> str:
        """The entity's name in the endpoint."""
        return self.path

    @property
    def order(self) -> tuple[str, ...]:
        """The key fields of the entity."""
        return self.keys

    # Reading lists

    def _begin(self) -> None:
        super()._begin()
        plain = self.config.get("unknown_fields") == "keep" or custom_fields(self.tap, self.path) or not self.is_entity
        self.decode = decode_exactly if plain else WrappedRows(self._types, self.mask)

    @cached_property
    def query(self) -> Query:
        """What the catalog selects."""
        return query_of(self._types, self.mask, custom_fields(self.tap, self.entity))

    def _slice(self, one: Mapping[str, Any], since: str | None, size: int, ahead: int) -> Iterator[Page]:
        try:
            yield from self._way_through(since).pages(
                lambda paging: self.get_page(since, {**one, **paging}), size, ahead
            )
        except UnorderedError:
            self._ordered = False
            raise

    def _way_through(self, since: str | None) -> Paging:
        by_key = self._ordered and len(self.order) == 1 and (since is None or self.one_view)
        return ByKey(self.order[0]) if by_key else BySkip(self.order)

    def get_page(self, since: str | None, paging: Mapping[str, Any]) -> Unread:
        """Fetch one page; when Acumatica cannot read it in one query, in another way."""
        way = (self._way, self._narrowed)
        try:
            return self._fetch(since, paging)
        except RecordRefused as error:
            if error.reason != CANNOT_OPTIMIZE or not self._give_way(way, error):
                raise BadAnswer(str(error)) from None
            return self.get_page(since, paging)

    def _fetch(self, since: str | None, paging: Mapping[str, Any]) -> Unread:
        if self._way is Way.EACH:
            listed = self._read(self.query.only(self._identifying), since, paging)
            return partial(self._each, listed)
        return partial(self._page, self._read(self._narrowed or self.query, since, paging, self.decode))

    def _read(
        self, query: Query, since: str | None, paging: Mapping[str, Any], decode: Decode = decode_exactly
    ) -> Reply:
        sent = {name: value for name, value in paging.items() if name != AFTER}
        conditions = [
            *([modified_from(self.modified, since)] if since and self.modified else []),
            *([after(self.order[0], paging[AFTER])] if AFTER in paging else []),
        ]
        params = {**({"$filter": " and ".join(conditions)} if conditions else {}), **query.params(), **sent}
        path = f"{self.acumatica.endpoint.path}/{self.entity}"
        return self.tap.client.request("GET", path, params=params, decode=decode)

    def _give_way(self, before: tuple[Way, Query | None], error: RecordRefused) -> bool:
        """Choose another way to read, unless another thread has; return whether there is one (§3)."""
        if (self._way, self._narrowed) != before:
            return True
        if self._way is Way.EACH:
            return False
        blocked = blocked_fields(error.message)
        told = ", ".join(blocked) or str(error)
        self._narrowed = self._narrower(blocked)
        if self._narrowed:
            self.logger.warning("%s is read without %s: %s", self.name, told, _WHY)
        else:
            self._way = Way.EACH
            self.logger.warning("%s is read record by record, because of %s: %s", self.name, told, _WHY)
        return True

    def _narrower(self, blocked: Sequence[str]) -> Query | None:
        """Return a query without these fields, if they may go: nobody wants them, or the settings allow it."""
        query = self._narrowed or self.query
        wanted = query.paths_of(blocked)
        may_go = self.config["on_cannot_optimize"] == "leave_out" and not set(wanted) & set(self._identifying)
        if not blocked or (wanted and not may_go) or (not wanted and query.narrow):
            return None
        narrower = query.without(wanted)
        return narrower if narrower.is_short else None

    @property
    def _identifying(self) -> tuple[str, ...]:
        return (*self.order, *([self.modified] if self.modified else []))

    # Reading answers

    def _page(self, reply: Reply) -> Page:
        rows = _entities(reply)
        if not isinstance(rows, Conforming):
            return Page([self.record(each) for each in rows])
        for row in rows:
            self._in_utc(row)
        return Page(rows)

    def _each(self, listed: Reply) -> Page:
        """Read every record that a list names."""
        ahead = int(self.config["max_concurrency"]) - 1
        return Page(list(map(self.record, in_order(self._one, _entities(listed), ahead))))

    def _one(self, named: Record) -> Record:
        try:
            return self.read_one(named["id"], self.query)
        except RecordRefused as error:
            if error.reason != NO_ENTITY:
                raise
            raise MovedError("a record went away while the list was read") from None

    def read_one(self, identity: str, query: Query) -> Record:
        """Return an entity by its id, as it comes."""
        path = f"{self.acumatica.endpoint.path}/{self.entity}/{quote(identity, safe='')}"
        reply = self.tap.client.request("GET", path, params=query.params())
        found = reply.json()
        if not isinstance(found, dict):
            raise BadAnswer(f"{reply}: expected one {self.entity}")
        return found

    def record(self, entity: Record) -> Record:
        """Return an entity as a record of this stream."""
        row = record_of(entity, self._types)
        self._in_utc(row)
        return row

    def _in_utc(self, row: Record) -> None:
        if self.modified and (moment := row.get(self.modified)):
            row[self.modified] = utc(moment)

    def is_as_read(self, record: Mapping[str, Any]) -> bool:
        """Whether the record is there and was not modified since it was read."""
        if self.modified is None or not record.get("id"):
            return False
        try:
            found = self.record(self.read_one(record["id"], self.query.only(self._identifying)))
        except RecordRefused as error:
            if error.reason != NO_ENTITY:
                raise
            return False
        return all(found.get(name) == record.get(name) for name in self._identifying)


def custom_fields(tap: Tap, entity: str) -> tuple[str, ...]:
    """Return the custom fields that the settings ask for of an entity."""
    return tuple((tap.config.get("custom_fields") or {}).get(entity) or ())


def _entities(reply: Reply) -> list[Record]:
    rows = reply.json()
    if not isinstance(rows, list):
        raise BadAnswer(f"{reply}: expected a list")
    return rows
