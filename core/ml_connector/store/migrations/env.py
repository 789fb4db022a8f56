"""Alembic's entry: migrations run on the connection that `open_store` hands over."""

from alembic import context
from ml_connector.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
