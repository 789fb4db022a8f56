"""The places at which a load into Snowflake is killed: around every kind of statement, every event and every STATE.

No code of the product knows of them. `tests/prove/test_p12.py` fails when a place named here is gone.
"""

from __future__ import annotations

import functools
import re
import select
import threading
from typing import TYPE_CHECKING, Any

from prove.seams import Passes, Seam, die, stopping, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

EXECUTE = "target_snowflake.connection:Session.execute"
BEGUN = "target_snowflake.opening:Opening.run"
ANSWER = "snowflake.connector.vendored.urllib3.connection:HTTPConnection.getresponse"
BOOKS = "ml_connector.bulk.books:BulkBooks"

SEAMS = (
    Seam("files.closed", "target_snowflake.spill:Spill.close", before=False),
    Seam("event.before", f"{BOOKS}.loaded", before=True),
    Seam("event.after", f"{BOOKS}.loaded", before=False),
    Seam("refusal.before", f"{BOOKS}.refuse", before=True),
    Seam("refusal.after", f"{BOOKS}.refuse", before=False),
    Seam("state.before", f"{BOOKS}.passed", before=False),  # the print follows
    Seam("settled.after", "target_snowflake.run:Run.settle", before=False),  # STATE was printed, if one could pass
    Seam("earlier.after", "target_snowflake.earlier:batches_of", before=False),
    Seam("end.before", f"{BOOKS}.finish", before=True),
    Seam("end.after", f"{BOOKS}.finish", before=False),
)
"""The plain seams."""

KINDS = {
    "stage": r"CREATE STAGE",
    "loads_table": r'CREATE TABLE IF NOT EXISTS "_ML_LOADS"',
    "remove": r"REMOVE ",
    "show": r"SHOW TABLES",
    "describe": r"DESCRIBE",
    "table": r"CREATE TABLE",
    "staging": r"CREATE OR REPLACE TRANSIENT",
    "put": r"PUT ",
    "copy": r"COPY ",
    "weigh": r"SELECT CASE",
    "begin": r"BEGIN",
    "loads": r'INSERT INTO "_ML_LOADS"',
    "insert": r"INSERT",
    "delete": r"DELETE|MERGE",
    "commit": r"COMMIT",
    "drop": r"DROP",
}
"""Kinds of statements, each with how it begins; the first that fits."""

ONCE = ("stage", "loads_table", "remove")
"""Kinds that a run sends once; the others come once a batch, or once a stream."""

SENT, ANSWERED, TIME = "commit.sent", "commit.answered", "time"
"""COMMIT is on its way; its answer is there and unread; a number of milliseconds since the run began."""

NAMES = (
    *(seam.name for seam in SEAMS),
    *(f"{kind}.{side}" for kind in KINDS for side in ("before", "after")),
    *(SENT, ANSWERED, TIME),
)


def kind_of(sql: str) -> str:
    """Return the kind of a statement; empty for others."""
    return next((kind for kind, begins in KINDS.items() if re.match(begins, sql)), "")


def patch(passes: Passes) -> None:
    """Put a stop at every seam."""
    for seam in SEAMS:
        wrap(seam.place, functools.partial(stopping, passes, seam))
    ends = threading.local()  # which end a thread meets when it waits for the answer to its COMMIT
    wrap(EXECUTE, functools.partial(_executing, passes, ends))
    wrap(ANSWER, functools.partial(_answering, ends))
    wrap(BEGUN, functools.partial(_timing, passes))


def _executing(passes: Passes, ends: threading.local, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def execute(self: Any, sql: str, *args: Any, **options: Any) -> Any:
        kind = kind_of(sql)
        if not kind:
            return original(self, sql, *args, **options)
        passes.at(f"{kind}.before")
        if kind == "commit":
            ends.fatal = next((name for name in (SENT, ANSWERED) if passes.due(name)), "")
        result = original(self, sql, *args, **options)
        passes.at(f"{kind}.after")
        return result

    return execute


def _answering(ends: threading.local, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def getresponse(self: Any, *args: Any, **options: Any) -> Any:
        fatal = getattr(ends, "fatal", "")
        if fatal == ANSWERED:
            select.select([self.sock], [], [])
        if fatal:
            die()
        return original(self, *args, **options)

    return getresponse


def _timing(passes: Passes, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def run(*args: Any, **options: Any) -> Any:
        if passes.fatal[0] == TIME:
            timer = threading.Timer(passes.fatal[1] / 1000, die)
            timer.daemon = True
            timer.start()
        return original(*args, **options)

    return run


def places() -> list[str]:
    """Return every place that is patched."""
    return [*(seam.place for seam in SEAMS), EXECUTE, BEGUN, ANSWER]
