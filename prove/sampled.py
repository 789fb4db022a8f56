"""Run one of our executables in this process and sample its memory by records done.

`python -m prove.sampled FILE -- COMMAND …`. A line per thousand records: how many, resident bytes, seconds since the
first, and seconds spent in the trail.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prove.seams import find

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EVERY = 1000
ONE_BY_ONE, MANY = "ml_connector.delivery.engine:Engine.record", "ml_connector.singer.io:Writer.write_records"
TRAIL = "ml_connector.audit.trail:Trail.append"


class Samples:
    """Counts records and writes the samples."""

    def __init__(self, file: Path) -> None:
        self._lines = file.open("w")
        self._began = time.perf_counter()
        self._records = 0
        self._trail = 0.0

    def done(self, count: int) -> None:
        """Count records; write a sample when another thousand is full."""
        before, self._records = self._records, self._records + count
        if before // EVERY != self._records // EVERY:
            self.write()

    def write(self) -> None:
        """Write how things stand."""
        seconds = time.perf_counter() - self._began
        sample = {"records": self._records, "rss": resident(), "seconds": seconds, "trail": self._trail}
        self._lines.write(json.dumps(sample) + "\n")
        self._lines.flush()

    def timed(self, original: Callable[..., Any], *args: Any) -> Any:
        """Call a function of the trail and add up its time."""
        began = time.perf_counter()
        try:
            return original(*args)
        finally:
            self._trail += time.perf_counter() - began


def resident() -> int:
    """Return the resident memory of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def patch(samples: Samples, executable: str) -> None:
    """Count what a tap writes, or what a target has received, and time the target's trail."""
    if executable.startswith("tap-"):
        _after(MANY, lambda args: samples.done(len(args[2])))
        return
    _after(ONE_BY_ONE, lambda _: samples.done(1))
    owner, name = find(TRAIL)
    original = getattr(owner, name)
    setattr(owner, name, lambda *args: samples.timed(original, *args))


def _after(place: str, act: Callable[[tuple[Any, ...]], None]) -> None:
    owner, name = find(place)
    original = getattr(owner, name)

    @functools.wraps(original)
    def counting(*args: Any, **options: Any) -> Any:
        result = original(*args, **options)
        act(args)
        return result

    setattr(owner, name, counting)


def main(arguments: Sequence[str]) -> None:
    """Patch, then be the command."""
    file, separator, *command = arguments
    if separator != "--" or not command:
        raise SystemExit(__doc__)
    executable = Path(command[0]).name
    (entry,) = entry_points(group="console_scripts", name=executable)
    run = entry.load()
    samples = Samples(Path(file))
    patch(samples, executable)
    sys.argv = [executable, *command[1:]]
    try:
        run()
    finally:
        samples.write()


if __name__ == "__main__":
    main(sys.argv[1:])
