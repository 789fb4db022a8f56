"""Fetching ahead in threads, handing over in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")


def in_order(fetch: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[R]:
    """Yield `fetch(item)` for each item in turn, at most `ahead` of them beyond the one in use."""
    with ThreadPoolExecutor(max_workers=ahead, thread_name_prefix="fetch") as pool:
        coming: deque[Future[R]] = deque()
        try:
            for item in items:
                coming.append(pool.submit(fetch, item))
                if len(coming) > ahead:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            for future in coming:
                future.cancel()
