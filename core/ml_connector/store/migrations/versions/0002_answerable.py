"""Every record answerable: shapes of their own, decisions, approved plans, fences, where a record was read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from ml_connector.audit.chain import GENESIS, hash_text, link
from ml_connector.store.text import digest

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NEW_COLUMNS = {
    "runs": ("replay_of", "actor", "host", "plan", "state_from", "state_to"),
    "deliveries": ("period", "accounts", "origin", "extracted_at"),
    "effects": ("lost_at", "settled_at", "response"),
    "dead_letters": ("shape", "origin", "extracted_at", "edit"),
}


_PAGE = 10_000


def upgrade() -> None:
    """Add what is missing, move each dead letter's schema to `shapes`, and chain the events anew over data hashes."""
    _create_tables()
    for table, names in _NEW_COLUMNS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.Text(), nullable=True))
    _move_shapes()
    with op.batch_alter_table("dead_letters") as letters:
        letters.alter_column("shape", existing_type=sa.Text(), nullable=False)
        letters.create_foreign_key(op.f("fk_dead_letters_shape"), "shapes", ["shape"], ["hash"])
        letters.drop_column("schema")
        letters.drop_column("key_properties")
    _chain_anew()
    _compare_bytewise()


def _create_tables() -> None:
    op.create_table(
        "shapes",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("schema", sa.Text(), nullable=False),
        sa.Column("key_properties", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_shapes")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("letter_id", sa.Integer(), nullable=False),
        sa.Column("business_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("approved_at", sa.Text(), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index(op.f("ix_decisions_letter_id"), "decisions", ["letter_id"])
    op.create_index(op.f("ix_decisions_state"), "decisions", ["state"])
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("map_version", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint(
            "pipeline",
            "target_id",
            "company",
            "map_version",
            name=op.f("uq_approvals_pipeline_target_id_company_map_version"),
        ),
    )
    op.create_table(
        "pipelines",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pipelines")),
    )


def _move_shapes() -> None:
    connection = op.get_bind()
    query = sa.text("SELECT DISTINCT schema, key_properties FROM dead_letters")
    for schema, keys in connection.execute(query).all():
        values = {"hash": digest([schema, keys]), "schema": schema, "keys": keys}
        connection.execute(sa.text("INSERT INTO shapes VALUES (:hash, :schema, :keys)"), values)
        moved = "UPDATE dead_letters SET shape = :hash WHERE schema = :schema AND key_properties = :keys"
        connection.execute(sa.text(moved), values)


def _chain_anew() -> None:
    """Hash every event over the hash of its data, so that data can be purged and the chain still be verified."""
    connection = op.get_bind()
    op.add_column("events", sa.Column("data_hash", sa.Text(), nullable=True))
    renamed = {"0" * 32: GENESIS}
    columns = "seq, run_id, at, business_key, kind, data, previous_hash, hash"
    query = sa.text(f"SELECT {columns} FROM events WHERE seq > :last ORDER BY seq LIMIT {_PAGE}")  # noqa: S608  constants
    change = sa.text("UPDATE events SET data_hash = :data, previous_hash = :before, hash = :hash WHERE seq = :seq")
    last = 0
    while page := connection.execute(query, {"last": last}).all():
        changes = []
        for seq, run_id, at, business_key, kind, data, old_previous, before in page:
            previous = renamed.get(old_previous, old_previous)
            data_hash = hash_text(data)
            renamed[before] = link(previous, seq, run_id, at, business_key, kind, data_hash)
            changes.append({"data": data_hash, "before": previous, "hash": renamed[before], "seq": seq})
            last = seq
        connection.execute(change, changes)
    for run_id, head in connection.execute(sa.text("SELECT id, head FROM runs WHERE head IS NOT NULL")).all():
        new = {"id": run_id, "new": renamed.get(head, head)}
        connection.execute(sa.text("UPDATE runs SET head = :new WHERE id = :id"), new)
    with op.batch_alter_table("events") as events:
        events.alter_column("data_hash", existing_type=sa.Text(), nullable=False)
        events.alter_column("data", existing_type=sa.Text(), nullable=True)
    op.drop_index(op.f("ix_events_run_id"), "events")
    op.create_index(op.f("ix_events_run_id_seq"), "events", ["run_id", "seq"])


def _compare_bytewise() -> None:
    """Give text on PostgreSQL the order it has on SQLite, whatever the database's locale."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    inspector = sa.inspect(connection)
    for table in inspector.get_table_names():
        for column in inspector.get_columns(table):
            if isinstance(column["type"], sa.Text):
                op.alter_column(table, column["name"], type_=sa.Text(collation="C"))
