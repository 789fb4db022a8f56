"""Loaders side by side: streams in parallel on their own connections, each stream's batches in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Task(Protocol):
    """Something to be done for one stream."""

    @property
    def stream(self) -> str:
        """The stream whose tasks wait for each other."""

    @property
    def first(self) -> int:
        """The number of the first record it settles."""

    def carry_out(self, tool: Any) -> Any:
        """Do it with a worker's tool."""


@dataclass(frozen=True, slots=True)
class Done:
    """A task that has ended."""

    task: Any
    result: Any = None
    error: BaseException | None = None


class Crew:
    """Hands tasks to workers. One thread calls it; what workers made is taken with `done`."""

    def __init__(self, workers: int, make: Callable[[], Any]) -> None:
        """Take the number of workers, and what makes a worker's tool."""
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="load")
        self._make = make
        self._tools: SimpleQueue[Any] = SimpleQueue()
        self._finished: SimpleQueue[Done] = SimpleQueue()
        self._waiting: dict[str, deque[Task]] = {}
        self._running: dict[str, Task] = {}

    def __len__(self) -> int:
        """Return how many tasks have not ended."""
        return len(self._running) + sum(map(len, self._waiting.values()))

    @property
    def first(self) -> int | None:
        """The number of the first record that a task has yet to settle."""
        waiting = (task.first for tasks in self._waiting.values() for task in tasks)
        return min([*(task.first for task in self._running.values()), *waiting], default=None)

    def submit(self, task: Task) -> None:
        """Take a task; it begins when those of its stream before it have ended."""
        if task.stream in self._running:
            self._waiting.setdefault(task.stream, deque()).append(task)
        else:
            self._start(task)

    def _start(self, task: Task) -> None:
        self._running[task.stream] = task
        self._pool.submit(self._work, task)

    def _work(self, task: Task) -> None:
        try:
            tool = self._tool()
            try:
                done = Done(task, task.carry_out(tool))
            finally:
                self._tools.put(tool)
        except BaseException as error:  # noqa: BLE001  # told to the thread that waits for it, which raises it
            done = Done(task, error=error)
        self._finished.put(done)

    def _tool(self) -> Any:
        try:
            return self._tools.get_nowait()
        except Empty:
            return self._make()

    def done(self, *, wait: bool) -> Iterator[Done]:
        """Yield tasks that have ended; with `wait`, at least one if any is under way."""
        while self._running:
            try:
                done = self._finished.get(block=wait)
            except Empty:
                return
            wait = False
            del self._running[done.task.stream]
            rest = self._waiting.get(done.task.stream)
            if rest and done.error is None:  # what follows a batch that is not loaded must not be applied
                self._start(rest.popleft())
            yield done

    def give_up(self) -> list[int]:
        """Forget tasks that have not begun, and return the numbers of their first records."""
        forgotten = [task.first for tasks in self._waiting.values() for task in tasks]
        self._waiting.clear()
        return forgotten

    def close(self, close_tool: Callable[[Any], None]) -> None:
        """End the workers when what they are at is done."""
        self._pool.shutdown(wait=True)
        while not self._tools.empty():
            close_tool(self._tools.get())
