"""Whole processes, start included: how long they took, on the clock and on the CPU, and their peak memory."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from ml_connector_simulators.kit import Fault, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    from ml_connector_simulators.kit import Simulator

_FORKED = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Run:
    """One process, run to its end."""

    seconds: float
    cpu_seconds: float
    megabytes: float

    def better(self, other: Run | None) -> Run:
        """Return the best of both, figure by figure; memory is the worst."""
        if other is None:
            return self
        times = (min(self.seconds, other.seconds), min(self.cpu_seconds, other.cpu_seconds))
        return Run(*times, max(self.megabytes, other.megabytes))


def timed(command: list[str], lines: IO[bytes] | None = None) -> Run:
    """Run a command with its output thrown away; bytecode is kept, whatever the environment says, for all alike."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    given = subprocess.DEVNULL if lines is None else lines
    with tempfile.TemporaryFile() as told:
        began = time.perf_counter()
        with subprocess.Popen(command, stdin=given, stdout=subprocess.DEVNULL, stderr=told, env=environment) as process:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            told.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{told.read().decode()[-3000:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


@contextmanager
def serving(make: Callable[[], Simulator], slow: str = "/", latency: float = 0.0) -> Iterator[str]:
    """Serve a simulator in a process of its own and give its address, once it is made.

    Answers to paths that match `slow` come `latency` seconds late.
    """
    here, there = _FORKED.Pipe()
    process = _FORKED.Process(target=_serve, args=(there, make, slow, latency), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        here.send("end")
        process.join()


def _serve(pipe: Connection, make: Callable[[], Simulator], slow: str, latency: float) -> None:
    with running(make()) as sim:
        if latency:
            sim.faults.add(Fault("latency", path=slow, seconds=latency, times=None))
        pipe.send(sim.url)
        pipe.recv()
