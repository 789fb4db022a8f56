"""The files of one pipeline: its folder, its newest STATE, its store, and what stands in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.store import open_store
from ml_connector.store.text import stamp, utc_now
from sqlalchemy import text

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Kept:
    """A folder with a store."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def store(self) -> Path:
        """The store's file."""
        return self.folder / "store.db"

    @property
    def store_url(self) -> str:
        """The store's URL."""
        return f"sqlite:///{self.store}"

    @property
    def state(self) -> Path:
        """The newest STATE that the target let pass, as Meltano would keep it."""
        return self.folder / "state.json"

    def written(self, name: str, content: Any) -> Path:
        """Write a JSON file into the flow's folder."""
        path = self.folder / name
        path.write_text(json.dumps(content))
        return path

    def keep_state(self, printed: str) -> None:
        """Keep the last whole line a target printed."""
        whole = printed[: printed.rfind("\n") + 1].strip().splitlines()
        if whole:
            self.state.write_text(whole[-1])

    # the store

    def query(self, sql: str) -> list[Any]:
        """Return the rows of a query on the store."""
        store = open_store(self.store_url)
        with store.transaction() as connection:
            rows = list(connection.execute(text(sql)).all())
        store.close()
        return rows

    def let_time_pass(self) -> None:
        """Make every request look long gone and every pause over: what is due some day is due now."""
        store = open_store(self.store_url)
        with store.transaction() as connection:
            old = {"old": stamp(utc_now() - timedelta(hours=1))}
            connection.execute(text("UPDATE effects SET sent_at = :old"), old)
            connection.execute(text("UPDATE effects SET lost_at = :old WHERE state = 'in_doubt'"), old)
            connection.execute(text("UPDATE effects SET lost_at = sent_at WHERE lost_at IS NOT NULL"))
            connection.execute(text("UPDATE deliveries SET next_attempt_at = NULL"))
        store.close()

    def last_run(self) -> dict[str, Any]:
        """Return the newest run's row."""
        names = ("id", "outcome", "balance", "message", "exit_code")
        query = f"SELECT {', '.join(names)} FROM runs WHERE kind IN ('run', 'replay') ORDER BY started_at DESC LIMIT 1"
        found = self.query(query)
        return dict(zip(names, found[0], strict=True)) if found else {}

    def states(self) -> dict[str, int]:
        """Return how many deliveries are in each state."""
        return {row[0]: row[1] for row in self.query("SELECT state, count(*) FROM deliveries GROUP BY state")}

    def verdicts(self) -> dict[str, tuple[str, str]]:
        """Return state and reason of every delivery by its business key."""
        query = "SELECT business_key, state, coalesce(reason, '') FROM deliveries"
        return {row[0]: (row[1], row[2]) for row in self.query(query)}
