"""`ml-connector views`: finance views over what a target has loaded, created by it and shown."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group
from rich.markup import escape
from rich.text import Text

from ml_connector.cli import asking
from ml_connector.cli.desk import Desk, Stop, verb
from ml_connector.errors import ConnectorError
from ml_connector.words import money, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from ml_connector.cli.project import Project

LIST, APPLY = "list", "apply"
_NO_SUCH_OPTION = "No such option"
_SKIPPED = 4
_LONGEST = 40
"""Characters of a value that a table shows."""


@click.command()
@click.argument("target")
@click.option("--apply", "apply_", is_flag=True, help="Create the views, or replace them.")
@click.option("--show", metavar="NAME", help="Show what a view answers.")
@verb
def views(desk: Desk, target: str, apply_: bool, show: str | None) -> int:
    """List the finance views over what a target has loaded, each with the question it answers.

    TARGET is snowflake, or a loader of meltano.yml. The exit code is 4 when --apply skips a view because tables that it
    reads are missing.
    """
    if apply_ and show:
        raise Stop("--apply and --show are two commands.", f"ml-connector views {target} --apply")
    project = desk.project
    loader = loader_of(project, target)
    if show:
        rows = [each["row"] for each in ask(desk, loader, show)]
        desk.show(rows, lambda: _table(rows))
        return 0
    told = ask(desk, loader, APPLY if apply_ else LIST)
    desk.show(told, lambda: Group(*map(_picture, told)))
    skipped = [each for each in told if each.get("missing")]
    if skipped:
        desk.say(f"next: {_feeding(project, loader)}")
    elif not apply_:
        desk.say(f"next: ml-connector views {target} --apply")
    return _SKIPPED if skipped else 0


def loader_of(project: Project, target: str) -> str:
    """Return the loader that a name means: `snowflake` is target-snowflake.

    Raises:
        ConfigError: meltano.yml has none.
    """
    full = target if target.startswith("target-") else f"target-{target}"
    return project.plugin(full).name


def ask(desk: Desk, loader: str, word: str, **around: str) -> list[dict[str, Any]]:
    """Ask a target about its views.

    Raises:
        ConnectorError: It has none, or could not answer.
    """
    with desk.aside.status(f"asking {loader}"):
        try:
            return asking.answers(desk.project, loader, ["--views", word], **around)
        except ConnectorError as error:
            if _NO_SUCH_OPTION in str(error):
                raise Stop(f"{loader} has no views.", "ml-connector views snowflake") from None
            raise


def _feeding(project: Project, loader: str) -> str:
    """Return the command that loads what feeds a loader."""
    jobs = [job for job, pairs in project.jobs.items() if any(pair.loader == loader for pair in pairs)]
    return project.command(jobs[:1] or ("TAP", loader))


def _picture(view: dict[str, Any]) -> RenderableType:
    missing = ", ".join(map(plain, view.get("missing") or ()))
    lines = [Text.assemble((view["view"], "bold"), f"  {view['question']}")]
    if missing:
        words = f"   ✗ skipped, tables are missing: {missing}. Select these streams in the tap, and run it."
        lines.append(Text(words, "red"))
    elif view.get("made"):
        lines.append(Text("   ✓ created", "green"))
    return Group(*lines)


def _table(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as lines of text: as wide as they are, for a pager or grep."""
    if not rows:
        return "No rows."
    names = list(rows[0])
    cells = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    numeric = [any(isinstance(row[name], int | Decimal) for row in rows) for name in names]
    return escape("\n".join(_lines(cells, widths, numeric)))


def _lines(cells: Sequence[Sequence[str]], widths: Sequence[int], numeric: Sequence[bool]) -> Iterator[str]:
    for row in cells:
        laid = (
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(row, widths, numeric, strict=True)
        )
        yield "  ".join(laid).rstrip()


def _cell(value: Any) -> str:
    if value is None:
        return "·"
    text = money(value) if isinstance(value, Decimal) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
