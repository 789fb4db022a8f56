"""Purchase requests: approved requisitions with their lines, as one record each (apis/servicenow.md §6.1)."""

from __future__ import annotations

from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ml_connector.errors import ConfigError, Forbidden
from ml_connector.singer.prefetch import in_order
from ml_connector.singer.rows import Conforming
from ml_connector.singer.schema import DELETED_AT
from ml_connector.singer.stream import Tier

from tap_servicenow.keyset import Keyset, Walk, Window
from tap_servicenow.query import both, joined, one_of, stored
from tap_servicenow.rows import RowReader
from tap_servicenow.shape import STAMP, SYS_ID, Shape, with_walks
from tap_servicenow.streams.base import READ_HINT, TableStream
from tap_servicenow.table import Ask
from tap_servicenow.values import Part, moment, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ml_connector.singer.paging import Page, Unread
    from ml_connector.singer.tap import Tap

    from tap_servicenow.rows import Raw, Record
    from tap_servicenow.table import TableReader

T = TypeVar("T")
LINES, MODIFIED, SUPPLIER = "lines", "modified_on", "supplier"
TOGETHER = 50  # requisitions whose lines, or which themselves, are read by one request
HEADER_WALKS = MappingProxyType(
    {
        "supplier_number": "supplier.supplier_number",
        "supplier_erp_source": "supplier.erp_source",
        "cost_center_code": "cost_center.code",
    }
)
LINE_WALKS = MappingProxyType(
    {
        "cost_center_code": "cost_center.code",
        "ledger_account_number": "ledger_account.number",
        "ledger_account_code": "ledger_account.gl_account",
    }
)


