"""Which records a reconciliation is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from ml_connector.bulk.load import BULK
from ml_connector.errors import ConfigError
from ml_connector.store.tables import deliveries, runs

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

_PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-8])")


@dataclass(frozen=True, slots=True)
class Scope:
    """A period, a pipeline, a company; what is None does not narrow."""

    period: str | None = None
    pipeline: str | None = None
    company: str | None = None

    def __post_init__(self) -> None:
        """Raise ConfigError for a period that no record can have."""
        if self.period is not None and not _PERIOD.fullmatch(self.period):
            raise ConfigError(f"{self.period!r} is not a period. Write year and month: 2026-10.")

    def where(self) -> list[ColumnElement[bool]]:
        """Return what deliveries of this scope fulfil."""
        wanted = {"period": self.period, "pipeline": self.pipeline, "company": self.company}
        return [deliveries.c[name] == value for name, value in wanted.items() if value is not None]

    def holds(self, company: str, period: str | None) -> bool:
        """Say whether a record of this company and period belongs to it."""
        return self.company in (None, company) and self.period in (None, period)

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {"period": self.period, "pipeline": self.pipeline, "company": self.company}

    def __str__(self) -> str:
        """Say it in words."""
        words = [self.period or "all periods", self.company or "all companies", self.pipeline or "all pipelines"]
        return ", ".join(words)


def newest_runs(connection: Connection, scope: Scope) -> list[dict[str, Any]]:
    """Return the newest run of each pipeline in the scope: whom it delivers to, with which maps, and how it ended."""
    newest = select(runs.c.pipeline, func.max(runs.c.started_at).label("started_at")).where(runs.c.kind == "run")
    latest = newest.group_by(runs.c.pipeline).subquery()
    same = (runs.c.pipeline == latest.c.pipeline) & (runs.c.started_at == latest.c.started_at)
    query = select(runs).join(latest, same).where(runs.c.kind == "run").order_by(runs.c.pipeline)
    if scope.pipeline is not None:
        query = query.where(runs.c.pipeline == scope.pipeline)
    if scope.company is not None:
        theirs = select(deliveries.c.pipeline).where(deliveries.c.company == scope.company)
        query = query.where(or_(runs.c.pipeline.in_(theirs), runs.c.mapping.startswith(BULK)))
    return [dict(row) for row in connection.execute(query).mappings()]
