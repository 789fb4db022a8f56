"""Text as both databases keep it: no character that one of them refuses, compared byte by byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from ml_connector.store.text import storable

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine


class Text(TypeDecorator[str]):
    """Text of any length. On PostgreSQL it has collation C: order and equality are SQLite's, whatever the locale."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the database's own type."""
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(sa.Text(collation=collation))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return a text that can be kept."""
        _ = dialect
        return None if value is None else storable(value)
