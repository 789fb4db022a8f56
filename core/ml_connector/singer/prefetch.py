"""Fetching ahead in threads, handing over in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")


def in_order(fetch: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[R]:
    """Yield `fetch(item)` for each item in turn, at most `ahead` of them beyond the one in use."""
    coming: deque[Future[R]] = deque()
    for item in items:
        coming.append(begin(fetch, item))
        if len(coming) > ahead:
            yield coming.popleft().result()
    while coming:
        yield coming.popleft().result()


def begin(fetch: Callable[[T], R], item: T) -> Future[R]:
    """Start fetching in a thread that does not keep the process alive: a run that ends must not wait for a time-out."""
    future: Future[R] = Future()

    def work() -> None:
        try:
            future.set_result(fetch(item))
        except BaseException as error:  # noqa: BLE001  # raised again where the result is taken
            future.set_exception(error)

    Thread(target=work, name="fetch", daemon=True).start()
    return future
