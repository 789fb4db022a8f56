"""What the user may do, as far as a tenant tells it without a write (apis/acumatica.md §1, §5).

Rights are given per form, to read, edit or insert; the contract API tells of them only by answering 403.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.delivery.sink import Check
from ml_connector.errors import ConfigError, Forbidden

from target_acumatica.policy import KEYS, not_allowed, posts
from target_acumatica.preflight import readable
from target_acumatica.reader import ITEM

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ml_connector.mapping.target_map import TableUse, TargetMap

    from target_acumatica.reader import Reader

_LATER = "whether the user may insert and edit it shows at the first write only"


def map_checks(reader: Reader, target_map: TargetMap, allowed: Collection[str]) -> Iterator[Check]:
    """Yield whether the user may read each entity of a map, and whether this target may write those it writes."""
    for table in readable(target_map):
        yield _may_read(reader, table)
    for use in target_map.tables.values():
        yield _may_write(use, allowed)


def structure_check(reader: Reader) -> Check:
    """Say whether companies and branches may be read."""
    name = "read CompaniesStructure"
    try:
        found = reader.branches()
    except (Forbidden, ConfigError) as error:
        hint = "Give the user rights to the form Companies Structure (CS401000), to prove branches."
        return Check(name, ok=True, detail=f"branches may not be read: {error}", suggestion=hint)
    return Check(name, ok=True, detail=f"may read companies and branches: {len(found)} branches")


def _may_read(reader: Reader, table: str) -> Check:
    name = f"read {table}"
    entity = "StockItem" if table == ITEM else table
    column = next(iter((*KEYS.get(entity, ()), *reader.fields(table))), None)
    if column is None or not reader.fields(table):
        return Check(name, ok=False, detail=f"the endpoint has no {table}", suggestion="Correct the map.")
    try:
        reader.first(entity, column)
    except (Forbidden, ConfigError) as error:
        hint = f"Give the user rights to the form of {table}, or turn its feature on."
        return Check(name, ok=False, detail=f"may not read {table}: {error}", suggestion=hint)
    return Check(name, ok=True, detail=f"may read {table}")


def _may_write(use: TableUse, allowed: Collection[str]) -> Check:
    name = f"write {use.table}"
    what = " and ".join(kind.replace("_", " ") for kind in use.record_types)
    if words := posts(use.table):
        hint = "Take it out of the map."
        return Check(name, ok=False, detail=words, suggestion=hint, data={"table": use.table, "known": True})
    if words := not_allowed(use.table, allowed):
        return Check(name, ok=True, detail=f"left out: {words}", data={"table": use.table, "known": True})
    return Check(name, ok=True, detail=f"{use.table} ({what}): {_LATER}", data={"table": use.table, "known": False})
