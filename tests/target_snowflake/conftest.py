"""A fake Snowflake per process, a schema and a store per test, and the target as a program."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from target_snowflake.connection import Session
from target_snowflake.target import TargetSnowflake

from tests.target_snowflake.fake import config, open_session, place, server, session

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["config", "place", "server", "session"]

PROGRAM = Path(sys.executable).parent / "target-snowflake"


def schema(stream: str, properties: dict[str, Any], keys: list[str], **more: Any) -> dict[str, Any]:
    """Return a SCHEMA message; a property may be given by its type alone."""
    whole = {name: {"type": [kind, "null"]} if isinstance(kind, str) else kind for name, kind in properties.items()}
    return {"type": "SCHEMA", "stream": stream, "schema": {"properties": whole}, "key_properties": keys, **more}


def record(stream: str, **values: Any) -> dict[str, Any]:
    """Return a RECORD message."""
    return {"type": "RECORD", "stream": stream, "record": values}


def state(value: Any) -> dict[str, Any]:
    """Return a STATE message."""
    return {"type": "STATE", "value": value}


@dataclass
class Loading:
    """Runs the target in a process of its own and looks at what is in Snowflake afterwards."""

    folder: Path
    config: dict[str, Any]
    session: Session
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *messages: Any, code: int = 0, **settings: Any) -> subprocess.CompletedProcess[str]:
        """Load messages (structures, or lines as text); the exit code must be `code`."""
        lines = map(self.line, messages)
        done = self.load("\n".join(lines) + "\n", **settings)
        assert done.returncode == code, done.stderr
        return done

    @staticmethod
    def line(message: Any) -> str:
        """Return a message as its line."""
        return message if isinstance(message, str) else json.dumps(message)

    @contextmanager
    def started(self, **settings: Any) -> Iterator[subprocess.Popen[str]]:
        """Start the program with pipes; it does not outlive the block."""
        path = self.folder / "config.json"
        path.write_text(json.dumps({**self.config, **settings}))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen([str(PROGRAM), "--config", str(path)], text=True, **pipes) as process:
            try:
                yield process
            finally:
                process.kill()

    def here(self, *messages: Any, **settings: Any) -> list[Any]:
        """Load messages in this process, which saves the start of another; return the STATE values that passed."""
        lines = map(self.line, messages)
        passed = io.StringIO()
        with redirect_stdout(passed):
            TargetSnowflake(config={**self.config, **settings}).listen(
                io.StringIO("".join(f"{each}\n" for each in lines))
            )
        return [json.loads(line) for line in passed.getvalue().splitlines()]

    def table(self, name: str, *columns: str) -> list[tuple[Any, ...]]:
        """Return some columns of a table, ordered by them."""
        places = ", ".join(str(place) for place in range(1, len(columns) + 1))
        return self.rows(f'SELECT {", ".join(columns)} FROM "{name}" ORDER BY {places}')

    def letters(self, store_url: str = "") -> list[dict[str, Any]]:
        """Return the records that were refused and wait."""
        url = store_url or self.config["store_url"]
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as store:
            store.row_factory = sqlite3.Row
            rows = store.execute("SELECT * FROM deliveries WHERE state = 'refused' ORDER BY business_key").fetchall()
        return [dict(row) for row in rows]

    def load(self, text: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        """Load a text of Singer lines."""
        path = self.folder / "config.json"
        path.write_text(json.dumps({**self.config, **settings}))
        command = [str(PROGRAM), "--config", str(path)]
        return subprocess.run(
            command, input=text, capture_output=True, text=True, check=False, env=self.environment or None
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return what a query answers."""
        return self.session.execute(sql).rows

    def types(self, table: str) -> dict[str, str]:
        """Return a table's columns of the stream's own, and their types."""
        found = {row[0]: row[1] for row in self.rows(f'DESCRIBE TABLE "{table}"')}
        return {name: kind for name, kind in found.items() if not name.startswith(("_ML_", "_SDC_"))}


@pytest.fixture
def loading(place, tmp_path):
    """Loads into a schema of the test's own, with a store and a spill folder of its own."""
    own = {"store_url": f"sqlite:///{tmp_path}/store.db", "spill_dir": str(tmp_path / "spill")}
    with open_session(place) as opened:
        yield Loading(tmp_path, {**place, **own}, opened)
