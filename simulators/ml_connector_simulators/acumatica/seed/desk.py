"""A desk on the books that are being written: documents go through the same forms as in the running system."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.acumatica.company import MAIN_BRANCH
from ml_connector_simulators.acumatica.rules.rule import Desk
from ml_connector_simulators.acumatica.rules.table import RULES
from ml_connector_simulators.acumatica.seed.books import identity, office_hours
from ml_connector_simulators.acumatica.settings import Settings
from ml_connector_simulators.acumatica.store import key_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from ml_connector_simulators.acumatica.seed.books import Books, Row


class Shelf:
    """As much of a store as the forms ask for."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._found: dict[tuple[str, str], Row] = {}

    def rows(self, entity: str) -> list[Row]:
        """All rows of an entity."""
        return self._books.rows.get(entity, [])

    def row(self, entity: str, key: str) -> Row | None:
        """A row by its key."""
        if (entity, key) not in self._found:
            self._found |= {(entity, key_of(entity, row)): row for row in self.rows(entity)}
        return self._found.get((entity, key))

    def put(self, entity: str, row: Row) -> None:
        """Change a row that is there."""
        known = self.row(entity, key_of(entity, row))
        if known is None:
            self._books.rows[entity].append(row)
        else:
            known.update(row)

    def next_number(self, _series: str, taken: int) -> int:
        """No seeded row takes a number by itself."""
        return taken + 1


class Clerk:
    """Enters documents as the company's people did."""

    def __init__(self, books: Books, topic: str) -> None:
        self.books = books
        self.chance: random.Random = books.chance(topic)
        self.shelf = Shelf(books)

    def desk(self, on: date) -> Desk:
        """The desk of a day."""
        store: Any = self.shelf
        return Desk(store, Settings(), on, MAIN_BRANCH)

    def enter(self, entity: str, row: Row, on: date) -> Row:
        """Enter a document through its form."""
        lines = row.get("Details")
        if lines is not None:
            row["Details"] = [dict(line) for line in lines]
        desk = self.desk(on)
        row["id"] = identity(entity, len(self.shelf.rows(entity)))
        RULES[entity].complete(desk, row, None)
        if desk.problems:
            raise ValueError(f"{entity} {row}: {desk.problems}")
        return self.books.add(entity, row, self.moment(on))

    def act(self, action: Callable[[Desk, Row], Row], row: Row, on: date) -> None:
        """Run an action on a document."""
        row.update(action(self.desk(on), row))

    def moment(self, on: date) -> datetime:
        """When a document of a day was last touched."""
        return office_hours(min(on + timedelta(days=self.chance.randrange(2)), date(2026, 11, 1)), self.chance)
