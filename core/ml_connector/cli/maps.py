"""`ml-connector maps`: the map files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.cli.processes import run_executable
from ml_connector.errors import ConfigError
from ml_connector.mapping import Finding, check_maps, search_path
from ml_connector.words import many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.cli.project import Project

_NAMESPACE = "${MELTANO_EXTRACTOR_NAMESPACE}"
_MARKS = {"error": "[red]✗[/red]", "warning": "[yellow]![/yellow]", "note": "[dim]·[/dim]"}


@click.group()
def maps() -> None:
    """Look at the map files."""


@maps.command("check")
@click.argument("names", nargs=-1, metavar="[SOURCE TARGET]")
@click.option("--notes", is_flag=True, help="Also tell what is merely worth knowing.")
@verb
def check(desk: Desk, names: tuple[str, ...], notes: bool) -> int:
    """Check map files without a record: a pair by name, or every pair that the project's flows use."""
    if len(names) not in (0, 2):
        raise Stop("name two maps, the source's and the target's.", "ml-connector maps check tap_visma servicenow-s2p")
    pairs = {(names[0], names[1]): None} if names else _pairs(desk.project)
    folder = Path("maps") if names else desk.project.root / "maps"
    found = {pair: check_maps(*pair, search_path(folder), catalog) for pair, catalog in pairs.items()}
    shown = {pair: [each for each in findings if notes or each.severity != "note"] for pair, findings in found.items()}
    data = [{"source": pair[0], "target": pair[1], "findings": [_data(each) for each in shown[pair]]} for pair in found]
    desk.show(data, lambda: _picture(shown))
    errors = sum(each.severity == "error" for findings in found.values() for each in findings)
    if errors:
        desk.say("next: correct the files, then: ml-connector maps check")
    return ConfigError.exit_code if errors else 0


def _pairs(project: Project) -> dict[tuple[str, str], Any]:
    """Return the map pairs of the project's jobs, each with its tap's catalog."""
    found: dict[tuple[str, str], Any] = {}
    for pair in (pair for pairs in project.jobs.values() for pair in pairs):
        tap, target = project.plugin(pair.extractor), project.plugin(pair.loader)
        names = [str(name).replace(_NAMESPACE, tap.namespace) for name in target.config.get("mapping") or ()]
        if len(names) == 2 and (names[0], names[1]) not in found:  # noqa: PLR2004  # a source and a target
            found[names[0], names[1]] = _catalog(tap.executable)
    if not found:
        raise Stop("no job of meltano.yml names a mapping.", "ml-connector maps check tap_visma servicenow-s2p")
    return found


def _catalog(executable: str) -> dict[str, frozenset[str]] | None:
    """Return the streams and fields a tap has, or None when it cannot say so offline."""
    done = run_executable([executable, "--discover"])
    if done.returncode:
        return None
    streams = json.loads(done.stdout)["streams"]
    return {each["tap_stream_id"]: frozenset(each["schema"]["properties"]) for each in streams}


def _data(finding: Finding) -> dict[str, Any]:
    place = {"file": finding.place.file, "line": finding.place.line}
    told = {name: getattr(finding, name) for name in ("severity", "text", "message", "remedy")}
    return {**place, **told}


def _picture(found: Mapping[tuple[str, str], Sequence[Finding]]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for (source, target), findings in found.items():
        counts = Counter(each.severity for each in findings)
        told = ", ".join(many(count, severity) for severity, count in counts.items()) or "nothing wrong"
        table.add_row("[green]✓[/green]" if not counts["error"] else "[red]✗[/red]", f"{source} → {target}", told)
        for each in findings:
            words = " ".join(filter(None, (each.text and f"{each.text}:", f"{each.message}.", each.remedy)))
            table.add_row(_MARKS[each.severity], f"{each.place.file}:{each.place.line}", words.replace("[", r"\["))
    return table
