"""What everything seeded shares: repeatable chance, ids, moments."""

from __future__ import annotations

import random
import uuid
import zlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from ml_connector_simulators.acumatica.contract import SHAPES
from ml_connector_simulators.acumatica.times import stamp

Row = dict[str, Any]
SET_UP = datetime(2025, 1, 2, 14, 0, tzinfo=UTC)
FIRST_DAY = date(2026, 10, 1)
DAYS = 31


@dataclass
class Books:
    """The books while they are being written: rows by entity."""

    seed: int = 1
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def chance(self, topic: str) -> random.Random:
        """Repeatable chance of its own for each kind of record, so that one does not move another."""
        return random.Random(zlib.crc32(f"{topic}/{self.seed}".encode()))  # noqa: S311  a seed, not a secret

    def add(self, entity: str, row: Row, at: datetime = SET_UP) -> Row:
        """Write a row, with an id and stamps."""
        place = len(self.rows.setdefault(entity, []))
        row = {"id": identity(entity, place), "note": "", **row}
        for known in SHAPES[entity].all_fields:
            if known.is_stamp:
                row[known.name] = stamp(at if known.name.startswith("Last") else min(at, SET_UP))
            elif known.type == "rows":
                lines = row.get(known.name) or []
                row[known.name] = [
                    {"id": identity(row["id"], known.name, n), "note": "", **it} for n, it in enumerate(lines)
                ]
        self.rows[entity].append(row)
        return row

    def key(self, entity: str, index: int) -> str:
        """The first key of some row, counted round."""
        rows = self.rows[entity]
        return str(rows[index % len(rows)][SHAPES[entity].keys[0]])


def identity(*parts: object) -> str:
    """An id that is the same in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, ("acumatica", *parts)))))


def day_of(index: int, count: int) -> date:
    """The days of October, dealt out in order."""
    return FIRST_DAY + timedelta(days=min(DAYS - 1, index * DAYS // count))


def office_hours(on: date, chance: random.Random) -> datetime:
    """Some working moment of a day, in New York."""
    parts = (chance.randrange(13, 21), chance.randrange(60), chance.randrange(60), chance.randrange(1000) * 1000)
    return datetime.combine(on, time(*parts), UTC)
