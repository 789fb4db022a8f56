"""A tap in this process: what it writes, a STATE as often as is asked for, and people at work between its pages."""

from __future__ import annotations

import contextlib
import io
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ml_connector.singer.stream import Stream
    from ml_connector.singer.tap import Tap


class Interrupted(Exception):
    """The tap dies between two pages."""


def read(
    tap: Tap,
    streams: Sequence[str],
    *,
    frequency: int = 1000,
    after_page: Callable[[Stream], None] | None = None,
) -> str:
    """Run a tap and return what it writes, with a STATE about every `frequency` records.

    `after_page` is called when a page has been answered, before the next one is asked for. When it raises Interrupted,
    what was written until then is returned.
    """
    for name, stream in tap.streams.items():
        stream.selected = name in streams
        stream.STATE_MSG_FREQUENCY = frequency
        if after_page:
            stream.get_page = partial(_page, stream, stream.get_page, after_page)  # type: ignore[method-assign]
    buffer = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(buffer), contextlib.suppress(Interrupted):
        tap.sync_all()
    buffer.flush()
    return buffer.buffer.getvalue().decode()


def _page(stream: Stream, get_page: Any, act: Callable[[Stream], None], since: str | None, paging: Any) -> Any:
    page = get_page(since, paging)
    act(stream)
    return page
