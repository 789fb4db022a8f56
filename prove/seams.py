"""The named places at which a proof kills a process: seams of the product, patched from outside by `prove.die_at`.

No code of the product knows of them. `tests/prove/test_seams.py` fails when a place named here is gone.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DELIVERY, STORE = "ml_connector.delivery", "ml_connector.store.store"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PLACES = ("/api/", "/entity/Default/")
"""Parts of the paths that records are written to."""


@dataclass(frozen=True, slots=True)
class Seam:
    """A function of the product, and whether the process dies before it is called or after it has returned."""

    name: str
    place: str  # module:function or module:Class.method
    before: bool


SEAMS = (
    Seam("run.before_begin", f"{DELIVERY}.engine:Engine._begin", before=True),
    Seam("run.after_begin", f"{DELIVERY}.engine:Engine._begin", before=False),
    Seam("run.before_end", f"{DELIVERY}.engine:Engine._strike", before=True),
    Seam("run.after_end", f"{DELIVERY}.engine:Engine._strike", before=False),
    Seam("late.before", f"{DELIVERY}.engine:settle_late", before=True),
    Seam("late.after", f"{DELIVERY}.engine:settle_late", before=False),
    Seam("outbox.rows_written", f"{DELIVERY}.outbox:write_effects", before=False),
    Seam("outbox.marked_going_out", f"{DELIVERY}.outbox:mark_going_out", before=False),
    Seam("outbox.durable", f"{DELIVERY}.dispatch:Dispatcher._write_outbox", before=False),
    Seam("batch.handed_over", f"{DELIVERY}.dispatch:Dispatcher._hand_over", before=False),
    Seam("settle.before", f"{DELIVERY}.outbox:settle", before=True),
    Seam("settle.after", f"{DELIVERY}.outbox:settle", before=False),
    Seam("settle.durable", f"{DELIVERY}.dispatch:Dispatcher._settle", before=False),
    Seam("verdicts.durable", f"{DELIVERY}.dispatch:Dispatcher._conclude", before=False),
    Seam("letters.opened", f"{DELIVERY}.deadletters:open_letters", before=False),
    Seam("letters.closed", f"{DELIVERY}.deadletters:close_letters", before=False),
    Seam("trail.appended", "ml_connector.audit.trail:Trail.append", before=False),
    Seam("state.before_print", "ml_connector.singer.target:_print_state", before=True),
    Seam("state.after_print", "ml_connector.singer.target:_print_state", before=False),
    Seam("tap.before_write", "ml_connector.singer.io:Writer.write_records", before=True),
    Seam("tap.after_write", "ml_connector.singer.io:Writer.write_records", before=False),
    Seam("http.before_send", "ml_connector.http.client:Client._send", before=True),
    Seam("http.after_answer", "ml_connector.http.client:Client._send", before=False),
)
"""The plain seams."""

TRANSACTION = f"{STORE}:Store.transaction"
REQUEST = "urllib3.connection:HTTPConnection.request"
ANSWER = "urllib3.connection:HTTPConnection.getresponse"
SPECIAL = {
    "store.before_commit": TRANSACTION,
    "store.after_commit": TRANSACTION,
    "http.half_a_write_sent": REQUEST,
    "http.write_sent_unanswered": ANSWER,
}
"""Seams inside a block or a request, and the places they are made at."""

NAMES = (*(seam.name for seam in SEAMS), *SPECIAL)
FIRST_ROW, LAST_SETTLE = "outbox.rows_written", "settle.durable"
"""What begins and ends the time in which a crash is dangerous."""


class Passes:
    """Counts the passes of every seam, in order, and kills this process at one of them."""

    def __init__(self, name: str = "", number: int = 0) -> None:
        self.order: list[str] = []
        self.fatal = (name, number)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def at(self, name: str) -> None:
        """Pass a seam, or die at it."""
        if self.due(name):
            die()

    def due(self, name: str) -> bool:
        """Count a pass and say whether it is the fatal one."""
        with self._lock:
            self._counts[name] += 1
            self.order.append(name)
            return (name, self._counts[name]) == self.fatal


def die() -> NoReturn:
    """End this process as `kill -9` does: nothing is flushed, no handler runs."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError  # not reached


def find(place: str) -> tuple[Any, str]:
    """Return the owner and the name of a place. Raises ImportError or AttributeError when it is gone."""
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    getattr(owner, name)
    return owner, name


def patch(passes: Passes) -> None:
    """Put a stop at every seam."""
    for seam in SEAMS:
        wrap(seam.place, functools.partial(stopping, passes, seam))
    wrap(TRANSACTION, functools.partial(_committing, passes))
    wrap(REQUEST, functools.partial(_requesting, passes))
    wrap(ANSWER, functools.partial(_answering, passes))


def wrap(place: str, around: Callable[[Any], Any]) -> None:
    """Put something around a place."""
    owner, name = find(place)
    setattr(owner, name, around(getattr(owner, name)))


def stopping(passes: Passes, seam: Seam, original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function with a seam before or after it."""

    @functools.wraps(original)
    def passing(*args: Any, **options: Any) -> Any:
        if seam.before:
            passes.at(seam.name)
            return original(*args, **options)
        result = original(*args, **options)
        passes.at(seam.name)
        return result

    return passing


def _committing(passes: Passes, original: Callable[..., Any]) -> Callable[..., Any]:
    @contextmanager
    def transaction(*args: Any) -> Iterator[Any]:
        with original(*args) as connection:
            yield connection
            passes.at("store.before_commit")
        passes.at("store.after_commit")

    return transaction


def _requesting(passes: Passes, original: Callable[..., Any]) -> Callable[..., Any]:
    def request(self: Any, method: str, url: str, body: Any = None, **options: Any) -> Any:
        self.writes = method in WRITES and any(place in url for place in PLACES)
        if self.writes and passes.due("http.half_a_write_sent"):
            self.send = functools.partial(_half, self.send, [])
        return original(self, method, url, body=body, **options)

    return request


def _half(send: Callable[[Any], None], sent: list[Any], data: Any) -> None:
    """Send the head whole, half of the body, and die."""
    if not sent:
        sent.append(data)
        send(data)
        return
    send(data[: len(data) // 2])
    die()


def _answering(passes: Passes, original: Callable[..., Any]) -> Callable[..., Any]:
    def getresponse(self: Any, *args: Any, **options: Any) -> Any:
        if getattr(self, "writes", False):
            passes.at("http.write_sent_unanswered")
        return original(self, *args, **options)

    return getresponse
