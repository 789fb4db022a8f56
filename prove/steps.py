"""A function of the product in a process of its own, killed at the N-th of the small steps it takes.

Steps are what it asks of the operating system and of the database: opening, syncing, replacing and removing files, the
statements of a transaction, and its end.
"""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event

from prove.seams import die

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = ("open", "fsync", "replace", "unlink", "close", "mkdir")
STATEMENTS = ("before_cursor_execute", "after_cursor_execute", "commit")
LIMIT = 120.0  # seconds


class Steps:
    """Counts steps and kills this process at one of them; at none when the number is 0."""

    def __init__(self, fatal: int) -> None:
        self.count = 0
        self._fatal = fatal

    def take(self) -> None:
        """Take a step, or die at it."""
        self.count += 1
        if self.count == self._fatal:
            die()

    def watch(self) -> None:
        """Count a step before and after every call to the operating system, and around every statement."""
        for name in FILES:
            setattr(os, name, self._around(getattr(os, name)))
        for name in STATEMENTS:
            event.listen(Engine, name, lambda *_: self.take())

    def _around(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*args: Any, **options: Any) -> Any:
            self.take()
            result = original(*args, **options)
            self.take()
            return result

        return stepping


def run_to(fatal: int, act: Callable[..., None], *arguments: Any, told: Path) -> int:
    """Run `act` until the fatal step; return the process's exit code. `told` receives how many steps it took."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["prove.forked", "prove.steps", "alembic.command"])
    process = context.Process(target=_become, args=(fatal, act, arguments, str(told)))
    process.start()
    process.join(LIMIT)
    if process.is_alive():
        process.kill()
        process.join()
        return 1
    return process.exitcode or 0


def _become(fatal: int, act: Callable[..., None], arguments: tuple[Any, ...], told: str) -> None:
    steps = Steps(fatal)
    steps.watch()
    act(*arguments)
    Path(told).write_text(str(steps.count))
