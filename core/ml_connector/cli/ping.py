"""`ml-connector ping`: whether each tap and target can do its work, permission by permission."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from rich.table import Table

from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.processes import last_words, meltano_invoke, run_executable
from ml_connector.errors import ConfigError, EnvironmentFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.cli.project import Project


_MARKS = {(True, False): "[green]✓[/green]", (True, True): "[yellow]![/yellow]"} | dict.fromkeys(
    [(False, False), (False, True)], "[red]✗[/red]"
)


class Answer(NamedTuple):
    """What one plugin's `--ping` answered."""

    plugin: str
    code: int
    checks: list[dict[str, Any]]


@click.command()
@click.argument("plugins", nargs=-1)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Ask executables with this config file, without Meltano.",
)
@verb
def ping(desk: Desk, plugins: tuple[str, ...], config: Path | None) -> int:
    """Check that taps and targets can sign in and may do their work; default: all that the jobs use."""
    project = desk.project if config is None else None
    chosen = plugins or (_of_jobs(project) if project else ())
    if not chosen:
        raise Stop("name the plugins to ask.", "ml-connector ping tap-visma target-servicenow")
    answers = [_ask(project, plugin, config) for plugin in chosen]
    desk.show([answer._asdict() for answer in answers], lambda: _picture(answers))
    code = max(answer.code for answer in answers)
    if code:
        desk.say("next: do what the failed checks say, then: ml-connector ping")
    return code


def _of_jobs(project: Project) -> tuple[str, ...]:
    return tuple(dict.fromkeys(plugin for pairs in project.jobs.values() for pair in pairs for plugin in pair))


def _ask(project: Project | None, plugin: str, config: Path | None) -> Answer:
    if project is None:
        done = run_executable([plugin, "--config", str(config), "--ping"])
    else:
        project.plugin(plugin)
        done = meltano_invoke(project, plugin, ["--ping"], **_mapping_of(project, plugin))
    checks = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"name"')]
    told = done.returncode == EnvironmentFault.exit_code and not all(check["ok"] for check in checks)
    if done.returncode and not told:
        checks.append({"name": "start", "ok": False, "detail": last_words(done.stderr), "suggestion": ""})
    return Answer(plugin, _code(done.returncode), checks)


def _mapping_of(project: Project, plugin: str) -> dict[str, str]:
    """Say, for a target, which tap feeds it: its `mapping` setting needs the name."""
    for pair in (pair for pairs in project.jobs.values() for pair in pairs):
        if pair.loader == plugin:
            return {"MELTANO_EXTRACTOR_NAMESPACE": project.plugin(pair.extractor).namespace}
    return {}


def _code(returned: int) -> int:
    known = (0, ConfigError.exit_code, EnvironmentFault.exit_code)
    return returned if returned in known else 1


def _picture(answers: Sequence[Answer]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("plugin", "", "check", "detail"):
        table.add_column(heading)
    for answer in answers:
        for position, check in enumerate(answer.checks):
            mark = _MARKS[bool(check["ok"]), bool(check.get("warning"))]
            told = "\n".join(filter(None, (check.get("detail"), check.get("suggestion"))))
            table.add_row("" if position else answer.plugin, mark, check["name"], told.replace("[", r"\["))
    return table
