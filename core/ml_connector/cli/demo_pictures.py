"""What the demonstration of the warehouse shows: what landed, and totals side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from ml_connector.words import money, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from ml_connector.cli.loads import Loaded
    from ml_connector.cli.view_totals import Total


def landed_picture(loads: Sequence[Loaded]) -> Table:
    """Return the tables in the order in which they were read, with the rows of each pipeline."""
    pipelines = list(dict.fromkeys(load.pipeline for load in loads))
    table = _table("table", *(f"rows by {name.partition('-to-')[0]}" for name in pipelines))
    rows: dict[str, dict[str, int]] = {}
    for load in loads:
        row = rows.setdefault(load.table, dict.fromkeys(pipelines, 0))
        row[load.pipeline] += load.new
    for name, row in rows.items():
        table.add_row(name, *(f"{row[pipeline]:,}" for pipeline in pipelines))
    return table


def totals_picture(views: Sequence[dict[str, Any]], totals: Sequence[Total]) -> Table:
    """Return each view's totals beside those of the source's books."""
    table = _table("view", "company", "amount", "in Snowflake", "in Visma's books", "")
    for view in views:
        mine = [total for total in totals if total.view == view["view"]]
        for position, total in enumerate(mine):
            mark = Text("✓", "green") if total.equal else Text("✗", "red")
            sides = (_amount(total.target, total.currency), _amount(total.source, total.currency))
            table.add_row("" if position else view["view"], total.company, plain(total.amount), *sides, mark)
    return table


def _amount(amount: Decimal | None, currency: str) -> str:
    return "·" if amount is None else f"{currency} {money(amount)}"


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right" if heading[:2] in ("ro", "in") else "left")
    return table
