"""Dead letters as the command line reads them: what waits, why, what people did about it, and its Singer lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select

from ml_connector.bulk.load import is_bulk
from ml_connector.delivery.outbox import pages
from ml_connector.delivery.owners import owner
from ml_connector.secrets.sealing import masked
from ml_connector.store.tables import dead_letters, deliveries, runs, shapes
from ml_connector.store.text import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

DROPPED = "dropped"
SEALED = "sealed:"
"""What the text of a sealed value begins with."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter with what is known of its delivery."""

    id: int
    business_key: str
    target_id: str
    source_hash: str
    pipeline: str
    company: str
    record_type: str
    title: str
    state: str
    reason: str | None
    field: str | None
    value: str | None
    message: str | None
    suggestion: str | None
    amount: str | None
    currency: str | None
    since: str
    attempts: int
    run_id: str
    opened_at: str
    closed_by: str | None
    edit: str | None  # JSON text: path to value before and after
    stream: str
    record: str  # JSON text, as the tap sent it; bank and personal identifiers sealed
    schema: str
    key_properties: str
    origin: str | None
    extracted_at: str | None
    mapping: str | None  # of the run that opened it

    @property
    def name(self) -> str:
        """What people call the record."""
        return self.title or self.business_key

    @property
    def amount_of(self) -> dict[str, Decimal]:
        """The amount under its currency; nothing when the record has none."""
        return {self.currency: Decimal(self.amount)} if self.amount and self.currency else {}

    @property
    def owner(self) -> str:
        """Whose job its cause is."""
        return owner(self.reason)

    @property
    def edits(self) -> dict[str, list[Any]]:
        """What a person has changed: path to value before and after."""
        return decode(self.edit) if self.edit else {}

    @property
    def is_open(self) -> bool:
        """Whether it waits."""
        return self.closed_by is None

    @property
    def is_bulk(self) -> bool:
        """Whether its pipeline loads records as they are: there are no maps to read it with."""
        return is_bulk(self.mapping)

    @property
    def is_purged(self) -> bool:
        """Whether its record has been taken out of the store."""
        return self.record == "{}"

    def as_data(self) -> dict[str, Any]:
        """Return it without the record."""
        left_out = ("stream", "record", "schema", "key_properties", "edit", "mapping")
        told = {name: getattr(self, name) for name in self.__slots__ if name not in left_out}
        return {**told, "owner": self.owner, "edited": sorted(self.edits)}


_OF_THE_LETTER = (
    "id",
    "business_key",
    "target_id",
    "source_hash",
    "pipeline",
    "record_type",
    "run_id",
    "opened_at",
    "closed_by",
    "edit",
    "stream",
    "record",
    "origin",
    "extracted_at",
)
_OF_THE_SHAPE = ("schema", "key_properties")

FILTERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "cause": lambda value: deliveries.c.reason == value,
        "pipeline": lambda value: dead_letters.c.pipeline == value,
        "company": lambda value: deliveries.c.company == value,
        "state": lambda value: deliveries.c.state == value,
        "record_type": lambda value: dead_letters.c.record_type == value,
        "older_than": lambda moment: deliveries.c.since <= moment,
        "since": lambda moment: deliveries.c.since >= moment,
    }
)
"""What narrows a search, by the name of its option."""


def find_letters(
    connection: Connection, *, ids: Sequence[int] = (), wanted: Mapping[str, str | None] = MappingProxyType({})
) -> list[Letter]:
    """Return letters by their numbers, else the open ones; `wanted` narrows them, by the names of `FILTERS`."""
    query = _select().where(dead_letters.c.id.in_(ids) if ids else dead_letters.c.closed_at.is_(None))
    for name, value in wanted.items():
        if value is not None:
            query = query.where(FILTERS[name](value))
    return [Letter(*row) for row in connection.execute(query)]


def newest_letters(connection: Connection, letters: Sequence[Letter]) -> list[Letter]:
    """Return what the store has now of the same records: one whose record changed has a new letter."""
    query = _select().where(dead_letters.c.pipeline.in_({letter.pipeline for letter in letters}))
    found: dict[str, Letter] = {}
    for keys in pages(letter.business_key for letter in letters):
        rows = connection.execute(query.where(dead_letters.c.business_key.in_(keys)))
        for letter in sorted((Letter(*row) for row in rows), key=lambda each: each.is_open):
            found[letter.business_key] = letter
    return sorted(found.values(), key=lambda each: each.id)


def _select() -> Any:
    homes = dict.fromkeys(_OF_THE_LETTER, dead_letters) | dict.fromkeys(_OF_THE_SHAPE, shapes) | {"mapping": runs}
    columns = [homes.get(name, deliveries).c[name].label(name) for name in Letter.__slots__]
    same = and_(
        deliveries.c.target_id == dead_letters.c.target_id, deliveries.c.business_key == dead_letters.c.business_key
    )
    joined = select(*columns).join_from(dead_letters, deliveries, same).join(shapes)
    return joined.outerjoin(runs, runs.c.id == dead_letters.c.run_id).order_by(dead_letters.c.id)


def singer_lines(letters: Iterable[Letter], reveal: Callable[[Any], Any]) -> Iterator[str]:
    """Yield the original SCHEMA and RECORD messages, digit for digit; `reveal` opens what the store keeps sealed."""
    told: dict[str, str] = {}
    for letter in letters:
        stream = json.dumps(letter.stream)
        shape = f'"schema":{letter.schema},"key_properties":{letter.key_properties}'
        if told.get(stream) != shape:
            told[stream] = shape
            yield f'{{"type":"SCHEMA","stream":{stream},{shape}}}\n'
        record = encode(reveal(decode(letter.record))) if SEALED in letter.record else letter.record
        read = {"time_extracted": letter.extracted_at, "origin": letter.origin}
        beside = "".join(f',"{name}":{json.dumps(text)}' for name, text in read.items() if text)
        yield f'{{"type":"RECORD","stream":{stream},"record":{record}{beside}}}\n'


def shown_record(letter: Letter) -> Any:
    """Return the original record with bank and personal identifiers masked (L10)."""
    return masked(decode(letter.record))
