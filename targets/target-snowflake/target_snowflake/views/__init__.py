"""Finance views over loaded tables, shipped as SQL: what each answers stands at the top of its file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Protocol

from target_snowflake.names import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = "visma"

_HEAD = re.compile(r"^CREATE OR REPLACE VIEW (\w+) COPY GRANTS\s+COMMENT = '([^']+)'", re.MULTILINE)
_NEEDS = re.compile(r"^-- Needs: (.+)$", re.MULTILINE)


class Result(Protocol):
    """What a statement answered."""

    @property
    def rows(self) -> Sequence[Sequence[Any]]:
        """The rows, in the order of the columns."""

    @property
    def columns(self) -> Sequence[str]:
        """The columns' names."""


class Session(Protocol):
    """A connection whose database and schema are set."""

    def execute(self, sql: str) -> Result:
        """Run one statement."""


@dataclass(frozen=True, slots=True)
class View:
    """One view as it is shipped."""

    name: str
    title: str
    sql: str
    needs: tuple[str, ...]
    """The tables it reads."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a view: made, unless tables that it needs are not there."""

    view: View
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it in one line."""
        if not self.missing:
            return f"{self.view.name}: {self.view.title}"
        streams = ", ".join(name.lower() for name in self.missing)
        return f"{self.view.name}: skipped, tables are missing. Select {streams} in the tap, run it, and come again."


def finance_views(source: str = SOURCE) -> list[View]:
    """Return the views that are shipped for a source's tables, by name; none for a source without any."""
    folder = files(__name__).joinpath(source)
    if not source.isidentifier() or not folder.is_dir():
        return []
    texts = (each.read_text("utf-8") for each in folder.iterdir() if each.name.endswith(".sql"))
    return sorted(map(_view, texts), key=lambda view: view.name)


def create(session: Session, schema: str | None = None, source: str = SOURCE) -> list[Made]:
    """Create the views, or replace them, in a schema (the session's, unless one is named); skip what lacks tables."""
    if schema:
        session.execute(f"USE SCHEMA {quoted(schema)}")
    known = _tables(session)
    return [_made(session, view, known) for view in finance_views(source)]


def rows(session: Session, name: str) -> list[dict[str, Any]]:
    """Return what a view in the session's schema answers, each row by its columns' names."""
    answer = session.execute(f"SELECT * FROM {quoted(name)}")
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def _view(sql: str) -> View:
    head, needs = _HEAD.search(sql), _NEEDS.search(sql)
    if head is None or needs is None:
        raise ValueError("a view's file must say what it needs, and create it with a comment")
    return View(head[1], head[2], sql.strip(), tuple(needs[1].split(", ")))


def _made(session: Session, view: View, known: frozenset[str]) -> Made:
    missing = tuple(name for name in view.needs if name not in known)
    if not missing:
        session.execute(view.sql)
    return Made(view, missing)


def _tables(session: Session) -> frozenset[str]:
    listed = "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = CURRENT_SCHEMA()"
    return frozenset(row[0] for row in session.execute(listed).rows)
