"""`ml-connector trace BATCH`: what a bulk run loaded under an id, and how to see its rows in the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ml_connector.words import many, plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rich.console import RenderableType

    from ml_connector.audit.batches import BatchStory

_COUNTS = ("new", "changed", "unchanged", "superseded", "deleted")


def batch_picture(story: BatchStory) -> RenderableType:
    """Return the story of a batch: the run, the rows, the keys, the queries."""
    told, run = story.told, story.run
    facts = {
        "run": f"{run['id']} of {run['pipeline']}: {run['outcome']}, {plain(run['balance'] or 'no balance yet')}",
        "target": f"{run['target_label']} ({run['target_id']})",
        "loaded": story.at[:19].replace("T", " "),
        "stream": told.get("stream"),
        "table": told.get("table"),
        "rows": _rows(told),
        "keys": f"{told['first_key']} … {told.get('last_key')}" if told.get("first_key") else None,
        "arrived": f"{many(told['arrived'], 'record')} that had waited" if told.get("arrived") else None,
        "files": f"{many(told['files'], 'file')}, {told.get('bytes', 0):,} bytes" if told.get("files") else None,
    }
    facts |= {f"query {step}": query for step, query in dict(told.get("query_ids") or {}).items()}
    grid = Table.grid(padding=(0, 2))
    for name, words in facts.items():
        if words:
            grid.add_row(Text(name, "dim"), Text(words))
    head = Text.assemble((f"batch {story.batch}", "bold"))
    rows = Text("Its rows in the target, but for those that a later batch has written again:", "bold")
    return Group(head, grid, "", rows, Text(story.select))


def _rows(told: Mapping[str, Any]) -> str:
    parts = [f"{told[name]:,} {name}" for name in _COUNTS if told.get(name)]
    return f"{told.get('staged', 0):,} staged: {', '.join(parts) or 'none of them new'}"
