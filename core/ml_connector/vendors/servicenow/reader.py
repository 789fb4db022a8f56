"""Reading with the Table API, without believing a short page or a dropped query (apis/servicenow.md §0, §2.3)."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ml_connector.errors import BadAnswer, ConfigError, Forbidden, TooMuch
from ml_connector.http import Clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from ml_connector.delivery.sink import Key, Row
    from ml_connector.http import Client

PAGE = 1000
SMALLEST = 10  # rows at once, after which a page is waited for as any other answer
PARAMS = {
    "sysparm_exclude_reference_link": "true",
    "sysparm_display_value": "false",
    "sysparm_suppress_pagination_header": "true",  # it repeats the whole URL and overflows (P pysnc/client.py)
}
SCRIPT = "javascript:"  # a query value that starts so is run by the instance
MAX_QUERY = 2000  # characters of an encoded query: proxies cut URLs well below PySNC's 10,000


class Reader:
    """Reads rows as text; any number of threads may use it."""

    def __init__(self, client: Client, clock: Clock | None = None) -> None:
        self._client = client
        self._clock = clock or Clock()
        self._ahead = timedelta()
        self._size = PAGE
        self._queryable: set[tuple[str, str]] = set()

    def server_time(self, ours: datetime) -> datetime:
        """Return a moment of our clock as the instance's clock showed it, by the `Date` of its last answer."""
        return ours + self._ahead

    def rows(self, table: str, query: str, fields: Iterable[str] = ()) -> list[Row]:
        """Return every row that matches, by `sys_id`; without `fields`, all columns.

        Raises Forbidden when the account may not see them all.
        """
        wanted = ",".join(dict.fromkeys(("sys_id", *fields))) if fields else ""
        found: list[Row] = []
        last = ""
        while True:
            after = f"^sys_id>{last}" if last else ""
            size = self._size
            try:
                page, left = self._page(table, f"{query}{after}^ORDERBYsys_id".lstrip("^"), wanted, size)
            except TooMuch:  # a page that the instance gave up half-way (§2.4): smaller ones from here on
                self._size = size // 2
                continue
            if last and any(row["sys_id"] == last for row in page):
                raise Forbidden(
                    f"{table}.sys_id may not be compared, so a second page cannot be read: lift its query ACL"
                )
            found += page
            # The limit is applied before ACLs, so only the count, taken before them, tells a hidden row from the end.
            if left is not None and len(page) < min(left, size):
                hidden = min(left, size) - len(page)
                raise Forbidden(f"{hidden} rows of {table} are hidden: give the account a role that may read {table}")
            if not page or (left is not None and left <= size):
                return found
            last = page[-1]["sys_id"]

    def probe(self, table: str) -> None:
        """Raise Forbidden unless the account may read this table: one row, or none where there is none."""
        page, left = self._page(table, "", "sys_id", limit=1)
        if not page and left:
            raise Forbidden(f"the rows of {table} are hidden: give the account a role that may read {table}")

    def lookup(
        self,
        table: str,
        columns: Sequence[str],
        keys: Iterable[Key],
        fields: Iterable[str],
        optional: Iterable[str] = (),
    ) -> dict[Key, list[Row]]:
        """Return the rows per key, exact matches before matches that differ in case only.

        Raises Forbidden when a column is left out of the rows, which is how an instance denies it; `optional` ones may
        be.
        """
        asked = {key for key in keys if all(map(_may_stand_in_a_query, key))}
        needed = (*columns, *fields)
        wanted = (*needed, *optional)
        rows: list[Row] = []
        for chunk in _chunks(asked):
            rows += self._matching(table, columns, chunk, wanted)
        if asked and not rows:
            self._prove_queryable(table, columns)
        demand(table, needed, rows)
        exact, folded = defaultdict(list), defaultdict(list)
        for row in {row["sys_id"]: row for row in rows}.values():
            key = tuple(row[column].strip() for column in columns)
            exact[key].append(row)
            folded[_fold(key)].append(row)
        return {key: match for key in asked if (match := exact.get(key) or folded.get(_fold(key)))}

    def _prove_queryable(self, table: str, columns: Sequence[str]) -> None:
        """Raise Forbidden when 'no row found' only means that a column may not be queried.

        An instance may be set to answer no rows to a denied query (glide.invalid_query.returns_no_rows). Believing
        that would create a second row of every key.
        """
        for column in columns:
            if (table, column) in self._queryable:
                continue
            if not self.count(table, ""):
                return
            if not self.count(table, f"{column}ISNOTEMPTY^OR{column}ISEMPTY"):
                raise Forbidden(f"{table}.{column} may not be queried: give the account a role that may")
            self._queryable.add((table, column))

    def count(self, table: str, query: str) -> int:
        """Return a number of rows, before access rules; the rows seen where the instance gives no count."""
        page, total = self._page(table, query, "sys_id", limit=1)
        return len(page) if total is None else total

    def _matching(self, table: str, columns: Sequence[str], keys: Sequence[Key], fields: Sequence[str]) -> list[Row]:
        asked = [sorted({key[position] for key in keys}) for position in range(len(columns))]
        terms = (_term(column, values) for column, values in zip(columns, asked, strict=True))
        rows = self.rows(table, "^".join(terms), fields)
        for column, values in zip(columns, asked, strict=True):
            _check_obeyed(table, column, {value.strip().casefold() for value in values}, rows)
        return rows

    def _page(self, table: str, query: str, fields: str, limit: int) -> tuple[list[Row], int | None]:
        params = (
            PARAMS | {"sysparm_query": query, "sysparm_limit": limit} | ({"sysparm_fields": fields} if fields else {})
        )
        divisible = limit > SMALLEST
        reply = self._client.request("GET", f"/api/now/table/{table}", params=params, divisible=divisible)
        self._learn_time(reply.headers.get("Date"))
        answer = reply.json()
        rows: Any = answer.get("result") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise BadAnswer(f"{reply}: a list of rows was expected")
        total = reply.headers.get("X-Total-Count", "")
        return [_texts(row) for row in rows if row], int(total) if total.isdigit() else None

    def _learn_time(self, date: str | None) -> None:
        with suppress(TypeError, ValueError):
            self._ahead = parsedate_to_datetime(date or "") - self._clock.now()


