"""`ml-connector replay --run ID`: what an earlier run read is read again, and brought to the same target."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group
from rich.text import Text
from sqlalchemy import select

from ml_connector.bulk.load import is_bulk
from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.processes import meltano_pipe, setting_variable
from ml_connector.cli.replay import feeding, store_of
from ml_connector.cli.running import tell
from ml_connector.cli.summary import read_summary, run_ids
from ml_connector.store.tables import runs
from ml_connector.store.text import decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import RenderableType
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Window:
    """From where an earlier run read."""

    run_id: str
    pipeline: str
    started_at: str
    state: str | None  # the Singer STATE its tap began with; None when it read everything
    mapping: str

    @property
    def bookmarks(self) -> dict[str, str]:
        """Where each stream begins; a stream that is not named is read whole."""
        told = (decode(self.state) or {}).get("bookmarks") if self.state else None
        values = {name: (each or {}).get("replication_key_value") for name, each in (told or {}).items()}
        return {name: str(value) for name, value in values.items() if value}

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {"run": self.run_id, "pipeline": self.pipeline, "started_at": self.started_at, "from": self.bookmarks}


@click.command()
@click.option(
    "--run", "run_id", required=True, metavar="ID", help="The earlier run; `status --json` and `trace` name it."
)
@click.option("--resend", is_flag=True, help="Send everything in the window again, whatever was settled before.")
@click.option("--dry-run", is_flag=True, help="Say what would be read; nothing is read and nothing sent.")
@verb
def replay(desk: Desk, run_id: str, resend: bool, dry_run: bool) -> int:
    """Read again what an earlier run read, from the same starting point until now, into the same target.

    What has not changed since is left alone, and Meltano's own bookmark stays where it is.
    """
    with desk.reading() as connection:
        window = window_of(connection, run_id)
        before = run_ids(connection)
    if resend and is_bulk(window.mapping):
        raise Stop(
            f"{window.pipeline} loads in bulk, where --resend means nothing: every row is compared with the table, and "
            "one that differs is written.",
            f"ml-connector replay --run {run_id}",
        )
    pair = desk.project.pair_of(window.pipeline)
    if dry_run:
        desk.show(window.as_data(), lambda: _picture(window))
        desk.say("nothing was read, nothing was sent")
        return 0
    desk.say(f"reading again what run {window.run_id} of {window.pipeline} read")
    around = feeding(desk.project, pair.extractor, pair.loader, window.run_id) | store_of(desk, pair.loader)
    if resend:
        around[setting_variable(pair.loader, "resend")] = "true"
    with _state_file(desk.project.folder, window) as state:
        finished = meltano_pipe(desk.project, [pair.extractor, *state], pair.loader, **around)
    with desk.reading() as connection:
        summary = read_summary(connection, sorted(run_ids(connection) - before), desk.again)
    return tell(desk, summary, finished)


def window_of(connection: Connection, run_id: str) -> Window:
    """Return from where a run read: the state its tap began with, else the one that the run before it had reached.

    Raises:
        Stop: There is no such run, or it read nothing from a source.
    """
    row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().first()
    if row is None:
        raise Stop(f"there is no run {run_id!r}.", "ml-connector status --json")
    if row["kind"] != "run":
        original = str(row["replay_of"] or "").partition(",")[0]
        step = f"ml-connector replay --run {original}" if original else "ml-connector status --json"
        raise Stop(f"{run_id} is not a run of its own, but: {row['kind']}.", step)
    earlier = select(runs.c.state_to).where(
        runs.c.pipeline == row["pipeline"],
        runs.c.kind == "run",
        runs.c.started_at < row["started_at"],
        runs.c.state_to.is_not(None),
    )
    reached = connection.execute(earlier.order_by(runs.c.started_at.desc()).limit(1)).scalar()
    return Window(run_id, row["pipeline"], row["started_at"], row["state_from"] or reached, row["mapping"])


@contextmanager
def _state_file(folder: Path, window: Window) -> Iterator[list[str]]:
    """Yield the tap's arguments that make it begin where the window does; the file is private, and gone afterwards."""
    if window.state is None:
        yield []
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with NamedTemporaryFile("w", dir=folder, prefix="state-", suffix=".json") as file:
        file.write(window.state)
        file.flush()
        yield ["--state", file.name]


def _picture(window: Window) -> RenderableType:
    lines = [f"{name} from {since}" for name, since in sorted(window.bookmarks.items())]
    told = lines or ["everything: that run began without a bookmark"]
    head = f"run {window.run_id} of {window.pipeline} would be read again until now:"
    return Group(Text(head), *(Text(f"  {line}") for line in told))
