"""The store's tables. `docs/store.md` describes them for readers who open a copy with SQL or Datasette.

Timestamps are ISO 8601 text in UTC, money is decimal text, structures are JSON text: the same on SQLite and PostgreSQL.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Table, UniqueConstraint

from ml_connector.store.columns import Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("kind", Text, nullable=False),  # run, replay; action: what a person decided
    Column("target_id", Text, nullable=False),  # the target's live identity
    Column("target_label", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("map_version", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("outcome", Text, nullable=False),  # running, finished, stopped
    Column("balance", Text),  # in_balance, out_of_balance, unproven
    Column("message", Text),
    Column("exit_code", Integer),
    Column("head", Text),  # hash of the run's last event
    Column("replay_of", Text),  # the run whose records or window this one tries again
    Column("actor", Text),  # the operating-system user (L9)
    Column("host", Text),
    Column("plan", Text),  # hash of the plan it carried out
    Column("state_from", Text),  # the Singer STATE the tap began with: the window `replay --run` reads again
    Column("state_to", Text),  # the newest STATE this run let pass
    Index(None, "pipeline", "started_at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("target_id", Text, nullable=False),
    Column("business_key", Text, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("erp_source", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("record_type", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("field", Text),
    Column("value", Text),
    Column("message", Text),
    Column("suggestion", Text),
    Column("amount", Text),
    Column("currency", Text),
    Column("document_date", Text),
    Column("period", Text),  # financial period, 2026-10
    Column("accounts", Text),  # JSON: signed amount per GL account of its lines
    Column("source_state", Text),
    Column("source_modified_at", Text),
    Column("duplicate_key", Text),
    Column("defaulted", Text),  # JSON list of dimensions replaced by their default
    Column("source_hash", Text, nullable=False),  # of the newest version received
    Column("map_version", Text, nullable=False),
    Column("settled_source_hash", Text),  # of the newest version the target confirmed
    Column("settled_map_version", Text),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Text),
    Column("since", Text, nullable=False),  # when it entered its state
    Column("verified_at", Text),  # when its content was last found equal to what was sent
    Column("last_run", Text, nullable=False),
    Column("run_outcome", Text, nullable=False),  # what the last run made of it; 'unchanged' lives only here
    Column("origin", Text),  # where the newest version was read: endpoint and page
    Column("extracted_at", Text),  # and when
    UniqueConstraint("target_id", "business_key"),
    Index(None, "pipeline", "target_id", "state"),
    Index(None, "target_id", "duplicate_key"),
    Index(None, "last_run"),
)

effects = Table(
    "effects",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("delivery_id", Integer, ForeignKey("deliveries.id"), nullable=False),
    Column("name", Text, nullable=False),  # header, line:1, tax:1
    Column("phase", Integer, nullable=False),
    Column("table_name", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("payload_hash", Text, nullable=False),
    Column("settled_hash", Text),
    Column("state", Text, nullable=False),  # pending, or a delivery state
    Column("action", Text),
    Column("remote_id", Text),
    Column("handle", Text),
    Column("sent_at", Text),
    Column("reason", Text),
    Column("message", Text),
    Column("request_id", Text),
    Column("lost_at", Text),  # when the answer of the newest attempt was lost: absence counts from here (L3)
    Column("settled_at", Text),  # when its outcome was stored
    Column("response", Text),  # the response's status as the target told it: HTTP 201
    Column("known_as", Text),  # the business key by which a tap reads the row back; a reference until that is told
    Column("memory", Text),  # JSON: what the connector needs at the row's next change, such as the ids of its lines
    UniqueConstraint("delivery_id", "name"),
    Index(None, "state"),
    Index(None, "known_as"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("target_id", Text, nullable=False),
    Column("business_key", Text, nullable=False),
    Column("source_hash", Text, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("record_type", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("closed_at", Text),
    Column("closed_by", Text),  # delivered, superseded, replay …
    Column("stream", Text, nullable=False),
    Column("record", Text, nullable=False),  # the original Singer record, bank and personal identifiers sealed
    Column("shape", Text, ForeignKey("shapes.hash"), nullable=False),
    Column("origin", Text),  # endpoint and page it was read from
    Column("extracted_at", Text),
    Column("edit", Text),  # JSON: what a person changed, path to [old, new]; holds until the source record changes
    UniqueConstraint("target_id", "business_key", "source_hash"),
    Index(None, "pipeline", "closed_at"),
)

shapes = Table(
    "shapes",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("schema", Text, nullable=False),  # of a SCHEMA message
    Column("key_properties", Text, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("letter_id", Integer, nullable=False),  # of the dead letter it is about
    Column("business_key", Text, nullable=False),
    Column("kind", Text, nullable=False),  # edit, drop, replay
    Column("state", Text, nullable=False),  # waiting (four eyes), done, withdrawn
    Column("reason", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON: what is to be done
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),  # the operating-system user (L9)
    Column("approved_at", Text),
    Column("approved_by", Text),
    Index(None, "letter_id"),
    Index(None, "state"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("target_id", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("map_version", Text, nullable=False),
    Column("plan", Text, nullable=False),  # hash of the plan that was carried out
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    UniqueConstraint("pipeline", "target_id", "company", "map_version"),
)

pipelines = Table(
    "pipelines",
    metadata,
    Column("name", Text, primary_key=True),
    Column("fence", Integer, nullable=False),  # grows with every holder: who holds an older number may not write
    Column("holder", Text, nullable=False),  # host, process, user
    Column("taken_at", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("business_key", Text),
    Column("kind", Text, nullable=False),
    Column("data", Text),  # JSON; empty when it was purged, which a later event says
    Column("data_hash", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index(None, "run_id", "seq"),
    Index(None, "business_key"),
)

tallies = Table(
    "tallies",
    metadata,
    Column("run_id", Text, nullable=False),
    Column("company", Text, nullable=False),
    Column("record_type", Text, nullable=False),
    Column("kind", Text, nullable=False),  # received, carried_in, superseded, or a state
    Column("reason", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("amount", Text, nullable=False),
    Index(None, "run_id"),
)
