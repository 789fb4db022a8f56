"""target-snowflake beside MeltanoLabs/target-snowflake and beside a raw loop, on one fake Snowflake, in the same run.

    .venv/bin/python -m bench.target_snowflake [--rows 100000] [--large 2000000] [--rounds 2] [--json FILE]

Whole processes are measured, start included; they take turns, so that a busy moment hits them all, and the best of some
rounds counts. Ratios mean something, seconds do not: machines differ. Every run loads into an empty schema. The peer is
installed from PyPI into an environment of its own (`bench.peer_snowflake`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_connector_simulators.snowflake import SnowflakeServer, running_snowflake

from bench import peer_snowflake, singer_rows, snowflake_steps
from bench.calls import Calls, tell
from bench.process import Run, timed
from bench.tap_visma import SUBJECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PYTHON = sys.executable
TARGET = str(Path(sys.executable).parent / "target-snowflake")
DATABASE = "BENCH"
INVOICES = 20_000
OURS, PEER, UNCHECKED = "target-snowflake", "MeltanoLabs", "MeltanoLabs, no validation"


def timed_on(command: list[str], path: Path) -> Run:
    """Run a command on a file of Singer lines."""
    with path.open("rb") as file:
        return timed(command, file)


class Bench:
    """A fake Snowflake and a folder; every run has a schema of its own."""

    def __init__(self, server: SnowflakeServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self._schemas = count(1)

    def settings(self, **more: Any) -> Path:
        """Return a file of settings that lead to an empty schema."""
        schema = f"S{next(self._schemas)}"
        self.server.create_schema(DATABASE, schema)
        place = {"database": DATABASE, "schema": schema, "warehouse": "LOAD_WH", "role": "LOAD_ROLE"}
        path = self.folder / f"{schema}.json"
        path.write_text(json.dumps({**self.server.connect_options, **place, **more}))
        return path

    def ours(self, **more: Any) -> list[str]:
        """Return how target-snowflake is started, at its defaults."""
        books = {"store_url": f"sqlite:///{self.folder}/store.db", "spill_dir": str(self.folder / "spill")}
        return [TARGET, "--config", str(self.settings(**books, **more))]

    def peer(self, **more: Any) -> list[str]:
        """Return how the peer is started; it takes no host and no port."""
        path = self.settings(**more)
        own = {name: value for name, value in json.loads(path.read_text()).items() if name not in _OF_THE_SERVER}
        path.write_text(json.dumps(own))
        place = [self.server.host, str(self.server.port)]
        return [str(peer_snowflake.python()), "-m", "bench.peer_snowflake", *place, "--config", str(path)]

    def raw(self) -> list[str]:
        """Return how the raw loop is started."""
        return [PYTHON, "-m", "bench.raw_snowflake", str(self.settings())]


_OF_THE_SERVER = ("host", "port", "protocol")


def against_peer(bench: Bench, lines: Path, rounds: int) -> dict[str, Run]:
    """Load the same lines by both, in turns."""
    best: dict[str, Run] = {}
    for _ in range(rounds):
        commands = {OURS: bench.ours(), PEER: bench.peer(), UNCHECKED: bench.peer(validate_records=False)}
        for name, command in commands.items():
            best[name] = timed_on(command, lines).better(best.get(name))
    return best


def statements(bench: Bench, lines: Path, rows: int) -> Calls:
    """Load lines once; return the statements that the warehouse was sent."""
    command = bench.ours()
    bench.server.forget()
    timed_on(command, lines)
    return Calls("target-snowflake", "statements, into an empty schema", rows, len(bench.server.statements()))


def of_rows(bench: Bench, rows: int) -> Run:
    """Load many rows, which a process writes into a pipe: nobody keeps them."""
    command = [PYTHON, "-m", "bench.singer_rows", str(rows)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        return timed(bench.ours(), writer.stdout)


def invoices(folder: Path) -> Path:
    """Return a file of the records that tap-visma makes of the simulator's invoices."""
    path = folder / "invoices.jsonl"
    with SUBJECT.serving(INVOICES) as url, path.open("wb") as file:
        subprocess.run(SUBJECT.commands(url, folder)["tap"], stdout=file, stderr=subprocess.DEVNULL, check=True)
    return path


