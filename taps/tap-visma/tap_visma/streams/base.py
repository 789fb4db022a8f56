"""What all Visma.net streams have in common: filters, paging, and how an answer becomes rows (apis/visma.md §3)."""

from __future__ import annotations

import json
from functools import cache, partial
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import quote

from ml_connector.errors import BadAnswer
from ml_connector.singer.paging import Numbered, Page, Unread
from ml_connector.singer.stream import Stream

from tap_visma.errors import READ_HINT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.http import Reply
    from ml_connector.singer.normalise import Record

    from tap_visma.tap import TapVisma

PAGED = Numbered("pageNumber", "pageSize")
MODIFIED = "lastModifiedDateTime"


@cache
def field_types(stream: str) -> Mapping[str, Any]:
    """Return a stream's names and types, as `scripts/refresh_visma_schemas.py` took them from Visma's OpenAPI file."""
    return cast("Mapping[str, Any]", json.loads(files("tap_visma").joinpath(f"schemas/{stream}.json").read_text()))


class VismaStream(Stream):
    """A list endpoint. Parameters it does not know are ignored by Visma with status 200, so none is sent by habit."""

    flags: ClassVar[tuple[str, ...]] = ()
    """Query parameters that are always true: what to expand."""
    collapsed: ClassVar[tuple[str, ...]] = ()
    """Query parameters that are always false: what Visma expands unless told not to."""
    model: ClassVar[tuple[str, ...]] = ()
    """Where in the model of the answer the records are, when it is no array of them."""
    apart: ClassVar[str] = ""
    """A field of the model that is a stream of its own."""
    added: ClassVar[tuple[str, ...]] = ()
    """Text fields that the tap adds itself."""
    single: ClassVar[str] = ""
    """Where below the list one record is read, if it can be; what lists leave out or add makes its form another."""
    beside = MappingProxyType({"metadata": dict[str, Any] | None})
    permission = READ_HINT

    @classmethod
    def types(cls) -> Mapping[str, Any]:
        """Return the checked-in field types."""
        return {**field_types(cls.name), **dict.fromkeys(cls.added, "string")}  # type: ignore[misc]  # the name is on the class

    @property
    def visma(self) -> TapVisma:
        """The tap."""
        return cast("TapVisma", self.tap)

    def get_page(self, since: str | None, paging: Mapping[str, Any]) -> Unread:
        """Fetch one page."""
        switches = dict.fromkeys(self.flags, "true") | dict.fromkeys(self.collapsed, "false")
        params = {**switches, **self.changed_since(since), **paging}
        return partial(self.page, self.tap.client.request("GET", self.path, params=params, decode=self.decode))

    def is_as_read(self, record: Mapping[str, Any]) -> bool:
        """Whether the record is there and was not modified since it was read."""
        if not self.single or self.modified is None:
            return False
        names = (*self.keys, self.modified)
        path = self.single.format_map({name: quote(str(value), safe="") for name, value in record.items()})
        reply = self.tap.client.request("GET", f"{self.path}/{path}")
        now = reply.json() if reply.status == 200 else None  # noqa: PLR2004  # 404: it is not there
        return isinstance(now, dict) and all(now.get(name) == record.get(name) for name in names)

    def changed_since(self, since: str | None) -> Mapping[str, str]:
        """Return the incremental filter; both parameters belong together (apis/visma.md §3.2)."""
        return {MODIFIED: naive(since), f"{MODIFIED}Condition": ">="} if since else {}

    def page(self, reply: Reply) -> Page:
        """Return the rows of an answer; each repeats the total, some endpoints tell none."""
        rows = reply.json() if reply.status == 200 else []  # noqa: PLR2004  # 204 and 404 are past the end
        if not isinstance(rows, list):
            raise BadAnswer(f"{reply}: expected a list of {self.name}")
        told = [row.pop("metadata", None) or {} for row in rows]
        self._tell_faults(rows)
        return Page(rows, next((known["totalCount"] for known in told if "totalCount" in known), None))

    def _tell_faults(self, rows: list[Record]) -> None:
        """A row that Visma could not serialise whole says so in `errorInfo`, with status 200 (apis/visma.md §5.1)."""
        for row in rows:
            if row.get("errorInfo"):
                key = "/".join(str(row.get(name)) for name in self.keys)
                self.logger.warning("%s %s came incomplete: Visma reports an error in its errorInfo", self.name, key)


class ModifiedAlone(VismaStream):
    """A list that must be told a moment from which on, and takes no condition with it (apis/visma.md §3.2)."""

    def changed_since(self, since: str | None) -> Mapping[str, str]:
        """Return the filter, which is mandatory here."""
        return {MODIFIED: naive(since or "1900-01-01T00:00:00")}


def naive(moment: str) -> str:
    """Return a moment without its zone: the filter refuses letters and offsets (apis/visma.md §3.2)."""
    return moment.split("+", maxsplit=1)[0].removesuffix("Z")