class PurchaseRequests(TableStream):
    """Requisitions that the approval rule lets through, with their lines.

    A change of a line does not change its requisition's `sys_updated_on`. So a request is as new as the newest of both,
    and an incremental read also looks for lines that changed and reads their requisitions.
    """

    name = "purchase_requests"
    tier = Tier.ORDERS
    total = "total_amount"

    def __init__(self, tap: Tap) -> None:
        super().__init__(tap)
        self.modified = self.replication_key = MODIFIED

    def make_shape(self) -> Shape:
        """Return what requisitions have, with the numbers that people know suppliers and cost centres by."""
        config = self.instance.config
        self.parent = str(config["request_line_parent"])
        dictionary = self.instance.dictionary
        lines = self.instance.shape(str(config["request_line_table"]))
        if self.parent not in lines.types:
            raise ConfigError(f"{lines.table} has no column {self.parent!r}: correct `request_line_parent`")
        self.line_shape = with_walks(lines, dictionary, LINE_WALKS)
        return with_walks(self.instance.shape(str(config["request_table"])), dictionary, HEADER_WALKS)

    def types_for(self, tap: Tap) -> Mapping[str, Any]:
        """Return the fields of both tables."""
        return {**super().types_for(tap), MODIFIED: "date-time", LINES: [dict(self.line_shape.types)]}

    @property
    def rule(self) -> str:
        """The approval rule, and what `queries` says of the table."""
        return both(str(self.config["approval_rule"]), super().rule)

    @cached_property
    def lines(self) -> TableReader:
        """Reads lines."""
        return self.instance.table_reader(self.line_shape, stamped=True)

    @cached_property
    def chosen(self) -> Shape:
        """The selected fields; the stamp is always among them."""
        names = [crumb[1] for crumb, wanted in self.mask.items() if wanted and len(crumb) == 2]  # noqa: PLR2004
        return self.shape.only([*names, STAMP])

    def probe(self) -> None:
        """Read one requisition and one line."""
        super().probe()
        self.instance.proofs.prove(self.line_shape.table, f"{self.parent}ISNOTEMPTY")
        answer = self.lines.read(Ask(f"ORDERBY{SYS_ID}", limit=1))
        if not answer.rows and answer.count:
            raise Forbidden(f"the rows of {self.line_shape.table} are hidden from the account")

    def is_as_read(self, record: Mapping[str, Any]) -> bool:
        """Whether the request, with its lines, is as it was read."""
        rows = self._requisitions([str(record[SYS_ID])])
        now = self.records(RowReader(self.chosen, self._tell), rows)
        return len(now) == 1 and _marks(now[0]) == _marks(record)

    # Reading

    def _slice(self, one: Mapping[str, Any], since: str | None, size: int, ahead: int) -> Iterator[Page]:
        seen: set[str] = set()
        if self.mask["properties", LINES]:
            self.instance.proofs.prove(self.line_shape.table, f"{self.parent}ISNOTEMPTY")
        pages = super()._slice(one, since, size, ahead)
        begun_before = self._began  # then lines of requisitions that were read in that run may have changed since
        for page in pages:
            seen.update(_id(row) for row in page.rows)
            yield page
        changed_since = stored(since) if since else begun_before
        if changed_since:
            yield from self._touched(changed_since, seen, size, ahead)
            yield from self._of_changed_suppliers(changed_since, seen, size, ahead)

    def _touched(self, since: str, seen: set[str], size: int, ahead: int) -> Iterator[Page]:
        """Yield the requisitions of lines that changed since, those seen left out."""
        shape = self.line_shape.only([self.parent, STAMP])
        source = self.instance.table_reader(shape, stamped=True)
        parents: dict[str, None] = {}
        for page in self._line_pages(source, f"{STAMP}>={since}", size, ahead):
            _check_since(page.rows, since, shape)
            parents |= dict.fromkeys(self._parent(row) for row in page.rows)
        if not parents:
            self.instance.proofs.prove_range(shape.table, STAMP)
        wanted = [parent for parent in parents if parent and parent not in seen]
        if wanted:
            self.instance.proofs.prove(self.shape.table, f"{SYS_ID}ISNOTEMPTY")
        for some in _chunks(wanted):
            seen.update(some)
            yield Window(self._requisitions(some))

    def _of_changed_suppliers(self, since: str, seen: set[str], size: int, ahead: int) -> Iterator[Page]:
        """Yield the requisitions of suppliers that changed since: one may have got its number after the approval."""
        path = f"{SUPPLIER}.{STAMP}"
        if not any(field.beyond == SUPPLIER for field in self.chosen.fields):
            return
        changed, table = f"{path}>={since}", self.shape.table
        try:
            self.instance.proofs.prove(table, changed)
        except (ConfigError, Forbidden) as error:
            self.logger.warning("requests are not read again when their suppliers change: %s", error)
            return
        for page in self._by_id(self.source, table, both(changed, self.rule), self._finish)(size, ahead):
            if rows := [row for row in page.rows if _id(row) not in seen]:
                yield Window(rows)

    def _requisitions(self, ids: Sequence[str]) -> list[Raw]:
        """Return the requisitions with these ids that the rule lets through."""
        answer = self.source.read(Ask(joined(one_of(SYS_ID, list(ids)), self.rule, f"ORDERBY{SYS_ID}"), limit=len(ids)))
        if any(_id(row) not in ids for row in answer.rows):
            raise _dropped(SYS_ID, self.shape)
        if answer.count is not None and answer.count > len(answer.rows):
            hidden = answer.count - len(answer.rows)
            self.logger.warning("%s: %d rows are hidden from the account. %s", self.shape.table, hidden, READ_HINT)
        return answer.rows

    def records(self, reader: RowReader, rows: list[Record], *, plain: bool = False) -> list[Record]:
        """Return requisitions with their lines."""
        headers = reader.records(rows, plain=plain)
        lines: dict[str, list[Record]] = {str(header[SYS_ID]): [] for header in headers}
        chunks = _chunks(list(lines)) if self.mask["properties", LINES] else iter(())
        for found in in_order(self._lines_of, chunks, int(self.config["max_concurrency"]) - 1):
            for parent, line in found:
                lines[parent].append(line)
        return [self._request(header, lines[str(header[SYS_ID])]) for header in headers]

    def _request(self, header: Record, lines: list[Record]) -> Record:
        lines.sort(key=_line_order)
        stamps = [str(each[STAMP]) for each in (header, *lines) if each.get(STAMP)]
        return {**header, MODIFIED: max(stamps, default=None), LINES: lines}

    def _lines_of(self, ids: Sequence[str]) -> list[tuple[str, Record]]:
        """Return the lines of some requisitions, each with its requisition's id. Raises Forbidden for a hidden one."""
        reader = RowReader(self.line_shape, self._tell)
        found: list[tuple[str, Record]] = []
        size = int(self.config["page_size"])
        for page in self._line_pages(self.lines, one_of(self.parent, list(ids)), size, 1):
            parents = [self._parent(row) for row in page.rows]
            if not set(parents) <= set(ids):
                raise _dropped(self.parent, self.line_shape)
            self.mind_missing(reader, page.rows, f"{LINES}.")
            found += zip(parents, reader.records(page.rows), strict=True)
        return found

    def _line_pages(self, source: TableReader, terms: str, size: int, ahead: int) -> Iterator[Page]:
        return self._by_id(source, self.line_shape.table, terms, self._finish_lines)(size, ahead)

    def _by_id(
        self, source: TableReader, table: str, terms: str, finish: Callable[[Walk], None]
    ) -> Callable[[int, int], Iterator[Page]]:
        """Return what yields pages of rows of a table, in the order of their ids."""

        def get(asked: Mapping[str, Any]) -> Unread:
            cursor = asked["cursor"]
            query = joined(terms, f"{SYS_ID}>{cursor.sys_id}" if cursor else "", f"ORDERBY{SYS_ID}")
            paging = {name: asked[name] for name in ("limit", "offset", "counted", "divisible")}
            answer = source.read(Ask(query, **paging))
            return partial(Window, answer.rows, answer.count, date=answer.date)

        prove = partial(self.instance.proofs.prove_range, table)
        return partial(Keyset(False, "", None, prove, finish, self.logger.warning).pages, get)

    def _finish_lines(self, walk: Walk) -> None:
        if walk.hidden:
            table = self.line_shape.table
            raise Forbidden(f"rows of {table} are hidden: a request without them would be wrong. {READ_HINT}")

    # Withdrawn requests

    def _deleted(self) -> Iterator[Page]:
        """Yield what the rule lets through no longer, too: an order that was made of it would live on unseen."""
        since = self.stream_state.get("deletions_since")
        if self.deletions is not None and self.is_stamped and since:
            for page in self._withdrawn(self.deletions.shown, stored(since)):
                self.totals.fetched += len(page.rows)
                yield page
        yield from super()._deleted()

    def _withdrawn(self, shown: str, since: str) -> Iterator[Page]:
        """Yield the keys of the requisitions that changed since and do not match the rule."""
        table, size = self.shape.table, int(self.config["page_size"])
        self.instance.proofs.prove(table, self.rule)
        self.instance.proofs.prove_range(table, STAMP)
        shape = self.shape.only([STAMP, shown])
        source = self.instance.table_reader(shape, stamped=True)
        changed: list[Raw] = []
        for page in self._by_id(source, table, f"{STAMP}>={since}", self._finish)(size, 1):
            _check_since(page.rows, since, shape)
            changed += page.rows
        terms = both(f"{STAMP}>={since}", self.rule)  # asked last: what was approved meanwhile is not withdrawn
        approved = {_id(row) for page in self._by_id(source, table, terms, self._finish)(size, 1) for row in page.rows}
        gone = [row for row in changed if _id(row) not in approved]
        for some in _chunks(gone):
            yield Window(Conforming(_marked(row, shown) for row in some))

    def _parent(self, row: Raw) -> str:
        if self.parent not in row:
            raise Forbidden(f"{self.line_shape.table}.{self.parent} is not readable. {READ_HINT}")
        return text_of(row[self.parent], Part.VALUE)


