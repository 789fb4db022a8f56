"""Text as both databases keep it: no character that one of them refuses, compared byte by byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from ml_connector.store.text import storable

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine


class Text(TypeDecorator[str]):
    """Text of any length. On PostgreSQL it has collation C: order and equality are SQLite's, whatever the locale."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the database's own type."""
        return sa.Text(collation="C" if dialect.name == "postgresql" else None)

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        """Return what makes a text one that can be kept; plain, because every value passes it."""
        _ = dialect
        return _kept


def _kept(value: str | None) -> str | None:
    if value is None or (value.isascii() and "\0" not in value):
        return value
    return storable(value)
