"""One page of a table: the request, cut to what a URL may hold, and its answer (apis/servicenow.md §2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec
from ml_connector.errors import BadAnswer
from ml_connector.http.reply import decode_exactly
from ml_connector.vendors.servicenow.reader import PARAMS

from tap_servicenow.shape import STAMP, SYS_ID
from tap_servicenow.values import Part, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from ml_connector.http import Client, Reply

    from tap_servicenow.rows import Raw

PATH = "/api/now/table/"


class _Texts(msgspec.Struct, forbid_unknown_fields=True):  # an `error` beside the rows must not be passed over
    """An answer all of whose values are texts."""

    result: list[dict[str, str]]


_texts = msgspec.json.Decoder(_Texts).decode
AGAIN = 3  # reads of a page whose rows change between the parts it is read in


@dataclass(frozen=True, slots=True)
class Ask:
    """A question for rows."""

    query: str
    limit: int
    offset: int = 0
    counted: bool = True
    divisible: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows that the account may see, and how many match before access rules; None where it is not told."""

    rows: list[Raw]
    count: int | None
    date: datetime | None
    is_plain: bool = False
    """Whether every value of every row is a text."""


class TableReader:
    """Reads rows of one table; any number of threads may use it."""

    def __init__(
        self, client: Client, table: str, paths: Sequence[str], *, display: bool, stamped: bool, max_url: int
    ) -> None:
        self._client = client
        self._path = PATH + table
        self._table = table
        self._always = [SYS_ID, STAMP] if stamped else [SYS_ID]
        self._paths = [path for path in paths if path not in self._always]
        self._display = display
        self._room = max_url - len(client.base_url) - len(self._path)

    def read(self, ask: Ask) -> Answer:
        """Return a page. Raises BadAnswer when its rows do not stand still while it is read in parts."""
        parts = list(self._parts(ask))
        for _ in range(AGAIN):
            answer = self._part(ask, parts[0])
            if self._complete(answer, ask, parts[1:]):
                return answer
        raise BadAnswer(f"rows of {self._table} change too fast to be read in parts: raise max_url_length")

    def _complete(self, answer: Answer, ask: Ask, parts: Sequence[Sequence[str]]) -> bool:
        """Add the other columns to the rows; say whether every row was the same in each part."""
        for part in parts:
            others = {text_of(row.get(SYS_ID), Part.VALUE): row for row in self._part(ask, part).rows}
            for row in answer.rows:
                other = others.get(text_of(row.get(SYS_ID), Part.VALUE))
                if other is None or any(other.get(name) != row.get(name) for name in self._always):
                    return False
                row.update(other)
        return True

    def _parts(self, ask: Ask) -> Iterator[list[str]]:
        """Yield the columns in as many parts as there must be, for URLs that proxies let through."""
        room = self._room - len(urlencode(self._params(ask, [])))
        part, used = list(self._always), sum(map(_cost, self._always))
        for path in self._paths:
            if used + _cost(path) > room and len(part) > len(self._always):
                yield part
                part, used = list(self._always), sum(map(_cost, self._always))
            part.append(path)
            used += _cost(path)
        yield part

    def _params(self, ask: Ask, fields: Sequence[str]) -> dict[str, Any]:
        return {
            **PARAMS,
            "sysparm_display_value": "all" if self._display else "false",
            "sysparm_query": ask.query,
            "sysparm_fields": ",".join(fields),
            "sysparm_limit": ask.limit,
            **({"sysparm_offset": ask.offset} if ask.offset else {}),
            **({} if ask.counted else {"sysparm_no_count": "true"}),
        }

    def _part(self, ask: Ask, fields: Sequence[str]) -> Answer:
        params, decode = self._params(ask, fields), decode_exactly if self._display else _rows
        reply = self._client.request("GET", self._path, params=params, divisible=ask.divisible, decode=decode)
        answer = reply.json()
        plain = isinstance(answer, _Texts)
        rows: Any = answer.result if plain else answer.get("result") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise BadAnswer(f"{reply}: a list of rows was expected")
        total = reply.headers.get("X-Total-Count", "")
        seen = [row for row in rows if row]  # a hidden row may come as an empty object (§2.3)
        return Answer(seen, int(total) if total.isdigit() else None, _date(reply), is_plain=plain)


def _rows(body: bytes) -> Any:
    """Return an answer's rows as texts, which is what they nearly always are, or whatever it is."""
    try:
        return _texts(body)
    except msgspec.ValidationError:
        return decode_exactly(body)


def _cost(path: str) -> int:
    return len(quote(path)) + len(quote(","))


def _date(reply: Reply) -> datetime | None:
    """Return the instance's clock, by the header that every answer should have."""
    try:
        return parsedate_to_datetime(reply.headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
