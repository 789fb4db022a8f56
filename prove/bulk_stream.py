"""Four streams of invoices, interleaved: keys that come again and again, some values that fit no column, STATE."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from ml_connector.singer.totals import CONTROL_TOTAL, STATE_KEY
from ml_connector.store.text import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARES = {"supplier_invoices": 30, "customer_invoices": 25, "supplier_payments": 25, "ledger_entries": 20}
"""The streams, and how often a record is of each."""

COMPANIES, CURRENCIES = ("NO01", "SE01"), ("NOK", "SEK", "EUR")
STATE_EVERY = 1000  # records
_AGAIN, _SAME = 0.2, 0.05  # shares of records: a newer version of an earlier one, and the same once more
_BAD_EVERY = 1500  # records: the next one has a date that is none
_SCHEMA: dict[str, Any] = {
    "properties": {
        "_company": {"type": "string"},
        "number": {"type": "integer"},
        "version": {"type": "integer"},
        "amount": {"type": ["number", "null"], "multipleOf": 0.01},
        "currency": {"type": "string"},
        "day": {"type": ["string", "null"], "format": "date"},
        "text": {"type": ["string", "null"]},
    },
    CONTROL_TOTAL: {"amount": "amount", "currency": "currency"},
}

Key = tuple[str, int]
"""A company and a number."""


class Row(NamedTuple):
    """What one record says; a bad one is refused."""

    stream: str
    key: Key
    version: int
    amount: Decimal
    currency: str
    bad: bool = False

    @property
    def line(self) -> str:
        """The RECORD message; the amount goes as a number, digit for digit."""
        company, number = self.key
        day = "2026-13-45" if self.bad else f"2026-{1 + number % 12:02}-{1 + self.version % 28:02}"
        return (
            f'{{"type":"RECORD","stream":"{self.stream}","record":{{"_company":"{company}","number":{number},'
            f'"version":{self.version},"amount":{self.amount},"currency":"{self.currency}","day":"{day}",'
            f'"text":"posting {number} of {company}, version {self.version}"}}}}'
        )


@dataclass
class Content:
    """What a table should hold: the newest version of each key, and sums per currency."""

    newest: dict[Key, Row] = field(default_factory=dict)

    @property
    def sums(self) -> dict[str, Decimal]:
        """The sum per currency."""
        found: dict[str, Decimal] = defaultdict(Decimal)
        for row in self.newest.values():
            found[row.currency] += row.amount
        return dict(found)


class BulkStream:
    """Records in the order in which a tap emits them; the same for the same seed."""

    def __init__(self, count: int, seed: int) -> None:
        self.rows = list(_rows(count, random.Random(seed)))

    @cached_property
    def lines(self) -> list[str]:
        """The RECORD messages."""
        return [row.line for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def messages(self, start: int) -> Iterator[str]:
        """Yield what a tap that begins after `start` records emits: schemas, records, and STATE with its totals."""
        keys = ["_company", "number"]
        yield from (
            encode({"type": "SCHEMA", "stream": stream, "schema": _SCHEMA, "key_properties": keys}) for stream in SHARES
        )
        for at in range(start, max(len(self), start + 1), STATE_EVERY):  # a tap with nothing new tells its STATE, too
            end = min(at + STATE_EVERY, len(self))
            yield from self.lines[at:end]
            yield encode({"type": "STATE", "value": self._state(start, end)})

    def _state(self, start: int, end: int) -> dict[str, Any]:
        before, until = self._totals[start], self._totals[end]
        streams = {}
        for stream in SHARES:
            emitted = str(until[stream, ""] - before[stream, ""])
            sums = {each: format(until[stream, each] - before[stream, each], "f") for each in CURRENCIES}
            told = {"fetched": emitted, "emitted": emitted, "dropped": {}, "sums": sums}
            streams[stream] = told | {"complete": end == len(self)}
        return {"at": end, STATE_KEY: {"version": 1, "streams": streams}}

    @cached_property
    def _totals(self) -> dict[int, dict[tuple[str, str], Decimal]]:
        """Count and sums of each stream until each STATE; the currency of the count is empty."""
        now: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        found = {0: now.copy()}
        for number, row in enumerate(self.rows, 1):
            now[row.stream, ""] += 1
            now[row.stream, row.currency] += row.amount
            if number % STATE_EVERY == 0 or number == len(self):
                found[number] = now.copy()
        return found

    def contents(self, until: int) -> dict[str, Content]:
        """Return what each stream's table should at least hold when the first `until` records are settled."""
        found = {stream: Content() for stream in SHARES}
        for row in self.rows[:until]:
            if not row.bad:
                found[row.stream].newest[row.key] = row
        return found

    def bad(self, until: int) -> set[tuple[str, Key]]:
        """Return the records among the first `until` that are to be refused."""
        return {(row.stream, row.key) for row in self.rows[:until] if row.bad}


def _rows(count: int, chance: random.Random) -> Iterator[Row]:
    names, weights = list(SHARES), list(SHARES.values())
    newest: dict[str, list[Row]] = {name: [] for name in names}
    for number in range(1, count + 1):
        (stream,) = chance.choices(names, weights)
        earlier, drawn = newest[stream], chance.random()
        if number % _BAD_EVERY == 0:
            yield _fresh(stream, 10_000_000 + number, chance)._replace(bad=True)
        elif earlier and drawn < _SAME:
            yield chance.choice(earlier)
        elif earlier and drawn < _SAME + _AGAIN:
            place = chance.randrange(len(earlier))
            old = earlier[place]
            earlier[place] = old._replace(version=old.version + 1, amount=_amount(chance))
            yield earlier[place]
        else:
            earlier.append(_fresh(stream, number, chance))
            yield earlier[-1]


def _fresh(stream: str, number: int, chance: random.Random) -> Row:
    return Row(stream, (chance.choice(COMPANIES), number), 1, _amount(chance), chance.choice(CURRENCIES))


def _amount(chance: random.Random) -> Decimal:
    return Decimal(chance.randint(-99_999, 9_999_999)).scaleb(-2)
