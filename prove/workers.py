"""Cases one after the other, or two at a time in processes of their own."""

from __future__ import annotations

import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prove.proof import Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

WORKERS = 2


@contextmanager
def in_turn(
    size: Size, workers: int = WORKERS
) -> Iterator[Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]]:
    """Yield `map` for the short form; for the full one, a map over processes that begin anew, so nothing is shared."""
    if size is Size.SHORT:
        yield map
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, logging.disable, (logging.WARNING,)) as pool:
        yield pool.map