def demand(table: str, columns: Iterable[str], rows: Sequence[Row]) -> None:
    """Raise Forbidden for a column that rows are without: taken for empty, it would be believed."""
    for column in columns:
        if any(column not in row for row in rows):
            raise Forbidden(f"{table}.{column} is not readable: give the account a role that may read it")


def _texts(row: Row) -> Row:
    """Return a row with plain text values; a reference comes as an object when its link is not left out."""
    return {
        name: str(value.get("value") or "") if isinstance(value, dict) else str(value) for name, value in row.items()
    }


def _may_stand_in_a_query(value: str) -> bool:
    return bool(value.strip()) and not value.strip().lower().startswith(SCRIPT)


def _fold(key: Key) -> Key:
    return tuple(value.strip().casefold() for value in key)


def _term(column: str, values: Sequence[str]) -> str:
    escaped = [value.replace("^", "^^") for value in values]  # GlideStringUtil: a literal ^ is written ^^
    return f"{column}={escaped[0]}" if len(escaped) == 1 else f"{column}IN{','.join(escaped)}"


def _chunks(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """Split keys so that one query fits into a URL; a comma cannot stand in an IN list, so such a key goes alone."""
    chunk: list[Key] = []
    seen: set[str] = set()
    for key in sorted(keys):
        if any("," in value for value in key):
            yield [key]
            continue
        if chunk and sum(map(_cost, seen.union(key))) > MAX_QUERY:
            yield chunk
            chunk, seen = [], set()
        chunk.append(key)
        seen.update(key)
    if chunk:
        yield chunk


def _cost(value: str) -> int:
    return len(quote(value)) + len(quote(","))


def _check_obeyed(table: str, column: str, asked: set[str], rows: Sequence[Row]) -> None:
    """Refuse an answer that shows a dropped query term: the instance then answers 200 with a wider result."""
    demand(table, [column], rows)
    if any(row[column].strip().casefold() not in asked for row in rows):
        raise ConfigError(
            f"{table} answered rows that were not asked for: the instance dropped the query on {column!r}. "
            "The column does not exist, or a query ACL denies it to this account."
        )
