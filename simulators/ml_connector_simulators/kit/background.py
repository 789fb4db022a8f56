"""Work a simulator does after its answer, which a test can wait for without sleeping."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any


class Background:
    """Jobs under way on the server: late commits, asynchronous imports."""

    def __init__(self) -> None:
        self._jobs: dict[asyncio.Task[None], Future[None]] = {}

    def start(self, job: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a job beside the requests; call it on the server's loop."""
        task = asyncio.get_running_loop().create_task(job)
        self._jobs[task] = Future()
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[None]) -> None:
        done = self._jobs.pop(task)
        if task.cancelled() or (error := task.exception()) is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def settle(self, timeout: float) -> None:
        """Wait, from another thread, until the jobs under way have ended; their faults are raised here."""
        ended, unfinished = wait(list(self._jobs.values()), timeout)
        for job in ended:
            job.result()
        if unfinished:
            raise TimeoutError(f"{len(unfinished)} job(s) of the simulator are still under way; advance its clock")
