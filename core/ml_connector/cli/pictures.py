"""The summary as a finance person reads it: the balance first, then counts, then what waits and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ml_connector.cli.summary import incoming, outgoing
from ml_connector.delivery.report import IN_BALANCE, OUT_OF_BALANCE
from ml_connector.delivery.sink import State
from ml_connector.words import age, amounts, money, plain, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from ml_connector.cli.summary import Cause, RunFacts, Summary
    from ml_connector.delivery.balance import Sum

_COLOURS = {
    State.DELIVERED: "green",
    State.PARKED: "yellow",
    State.REFUSED: "red",
    State.FAILED: "red",
    State.IN_DOUBT: "magenta",
}


def summary_picture(summary: Summary) -> RenderableType:
    """Return the whole summary of some runs."""
    parts: list[RenderableType] = [verdict_line(run) for run in summary.runs]
    parts += ["", balance_picture(summary), "", counts_picture(summary)]
    if summary.skipped:
        parts += ["", skipped_picture(summary)]
    if summary.stand_ins:
        parts += ["", stand_ins_picture(summary)]
    if summary.causes:
        parts += ["", causes_picture(summary.causes)]
    return Group(*parts)


def verdict_line(run: RunFacts) -> Text:
    """Return one line on how a run ended."""
    if run.ended_at is None:
        return Text(f"✗ {run.pipeline}: still running, or its process was ended from outside", "red")
    if run.outcome == "stopped":
        return Text(f"✗ {run.pipeline}: stopped. {run.message or ''}", "red")
    words = {
        IN_BALANCE: "in balance",
        OUT_OF_BALANCE: f"OUT OF BALANCE: {run.message or 'the sums differ'}",
    }.get(run.balance or "", f"unproven: {run.message or 'the tap told no totals to compare with'}")
    colour = "green" if run.balance == IN_BALANCE else "red" if run.balance == OUT_OF_BALANCE else "yellow"
    return Text(f"{'✗' if colour == 'red' else '✓'} {run.pipeline} → {run.target_label}: {words}", colour)


def balance_picture(summary: Summary) -> RenderableType:
    """Return, per company, record type and currency, what came in and what became of it, as an equation."""
    grid = Table.grid(padding=(0, 2))
    for account, cells in summary.accounts.items():
        name = f"[bold]{account.company} {account.currency}[/bold] {plain(account.record_type)}:"
        grid.add_row(name, f"{_terms(incoming(cells))} = {_terms(outgoing(cells)) or 'nothing'}")
    return grid if grid.row_count else Text("No amounts came in.")


def _terms(cells: dict[str, Sum]) -> str:
    return " + ".join(f"{plain(kind)} {money(total.amount)} ({total.count})" for kind, total in cells.items())


def counts_picture(summary: Summary) -> Table:
    """Return a table of counts: a line per company and record type, a column per outcome that occurs."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("company")
    table.add_column("records")
    for kind in summary.kinds:
        table.add_column(plain(kind), justify="right", style=_COLOURS.get(State(kind)) if kind in list(State) else None)
    rows: dict[tuple[str, str], dict[str, int]] = {}
    for account, cells in summary.lines.items():
        row = rows.setdefault((account.company, account.record_type), {})
        for kind, total in cells.items():
            row[kind] = row.get(kind, 0) + total.count
    for (company, record_type), row in sorted(rows.items()):
        cells_of_row = (f"{row[kind]:,}" if row.get(kind) else "·" for kind in summary.kinds)
        table.add_row(company, plain(record_type), *cells_of_row)
    return table


def skipped_picture(summary: Summary) -> RenderableType:
    """Return the rules that left records out, with what they left out."""
    lines = [
        f"skipped by rule [bold]{rule}[/bold]: {company} {plain(record_type)}, {total.count}"
        for (company, record_type, rule), total in sorted(summary.skipped.items())
    ]
    return Text.from_markup("\n".join(lines))


def stand_ins_picture(summary: Summary) -> RenderableType:
    """Return what was delivered with something in place of a reference that the target does not have."""
    lines = [
        f"delivered [bold]{words}[/bold]: {company} {plain(record_type)}, {total.count}"
        + (f" · {money(total.amount)} {currency}" if currency else "")
        for (company, record_type, words, currency), total in summary.stand_ins.items()
    ]
    return Text.from_markup("\n".join(lines))


def causes_picture(causes: Sequence[Cause], *, with_age: bool = False) -> RenderableType:
    """Return what waits, by cause, each with what to do."""
    parts: list[RenderableType] = [Text("What waits, by cause", "bold")]
    for cause in causes:
        colour = _COLOURS.get(State(cause.state), "cyan")
        head = f"[{colour}]{plain(cause.state):>8}[/] {cause.count:>4}  [bold]{plain(cause.reason) or 'no reason'}[/]"
        told = [f"{cause.company} {plain(cause.record_type)}", amounts(cause.amounts)]
        told += [f"for {age(cause.since)}"] if with_age else []
        parts.append(Text.from_markup(f"{head}  {escape(' · '.join(filter(None, told)))}"))
        parts.append(_indented([*_examples(cause), cause.suggestion, f"next: {cause.step}"]))
    return Group(*parts)


def _examples(cause: Cause) -> Iterable[str]:
    more = f"; and {cause.count - len(cause.titles):,} more" if cause.count > len(cause.titles) else ""
    others = f" (also {', '.join(cause.values[1:])})" if len(cause.values) > 1 else ""
    yield f"{cause.message}{others}"
    yield "; ".join(short(title) for title in cause.titles) + more


def _indented(lines: Iterable[str]) -> RenderableType:
    grid = Table.grid()
    grid.add_column(width=15)
    grid.add_column(overflow="fold")
    for line in lines:
        if line:
            grid.add_row("", Text(line, "dim" if not line.startswith("next:") else ""))
    return grid
