"""Where the time of one run of target-snowflake goes: its own functions, timed from outside.

`python -m bench.snowflake_steps CONFIG` is target-snowflake with a clock around its steps; it tells on standard error.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MARK = "steps: "


class Clock:
    """Sums the time of steps, without that of the steps within them, by wall and by CPU of their thread."""

    def __init__(self) -> None:
        self.steps: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._under_way = threading.local()

    def around(self, function: Callable[..., Any], name: Callable[..., str | None]) -> Callable[..., Any]:
        """Return a function that is timed under the name its arguments give it; None: not timed."""

        @wraps(function)
        def timed(*arguments: Any, **options: Any) -> Any:
            step = name(*arguments, **options)
            if step is None:
                return function(*arguments, **options)
            within = self._under_way.__dict__.setdefault("within", [])
            within.append([0.0, 0.0])
            began = (time.perf_counter(), time.thread_time())
            try:
                return function(*arguments, **options)
            finally:
                took = (time.perf_counter() - began[0], time.thread_time() - began[1])
                inner = within.pop()
                for place, seconds in enumerate(took):
                    self.steps[step][place] += seconds - inner[place]
                    if within:
                        within[-1][place] += seconds

        return timed

    def wrap(self, owner: Any, method: str, name: str | Callable[..., str | None]) -> None:
        """Time a method."""
        function = getattr(owner, method)
        setattr(owner, method, self.around(function, name if callable(name) else lambda *_, **__: name))


_STATEMENTS = {"COPY": "load: COPY", "PUT": "load: PUT", "SELECT CASE": "load: weigh", "INSERT": "load: apply"}
_STATEMENTS |= {"DELETE": "load: apply", "MERGE": "load: apply", "BEGIN": "load: apply", "COMMIT": "load: apply"}


def _statement(_: Any, sql: str, *__: Any, **___: Any) -> str:
    named = (step for start, step in _STATEMENTS.items() if sql.startswith(start))
    return next(named, "start: statements" if _is_main() else "load: other statements")


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _instrumented(clock: Clock) -> Callable[[list[str]], None]:
    from target_snowflake.connection import Session  # noqa: PLC0415  # importing is the first step
    from target_snowflake.decode import Decoder  # noqa: PLC0415
    from target_snowflake.group import Reading  # noqa: PLC0415
    from target_snowflake.run import Run  # noqa: PLC0415
    from target_snowflake.spill import Spill  # noqa: PLC0415
    from target_snowflake.target import TargetSnowflake  # noqa: PLC0415

    clock.wrap(Run, "take", "read: lines, envelope")
    clock.wrap(Run, "finish", "read: lines, envelope")
    clock.wrap(Decoder, "rows", "read: decode")
    clock.wrap(Reading, "group", "read: Arrow")
    clock.wrap(Reading, "_hashes", "read: hash")
    clock.wrap(Spill, "write", "read: Parquet")
    clock.wrap(Spill, "close", "read: Parquet")
    clock.wrap(Run, "settle", lambda _, *, wait=False: "read: wait for the load" if wait else None)
    clock.wrap(Session, "execute", _statement)
    clock.wrap(Session, "_connect", lambda _: "start: connector, sign-in" if _is_main() else "load: sign-in")
    clock.wrap(TargetSnowflake, "_started", "start: settings, store")
    cli: Callable[[list[str]], None] = TargetSnowflake.cli
    return cli


def main() -> None:
    """Run the target and tell its steps."""
    clock = Clock()
    began = time.perf_counter(), time.process_time()
    cli = _instrumented(clock)
    clock.steps["start: imports"] = [time.perf_counter() - began[0], time.process_time() - began[1]]
    try:
        cli(["--config", sys.argv[1]])
    finally:
        clock.steps["all"] = [time.perf_counter() - began[0], time.process_time() - began[1]]
        sys.stderr.write(f"\n{MARK}{json.dumps(clock.steps)}\n")


def shares(config: str, lines: Path) -> dict[str, tuple[float, float]]:
    """Run the target in a process of its own; return its steps with their seconds and CPU seconds."""
    with lines.open("rb") as file:
        command = [sys.executable, "-m", "bench.snowflake_steps", config]
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False)
    told = next((line for line in done.stderr.splitlines() if line.startswith(MARK)), None)
    if told is None or done.returncode:
        raise SystemExit(f"the steps could not be timed:\n{done.stderr[-3000:]}")
    steps = {name: (seconds, cpu) for name, (seconds, cpu) in json.loads(told.removeprefix(MARK)).items()}
    return dict(sorted(steps.items(), key=lambda step: _order(step[0])))


def _order(name: str) -> tuple[int, str]:
    kinds = ("start", "read", "load", "all")
    return kinds.index(name.partition(":")[0]), ""


if __name__ == "__main__":
    main()
