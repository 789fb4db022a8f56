"""Meltano as a child process: its log goes to a file, its answer comes back as lines and an exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_connector.errors import ConfigError, ConnectorError
from ml_connector.plan.words import PLAN, PLAN_TO
from ml_connector.store.text import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ml_connector.cli.project import Project

MELTANO = "meltano"
_SHOWN = 5
_OURS = re.compile(r"[a-z_]+: ")


@dataclass(frozen=True, slots=True)
class Finished:
    """A Meltano run that has ended."""

    code: int  # Meltano's own: 0 or 1
    log: Path
    blocks: tuple[str, ...] = ()  # what `meltano run` was given

    def errors(self) -> list[str]:
        """Return the last errors that plugins or Meltano logged."""
        return logged_errors(self.log.read_text(errors="replace"))

    def plugin_codes(self) -> set[int]:
        """Return the exit codes of the plugins that failed: as Meltano tells them per block, else by their words.

        Meltano 4.4.1 tells none when a target ends before its tap: it stops on its own broken pipe.
        """
        entries = _entries(self.log.read_text(errors="replace"))
        told = {code for entry in entries for code in _codes(entry.get("exit_codes"))}
        return told or {_exit_code(text.partition(":")[0]) for text in self.errors()}


def logged_errors(log: str) -> list[str]:
    """Return the last errors in a JSON log, each once: those our own tree names when there are any."""
    errors = (entry for entry in _entries(log) if entry.get("level") in ("error", "critical"))
    told = list(dict.fromkeys(str(entry.get("event") or "") for entry in errors))
    return ([text for text in told if _OURS.match(text)] or told)[-_SHOWN:]


def last_words(log: str) -> str:
    """Return what a process that could not answer said last: its last error, else its last line."""
    lines = [line for line in log.splitlines() if line.strip()]
    return (logged_errors(log) or lines or ["it said nothing"])[-1]


def _entries(log: str) -> Iterator[dict[str, Any]]:
    for line in log.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry


def _exit_code(code: str, error: type[ConnectorError] = ConnectorError) -> int:
    """Return the exit code of the error that has this code, 1 when there is none."""
    if error.code == code:
        return error.exit_code
    return max((_exit_code(code, child) for child in error.__subclasses__()), default=1)


def _codes(told: Any) -> list[int]:
    if isinstance(told, dict):
        return [code for code in told.values() if isinstance(code, int)]
    return [int(code) for code in re.findall(r": (\d+)", str(told or ""))]


def meltano_run(project: Project, blocks: Sequence[str], **extra: str) -> Finished:
    """Run `meltano run` to its end; everything it and its plugins log goes to a file of its own."""
    log = _new_log(project)
    command = [*_meltano(project), "--log-format=json", "run", *blocks]
    with open(log, "w", opener=_private) as file:
        done = _start(command, project, extra, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    return Finished(done.returncode, log, tuple(blocks))


def meltano_invoke(
    project: Project, plugin: str, arguments: Sequence[str], *, feed: str = "", **extra: str
) -> subprocess.CompletedProcess[str]:
    """Run one plugin with its Meltano configuration; stdout and stderr come back."""
    command = [*_meltano(project), "--log-format=json", "invoke", plugin, *arguments]
    return _start(command, project, extra, input=feed, capture_output=True, text=True)


def meltano_pipe(project: Project, source: Sequence[str], loader: str, **extra: str) -> Finished:
    """Run a tap with arguments of its own into a target, without Meltano's bookmark; what they log goes to a file.

    The STATE that the target lets pass is kept by nobody.
    """
    log = _new_log(project)
    invoke = [*_meltano(project), "--log-format=json", "invoke"]
    around: dict[str, Any] = {
        "cwd": project.root,
        "env": child_environment(MELTANO_PROJECT_ROOT=str(project.root), **extra),
    }
    with open(log, "a", opener=_private) as file:
        try:
            tap = subprocess.Popen(  # noqa: S603  # no shell
                [*invoke, *source], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file, **around
            )
        except FileNotFoundError:
            raise not_installed(MELTANO) from None
        with tap:
            to_nobody: dict[str, Any] = {"stdin": tap.stdout, "stdout": subprocess.DEVNULL, "stderr": file}
            target = subprocess.run([*invoke, loader], check=False, **to_nobody, **around)  # noqa: S603  # no shell
    return Finished(1 if tap.returncode or target.returncode else 0, log)


def _new_log(project: Project) -> Path:
    folder = project.folder / "logs"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"run-{utc_now():%Y%m%dT%H%M%S%f}.log"


def run_executable(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a connector without Meltano."""
    return _start(list(command), capture_output=True, text=True, stdin=subprocess.DEVNULL)


def setting_variable(plugin: str, setting: str) -> str:
    """Return the environment variable by which Meltano sets a plugin's setting."""
    return f"{plugin}_{setting}".upper().replace("-", "_")


def _meltano(project: Project) -> list[str]:
    chosen = [f"--environment={project.environment}"] if project.environment else []
    return [MELTANO, *chosen]


def _start(
    command: list[str], project: Project | None = None, extra: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    root = project.root if project else None
    environ = child_environment(**({"MELTANO_PROJECT_ROOT": str(root)} if root else {}), **(extra or {}))
    try:
        return subprocess.run(command, cwd=root, env=environ, check=False, **options)  # noqa: S603  # no shell
    except FileNotFoundError:
        raise not_installed(command[0]) from None


def not_installed(executable: str) -> ConfigError:
    """Return the error of a command that is not there."""
    return ConfigError(f"{executable} is not installed beside ml-connector or on PATH. Install it there.")


def child_environment(**extra: str) -> dict[str, str]:
    """Return the environment of child processes: the scripts beside this Python are found first.

    Whether a target plans is said by each command, never by what somebody exported.
    """
    scripts = str(Path(sys.executable).parent)
    path = os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)])
    around = {name: text for name, text in os.environ.items() if name not in (PLAN, PLAN_TO)}
    return {**around, "PATH": path, **extra}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
