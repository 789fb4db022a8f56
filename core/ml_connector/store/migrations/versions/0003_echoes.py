"""Effects know the business key a tap reads their row back by, and what the connector needs to change it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    bytewise = sa.Text(collation="C" if op.get_bind().dialect.name == "postgresql" else None)
    for name in ("known_as", "memory"):
        op.add_column("effects", sa.Column(name, bytewise, nullable=True))
    op.create_index(op.f("ix_effects_known_as"), "effects", ["known_as"])
