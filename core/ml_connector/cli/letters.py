"""Dead letters as the command line reads them: what waits, why, and the lines that feed it to its target again."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select

from ml_connector.secrets import Redactor
from ml_connector.store.tables import dead_letters, deliveries, shapes
from ml_connector.store.text import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

_PERSONAL = re.compile(
    r"bank|iban|swift|\bbic\b|giro|clearing|national.?id|personal|birth|passport|ssn|phone|mobile|fax|e?mail",
    re.IGNORECASE,
)
_MASK = "***"


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter with what is known of its delivery."""

    id: int
    business_key: str
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
    closed_by: str | None
    stream: str
    record: str  # JSON text, as the tap sent it
    schema: str
    key_properties: str

    @property
    def name(self) -> str:
        """What people call the record."""
        return self.title or self.business_key

    @property
    def amount_of(self) -> dict[str, Decimal]:
        """The amount under its currency; nothing when the record has none."""
        return {self.currency: Decimal(self.amount)} if self.amount and self.currency else {}

    def as_data(self) -> dict[str, Any]:
        """Return it without the record."""
        left_out = ("stream", "record", "schema", "key_properties")
        return {name: getattr(self, name) for name in self.__slots__ if name not in left_out}


_OF_THE_LETTER = (
    "id",
    "business_key",
    "pipeline",
    "record_type",
    "closed_by",
    "stream",
    "record",
)
_OF_THE_SHAPE = ("schema", "key_properties")


def find_letters(
    connection: Connection, *, ids: Sequence[int] = (), wanted: Mapping[str, str | None] = MappingProxyType({})
) -> list[Letter]:
    """Return letters by their numbers, else the open ones; `wanted` narrows by pipeline, company and cause."""
    query = _select().where(dead_letters.c.id.in_(ids) if ids else dead_letters.c.closed_at.is_(None))
    places = {"cause": deliveries.c.reason, "pipeline": dead_letters.c.pipeline, "company": deliveries.c.company}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(places[name] == value)
    return [Letter(*row) for row in connection.execute(query)]


def newest_letters(connection: Connection, letters: Sequence[Letter]) -> list[Letter]:
    """Return what the store has now of the same records: one that waits again may have a new letter."""
    keys, pipelines = [letter.business_key for letter in letters], {letter.pipeline for letter in letters}
    query = _select().where(dead_letters.c.business_key.in_(keys), dead_letters.c.pipeline.in_(pipelines))
    found = {letter.business_key: letter for letter in (Letter(*row) for row in connection.execute(query))}
    return list(found.values())


def _select() -> Any:
    homes = dict.fromkeys(_OF_THE_LETTER, dead_letters) | dict.fromkeys(_OF_THE_SHAPE, shapes)
    columns = [homes.get(name, deliveries).c[name].label(name) for name in Letter.__slots__]
    same = and_(
        deliveries.c.target_id == dead_letters.c.target_id, deliveries.c.business_key == dead_letters.c.business_key
    )
    return select(*columns).join_from(dead_letters, deliveries, same).join(shapes).order_by(dead_letters.c.id)


def singer_lines(letters: Iterable[Letter]) -> Iterator[str]:
    """Yield the original SCHEMA and RECORD messages, digit for digit."""
    told: dict[str, str] = {}
    for letter in letters:
        stream = json.dumps(letter.stream)
        shape = f'"schema":{letter.schema},"key_properties":{letter.key_properties}'
        if told.get(stream) != shape:
            told[stream] = shape
            yield f'{{"type":"SCHEMA","stream":{stream},{shape}}}\n'
        yield f'{{"type":"RECORD","stream":{stream},"record":{letter.record}}}\n'


def shown_record(letter: Letter) -> Any:
    """Return the original record with bank and personal identifiers masked (L10)."""
    return _masked(decode(letter.record), Redactor())


def _masked(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, dict):
        return {
            name: _MASK if inner is not None and _PERSONAL.search(name) else _masked(inner, redactor)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked(inner, redactor) for inner in value]
    return redactor.clean(value) if isinstance(value, str) else value
