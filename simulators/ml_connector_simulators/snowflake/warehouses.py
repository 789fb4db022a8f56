"""The warehouses of the fake account: any name is one, unless a test has suspended or dropped it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from ml_connector_simulators.snowflake.errors import known


@dataclass(slots=True)
class Warehouse:
    """One warehouse's state."""

    state: str = "STARTED"
    auto_resume: bool = True
    dropped: bool = False


class Warehouses:
    """The warehouses by name."""

    def __init__(self) -> None:
        self._known: dict[str, Warehouse] = {}
        self.default: str | None = "COMPUTE_WH"  # of every user who names none

    def get(self, name: str) -> Warehouse:
        """A warehouse; one nobody has spoken of is there and started."""
        return self._known.setdefault(name, Warehouse())

    def set(self, name: str, state: str = "STARTED", *, auto_resume: bool = True, dropped: bool = False) -> None:
        """Suspend a warehouse, let it start by itself or not, or drop it (or take the role's grant on it away)."""
        self._known[name.upper()] = Warehouse(state.upper(), auto_resume, dropped)

    def set_default(self, name: str | None = None) -> None:
        """The warehouse of users who name none; without a name they have none."""
        self.default = name

    def use(self, name: str) -> str:
        """The name, if such a warehouse is there."""
        if self.get(name).dropped:
            raise known("schema_missing")
        return name

    def need(self, name: str | None, expression: exp.Expr) -> None:
        """Refuse a statement that needs a warehouse when there is none that runs; wake one that sleeps."""
        if not _computes(expression):
            return
        if name is None or self.get(name).dropped:
            raise known("no_warehouse")
        found = self.get(name)
        if found.state != "STARTED" and not found.auto_resume:
            raise known("warehouse_suspended", name)
        found.state = "STARTED"

    def rows(self, current: str | None) -> list[tuple[str, Warehouse]]:
        """What SHOW WAREHOUSES lists."""
        names = {*self._known, *(name for name in (current, self.default) if name)}
        return [(name, self.get(name)) for name in sorted(names) if not self.get(name).dropped]


def _computes(expression: exp.Expr) -> bool:
    if isinstance(expression, exp.Insert | exp.Update | exp.Delete | exp.Merge | exp.Copy):
        return True
    return isinstance(expression, exp.Query) and expression.find(exp.From) is not None
