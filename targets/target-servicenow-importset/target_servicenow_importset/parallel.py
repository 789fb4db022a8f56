"""Several calls at once, without losing an outcome when one of them has to stop the run."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from ml_connector.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ml_connector.delivery.sink import Outcome

Job = "Callable[[], Iterator[Outcome]]"
Done = tuple["list[Outcome]", "ConnectorError | None"]


def in_parallel(jobs: Sequence[Callable[[], Iterator[Outcome]]], threads: int) -> Iterator[Outcome]:
    """Yield the jobs' outcomes as they come.

    After the first error no further job starts; what the running ones learn is yielded, then the error is raised.
    """
    stop: ConnectorError | None = None
    with ThreadPoolExecutor(max_workers=threads) as pool:
        futures: list[Future[Done]] = [pool.submit(_run, job) for job in jobs]
        for future in as_completed(futures):
            if future.cancelled():
                continue
            outcomes, error = future.result()
            yield from outcomes
            if error is not None and stop is None:
                stop = error
                for waiting in futures:
                    waiting.cancel()
    if stop is not None:
        raise stop


def _run(job: Callable[[], Iterator[Outcome]]) -> Done:
    outcomes: list[Outcome] = []
    try:
        outcomes.extend(job())
    except ConnectorError as error:
        return outcomes, error
    return outcomes, None