def against_raw(bench: Bench, lines: Path, rounds: int) -> dict[str, Run]:
    """Load nested invoices by the target and by a raw parse, Parquet and PUT loop, in turns."""
    best: dict[str, Run] = {}
    for _ in range(rounds):
        for name, command in {OURS: bench.ours(), "raw loop": bench.raw()}.items():
            best[name] = timed_on(command, lines).better(best.get(name))
    return best


@contextmanager
def serving() -> Iterator[Bench]:
    """Run a fake Snowflake in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_snowflake(folder / "snowflake") as server:
            yield Bench(server, folder)


def main(given: Sequence[str] | None = None) -> Iterator[Calls]:
    """Measure, print tables, write JSON if asked to, and yield the statements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    parser.add_argument("--without-peer", action="store_true", help="leave the other target out")
    options = parser.parse_args(given)
    numbers: dict[str, Any] = {}
    with serving() as bench:
        lines = bench.folder / "rows.jsonl"
        with lines.open("wb") as file:
            subprocess.run([PYTHON, "-m", "bench.singer_rows", str(options.rows)], stdout=file, check=True)
        yield statements(bench, lines, options.rows)  # the first run, which also writes bytecode
        if not options.without_peer:
            numbers["peer"] = against_peer(bench, lines, options.rounds)
            _print_peer(numbers["peer"], options.rows)
        numbers["memory"] = {rows: of_rows(bench, rows) for rows in (options.rows, options.large)}
        _print_memory(numbers["memory"])
        numbers["steps"] = snowflake_steps.shares(bench.ours()[-1], lines)
        _print_steps(numbers["steps"])
        numbers["nested"] = against_raw(bench, invoices(bench.folder), options.rounds)
        _print_raw(numbers["nested"])
    if options.json:
        options.json.write_text(json.dumps(numbers, indent=1, default=asdict))


def _print_peer(runs: dict[str, Run], rows: int) -> None:
    print(f"{rows} records, {len(singer_rows.PROPERTIES)} columns, key of one integer, into an empty schema")
    print(f"{'':28}{'seconds':>9}{'rows/s':>9}{'CPU s':>7}{'peak MB':>9}{'x wall':>8}{'x CPU':>7}")
    ours = runs[OURS]
    for name, run in runs.items():
        print(
            f"{name:28}{run.seconds:9.1f}{rows / run.seconds:9.0f}{run.cpu_seconds:7.1f}{run.megabytes:9.0f}"
            f"{run.seconds / ours.seconds:8.1f}{run.cpu_seconds / ours.cpu_seconds:7.1f}"
        )


def _print_memory(runs: dict[int, Run]) -> None:
    print("\npeak memory, lines from a pipe")
    for rows, run in runs.items():
        print(
            f"{rows:>9} rows: {run.megabytes:4.0f} MB, {rows / run.seconds:6.0f} rows/s, {run.cpu_seconds:.1f} s of CPU"
        )
    small, large = runs.values()
    print(f"growth: {large.megabytes / small.megabytes - 1:+.0%}")


def _print_steps(steps: dict[str, tuple[float, float]]) -> None:
    print("\nwhere the time of one run goes (seconds of its thread; of them on the CPU)")
    for name, (seconds, cpu) in steps.items():
        print(f"{name:32}{seconds:7.2f}{cpu:7.2f}")


def _print_raw(runs: dict[str, Run]) -> None:
    print(f"\n{INVOICES} nested Visma invoices, lines as VARIANT")
    raw = runs["raw loop"].cpu_seconds
    for name, run in runs.items():
        cpu = f"{run.cpu_seconds:7.1f} s of CPU ({run.cpu_seconds / raw:.1f}x)"
        print(f"{name:20}{run.seconds:7.1f} s{cpu}, {run.megabytes:.0f} MB")


if __name__ == "__main__":
    tell(main())
