"""The one durable store under delivery and audit."""

from ml_connector.store.store import Store, open_store

__all__ = ["Store", "open_store"]