def _dropped(column: str, shape: Shape) -> Forbidden:
    return Forbidden(f"the instance dropped the query on {column} of {shape.table}. {READ_HINT}")


def _check_since(rows: Iterable[Raw], since: str, shape: Shape) -> None:
    if any(text_of(row.get(STAMP), Part.VALUE) < since for row in rows):
        raise _dropped(STAMP, shape)


def _marked(row: Raw, shown: str) -> Record:
    """Return the record of a requisition that is no request any more."""
    number = {shown: text_of(row[shown], Part.VALUE)} if row.get(shown) else {}
    return {SYS_ID: _id(row), **number, DELETED_AT: moment(text_of(row[STAMP], Part.VALUE))}


def _id(row: Raw) -> str:
    return text_of(row.get(SYS_ID), Part.VALUE)


def _chunks(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    return (ids[start : start + TOGETHER] for start in range(0, len(ids), TOGETHER))


def _line_order(line: Record) -> tuple[bool, Any, str]:
    """Order lines by number where they have one, as people see them."""
    number = line.get("line_number")
    return not isinstance(number, int), number if isinstance(number, int) else 0, str(line.get("number") or "")


def _marks(record: Mapping[str, Any]) -> tuple[Any, Iterable[Any]]:
    """Return what changes whenever a request does."""
    lines = {(line.get(SYS_ID), line.get(STAMP), line.get("sys_mod_count")) for line in record.get(LINES) or ()}
    return record.get(MODIFIED), lines
