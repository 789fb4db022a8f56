"""What a ServiceNow simulator holds, compared with what an undisturbed run leaves: lost, duplicate, stale."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml_connector_simulators.servicenow import ServiceNowSimulator

WRITTEN_DIRECTLY = ("cmn_cost_center", "itfm_gl_accounts", "proc_po")
"""Tables that have no staging table; the others in which records end are those of the transform maps."""

Content = tuple[tuple[str, str], ...]


@dataclass
class Landed:
    """The business content of an instance: rows of every table, staged rows (one per write), sums per currency."""

    rows: dict[str, Counter[Content]] = field(default_factory=dict)
    staged: dict[str, Counter[Content]] = field(default_factory=dict)
    sums: dict[str, Decimal] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many rows the records ended in."""
        return sum(each.total() for each in self.rows.values())

    def differences(self, other: Landed) -> dict[str, list[str]]:
        """Return, by kind, what `other` has differently: `lost`, `duplicate`, `written_twice`, `sums`."""
        found: dict[str, list[str]] = {"lost": [], "duplicate": [], "written_twice": [], "sums": []}
        for table, wanted in self.rows.items():
            found["lost"] += _told(table, wanted - other.rows[table])
            found["duplicate"] += _told(table, other.rows[table] - wanted)
        for table, wanted in self.staged.items():
            found["written_twice"] += _told(table, other.staged[table] - wanted)
        if self.sums != other.sums:
            found["sums"] = [f"{self.sums} became {other.sums}"]
        return {kind: told for kind, told in found.items() if told}


def landed(servicenow: ServiceNowSimulator) -> Landed:
    """Read an instance."""
    result = Landed()
    maps = servicenow.instance.schema.maps
    for table in sorted({*WRITTEN_DIRECTLY, *(it.target for it in maps)}):
        rows = servicenow.table(table)
        result.rows[table] = Counter(map(_content, rows))
        for row in rows:
            for name, value in row.items():
                if name.endswith(".amount") and value:
                    place = f"{table}.{name} {row[name.removesuffix('amount') + 'currency']}"
                    result.sums[place] = result.sums.get(place, Decimal(0)) + Decimal(value)
    for table in sorted({it.source for it in maps}):
        result.staged[table] = Counter(map(_content, servicenow.table(table)))
    return result


def _content(row: dict[str, Any]) -> Content:
    """Return a row without what differs from one instance to the next: ids, stamps, numbers the instance gives."""
    own = {name for name in row if name.startswith("sys_") or name == "number" or f"{name}.amount" in row}
    own = own - {"sys_mod_count"} | {"import_set_run"}  # how often a row was changed is no accident
    ids = {name for name, value in row.items() if len(str(value)) == 32}
    return tuple(sorted((name, str(value)) for name, value in row.items() if name not in own | ids))


def _told(table: str, rows: Counter[Content]) -> list[str]:
    return [f"{count} x {table} {_named(content)}" for content, count in list(rows.items())[:3]]


def _named(content: Content) -> str:
    return ", ".join(f"{name}={value}" for name, value in content if value)[:160]
