"""The PUT requests of one document: created or updated, in chunks when it has many lines (apis/acumatica.md §5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ml_connector.errors import BadAnswer, InDoubt
from ml_connector.vendors.acumatica.values import wrap

from target_acumatica.document import HOLD
from target_acumatica.lines import all_lines, remember
from target_acumatica.policy import KEYS
from target_acumatica.reader import MAX_QUERY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.http import Reply

    from target_acumatica.document import Document, Record
    from target_acumatica.lines import Matched
    from target_acumatica.reader import Reader

STATUS = "Status"
INSERT, UPDATE = {"If-None-Match": "*"}, {"If-Match": "*"}


class Item(NamedTuple):
    """One line to write: its list and its fields, with its id when the tenant has it."""

    list: str
    fields: dict[str, Any]


@dataclass(slots=True)
class Written:
    """What is known of a document while it is written, also when a request of it fails."""

    target_id: str | None = None
    memory: dict[str, Any] | None = None
    reply: Reply | None = None
    record: Record = field(default_factory=dict)
    lines: dict[str, Matched] = field(default_factory=dict)

    @property
    def known(self) -> dict[str, Any]:
        """What an outcome can say whatever happened."""
        return {"target_id": self.target_id, "memory": self.memory}


@dataclass(slots=True)
class Puts:
    """Writes documents, one request after another."""

    reader: Reader
    lines_per_request: int
    stop: BadAnswer | None = None  # an answer that nothing explains: no further document goes out
    _selects: dict[str, bool] = field(default_factory=dict)  # entity → whether a read has taken such a `$select`

    def create(self, document: Document, written: Written) -> None:
        """Make a document. One with many lines is on hold until the last of them is there."""
        items = [Item(name, fields) for name, lines in document.lists.items() for fields in lines.values()]
        first, *rest = self._chunks(items)
        held = bool(rest) and HOLD in document.header
        header = {**document.header, HOLD: True} if held else document.header
        self._put(document, written, _body(header, first), self._insert(document))
        self._add(document, written, rest)
        if held:
            self._release(document, written, document.header[HOLD])

    def update(self, document: Document, written: Written, header: Mapping[str, Any], items: Sequence[Item]) -> None:
        """Change what differs of a document that is there."""
        first, *rest = self._chunks(items)
        now = {name: value for name, value in header.items() if not (rest and name == HOLD)}
        self._put(document, written, _body({"id": written.target_id, **now}, first), UPDATE)
        self._add(document, written, rest)
        if rest and HOLD in header:
            self._release(document, written, header[HOLD])

    def _release(self, document: Document, written: Written, hold: Any) -> None:
        """Take a document off hold, if it is to be, once all its lines are there."""
        if hold is not True:
            self._put(document, written, {"id": written.target_id, HOLD: hold}, UPDATE)

    def _add(self, document: Document, written: Written, chunks: Sequence[Sequence[Item]]) -> None:
        for chunk in chunks:
            self._put(document, written, _body({"id": written.target_id}, chunk), UPDATE)

    def _chunks(self, items: Sequence[Item]) -> Iterator[Sequence[Item]]:
        size = self.lines_per_request
        yield items[:size]
        yield from (items[start : start + size] for start in range(size, len(items), size))

    @staticmethod
    def _insert(document: Document) -> Mapping[str, str]:
        """Return the header that forces an insert, where the body has a key by which one could be refused.

        An auto-numbered document has none: its number is made by the insert itself.
        """
        keys = KEYS.get(document.entity.name)
        return INSERT if keys is None or all(document.header.get(name) for name in keys) else {}

    def _put(self, document: Document, written: Written, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        entity = document.entity.name
        path = self.reader.path(entity, expand=document.expand, select=self._select(document))
        try:
            reply = self.reader.client.request("PUT", path, json=wrap(body), headers=headers)
        except BadAnswer as error:
            self.stop = error
            raise InDoubt(f"{error}; it is looked up, not repeated") from None
        written.reply = reply
        answer = reply.json()
        if not isinstance(answer, dict) or not answer.get("id"):
            raise InDoubt(f"{reply}: the answer does not show the document; it is looked up, not repeated")
        written.target_id = str(answer["id"])
        self._note(document, written, answer)

    def _select(self, document: Document) -> Sequence[str]:
        """Return what a write is to answer beside what was sent, such as the number a document gets.

        Only in a form that a read has taken before: what a tenant says to a write that it does not understand would
        leave the write in doubt. Without it, what an answer lacks is read.
        """
        entity = document.entity
        own = (*KEYS.get(entity.name, ()), HOLD, STATUS)
        names = list(dict.fromkeys((*document.select, *(name for name in own if name in entity.fields))))
        if entity.name not in self._selects:
            self._selects[entity.name] = self.reader.shows(entity.name, names, document.expand)
        fits = len(self.reader.path(entity.name, expand=document.expand, select=names)) < MAX_QUERY
        return names if self._selects[entity.name] and fits else ()

    def _note(self, document: Document, written: Written, answer: Record) -> None:
        """Take in what the answer shows; what it leaves out is read."""
        entity = document.entity.name
        shown = (*document.lists, *KEYS.get(entity, ()))
        if any(name not in answer for name in shown):
            answer = self.reader.by_id(entity, str(written.target_id), document.expand) or answer
        written.lines = all_lines(document, answer, written.memory, fresh=written.record)
        written.record = answer
        written.memory = {**(written.memory or {}), **remember(written.lines)}


def _body(header: Mapping[str, Any], items: Sequence[Item]) -> dict[str, Any]:
    body: dict[str, Any] = dict(header)
    for item in items:
        body.setdefault(item.list, []).append(item.fields)
    return body
