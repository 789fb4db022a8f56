"""What is checked in the endpoint's contract before the first record: everything missing is told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigError, Forbidden

from target_acumatica.contract import SCALARS
from target_acumatica.policy import is_computed, not_allowed, posts
from target_acumatica.reader import BRANCH

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ml_connector.mapping.target_map import TableUse, TargetMap

    from target_acumatica.contract import Contract, Entity
    from target_acumatica.reader import Reader

VIA = "entity"
PROBE = "ml-connector looks whether this can be looked up"


@dataclass(slots=True)
class Preflight:
    """Compares what a target map needs with what the endpoint offers and this target may do."""

    reader: Reader
    allowed: Collection[str]

    def check(self, target_map: TargetMap) -> list[str]:
        """Return the warnings. Raises ConfigError naming all that is missing, Forbidden for what may not be read."""
        named = list(target_map.tables.values())
        self._stop(target_map.name, [words for use in named if (words := posts(use.table))])
        uses = [use for use in named if not_allowed(use.table, self.allowed) is None]
        missing = [line for use in uses for line in self._missing(use)]
        looked_up = list(target_map.looked_up)
        missing += [line for table, columns in looked_up for line in self._unknown(table, columns)]
        self._stop(target_map.name, missing)
        for use in uses:
            self._prove_look_up(use)
        left_out = (not_allowed(use.table, self.allowed) for use in named)
        return [f"{words}: what the map makes of it waits" for words in left_out if words]

    def _missing(self, use: TableUse) -> Iterator[str]:
        contract = self.reader.contract
        if use.via != VIA:
            yield f"{use.table}: `via: {use.via}` is not {VIA}"
        if not contract.has(use.table):
            yield f"{use.table}: the endpoint has no such entity"
            return
        entity = contract.entity(use.table)
        for name in use.columns:
            if complaint := _complaint(contract, entity, name):
                yield f"{use.table}.{name}: {complaint}"
        for name in use.key_columns:
            if name not in entity.fields:
                yield f"{use.table}.{name}: the key must be a header field, since only those can be looked up"

    def _unknown(self, table: str, columns: Sequence[str]) -> Iterator[str]:
        fields = self.reader.fields(table)
        if not fields:
            yield f"{table}: there is no such entity to look codes up in"
            return
        yield from (f"{table}.{name}: no such header field" for name in dict.fromkeys(columns) if name not in fields)

    def _prove_look_up(self, use: TableUse) -> None:
        """Look up a reference that nothing carries: what fails now would fail before every create."""
        kinds = self.reader.contract.entity(use.table).fields
        column = use.key_columns[-1]
        try:
            if kinds[column] == "StringValue":
                self.reader.find(use.table, column, [PROBE[:30]])
            else:
                self.reader.first(use.table, column)
        except Forbidden as error:
            raise Forbidden(f"{use.table} may not be read, so nothing of it can be written safely: {error}") from None

    @staticmethod
    def _stop(name: str, missing: Sequence[str]) -> None:
        if missing:
            lines = "".join(f"\n  - {line}" for line in dict.fromkeys(missing))
            raise ConfigError(
                f"map {name!r} cannot be carried out; nothing was sent:{lines}\nCorrect the map, the endpoint or the "
                "settings."
            )


def _complaint(contract: Contract, entity: Entity, path: str) -> str | None:
    """Say why a field of a map cannot be written, None when it can."""
    parts = path.split(".")
    at, lists = entity, 0
    for name in parts[:-1]:
        lists += name in at.details
        inner = contract.inside(at, name)
        if inner is None:
            return f"{at.name} has no {name} to write into"
        at = inner
    if lists > 1 or (lists and parts[0] not in entity.details):
        return "lists inside lists are not written"
    if contract.kind(at, parts[-1]) not in SCALARS:
        return f"{at.name} has no such field{_near(at, parts[-1])}"
    return "Acumatica computes it: take it out of the map" if is_computed(entity.name, path) else None


def _near(entity: Entity, name: str) -> str:
    words = name.lower()
    near = [it for it in entity.names if it.lower() in words or words in it.lower()][:5]
    return f"; similar: {', '.join(near)}" if near else ""


def readable(target_map: TargetMap) -> list[str]:
    """Return every entity of the tenant that a map reads, our own words for them included."""
    tables = [*target_map.tables, *(table for table, _ in target_map.looked_up)]
    return [table for table in dict.fromkeys(tables) if table != BRANCH]
