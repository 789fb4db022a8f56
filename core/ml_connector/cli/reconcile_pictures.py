"""A reconciliation at the terminal: what agrees first, then what does not, each with the next command."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ml_connector.delivery.reading import Found
from ml_connector.delivery.sink import State
from ml_connector.reconcile.bulk_view import BOOKS, SOURCE, TARGET
from ml_connector.reconcile.ledger import KINDS, source_total
from ml_connector.words import age, many, money, plain, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from ml_connector.delivery.balance import Sum
    from ml_connector.reconcile.bulk_view import BulkView
    from ml_connector.reconcile.ledger import Ledger
    from ml_connector.reconcile.open_items import OpenItem
    from ml_connector.reconcile.reconciliation import Reconciliation
    from ml_connector.reconcile.source_view import SourceView
    from ml_connector.reconcile.target_view import TargetView

_SHOWN = 20
_TONES = {0: "green", 4: "yellow", 5: "red"}


def reconciliation_picture(found: Reconciliation) -> RenderableType:
    """Return the whole reconciliation."""
    parts: list[RenderableType] = [_headline(found), *_points(found), "", _balances(found)]
    parts += _account_parts(found.ledger)
    parts += _target_parts(found.target) if found.target else []
    parts += _source_parts(found.source) if found.source else []
    parts += (
        [Text("\nCancellations", "bold"), *(Text(f"  {words}") for words in found.applied)] if found.applied else []
    )
    parts += _table_parts(found.bulk)
    parts += _open_parts(found.open_items)
    parts += _remarks(found)
    return Group(*parts)


def _headline(found: Reconciliation) -> Text:
    words = {0: "✓ in balance", 4: "✓ in balance, with records that wait", 5: "✗ OUT OF BALANCE"}
    sides = found.bulk.sides
    target, source = bool(found.target) or TARGET in sides, bool(found.source) or SOURCE in sides
    looked = ["the books"] + ["the target"] * target + ["the source"] * source
    code = found.exit_code
    return Text.assemble((words[code], f"bold {_TONES[code]}"), f"  {found.scope} · looked at: {', '.join(looked)}")


def _points(found: Reconciliation) -> Iterator[Text]:
    for point in found.points:
        yield Text.assemble(("  ✗ " if point.code == 5 else "  · ", _TONES[point.code]), point.words)  # noqa: PLR2004


def _balances(found: Reconciliation) -> RenderableType:
    """Return, per company, record type and currency, what the source has and what became of it, as an equation."""
    if not found.balances:
        return Text("No amounts in this scope.")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for heading, cells in found.balances.items():
        name = Text.assemble((f"{heading.company} {heading.currency}", "bold"), f" {plain(heading.record_type)}:")
        whole = source_total(cells)
        grid.add_row(name, f"Source {money(whole.amount)} ({whole.count:,}) = {_terms(cells)}")
    return grid


def _terms(cells: Mapping[str, Sum]) -> str:
    ordered = [*(kind for kind in KINDS if kind in cells), *(kind for kind in cells if kind not in KINDS)]
    return " + ".join(f"{plain(kind)} {money(cells[kind].amount)} ({cells[kind].count:,})" for kind in ordered)


def _account_parts(ledger: Ledger) -> list[RenderableType]:
    """Return the accounts on which something is not delivered; the report has them all."""
    open_ones = {account: cells for account, cells in ledger.accounts.items() if cells.keys() - {State.DELIVERED}}
    if not open_ones:
        return []
    kinds = [kind for kind in KINDS if any(kind in cells for cells in open_ones.values())]
    table = _table("company", "records", "account", "currency", *(f">{plain(kind)}" for kind in kinds))
    for account, cells in list(open_ones.items())[:_SHOWN]:
        sums = (money(cells[kind].amount) if kind in cells else "·" for kind in kinds)
        table.add_row(account.company, plain(account.record_type), account.account, account.currency, *sums)
    settled = len(ledger.accounts) - len(open_ones)
    head = Text.assemble(
        ("\nAccounts with something not delivered", "bold"), f", net of tax; {settled} others have none"
    )
    return [head, table, *_more(len(open_ones))]


def _target_parts(target: TargetView) -> list[RenderableType]:
    counts = ", ".join(f"{target.counts[kind]:,} {kind}" for kind in Found if target.counts[kind])
    parts: list[RenderableType] = [Text.assemble(("\nThe target, read again: ", "bold"), counts or "nothing delivered")]
    table = _table("company", "records", "currency", ">we say", ">the target holds", ">difference")
    for heading, sides in sorted(target.sums.items()):
        gap = sides.theirs - sides.ours
        cells = money(sides.ours), money(sides.theirs), Text(money(gap), "red" if gap else "green")
        table.add_row(heading.company, plain(heading.record_type), heading.currency, *cells)
    parts += [table] if target.sums else []
    for each in target.changed[:_SHOWN]:
        parts.append(Text.assemble(("  ✗ ", "red"), f"{each.title or each.business_key}: {each.words}"))
        parts += [Text(f"      {words}", "dim") for words in _changes(each.rows)]
        parts.append(Text(f"      next: {each.step}"))
    return parts + _more(len(target.changed))


def _changes(rows: Sequence[Mapping[str, object]]) -> Iterator[str]:
    for row in rows:
        name = f"{row['name']} in {row['table']}"
        changes: Mapping[str, tuple[str, str]] = row["differences"]  # type: ignore[assignment]
        yield from (f"{name}: {column} {sent} → {live or 'empty'}" for column, (sent, live) in changes.items())
        if not changes:
            yield f"{name}: {row['message'] or row['result']}"


def _source_parts(source: SourceView) -> list[RenderableType]:
    whole = sum(each.count for each in source.streams)
    head = f"{many(whole, 'record')} in {many(len(source.streams), 'stream')}"
    parts: list[RenderableType] = [Text.assemble(("\nThe source, listed afresh: ", "bold"), head)]
    for each in source.findings[:_SHOWN]:
        amount = f" · {each.currency} {money(Decimal(each.amount))}" if each.amount and each.currency else ""
        tone = "yellow" if each.waits else "red"
        words = f"{plain(each.finding)}: {each.title or each.business_key}{amount}"
        parts.append(Text.assemble(("  · " if each.waits else "  ✗ ", tone), words))
        parts.append(Text(f"      next: {each.step}"))
    return parts + _more(len(source.findings))


def _table_parts(bulk: BulkView) -> list[RenderableType]:
    """Return the tables that are loaded in bulk: rows and sums on each side that was looked at."""
    if not bulk.sums:
        return []
    headings = {BOOKS: "when a run looked last", TARGET: "the table now", SOURCE: "the source now"}
    table = _table("", "table", "company", "currency", *(f">{headings[side]}" for side in bulk.sides))
    for place, sides in sorted(bulk.sums.items()):
        same = all(total == sides.get(BOOKS) for total in sides.values())
        mark = Text("✓", "green") if same else Text("✗", "red")
        cells = (_held(sides.get(side), place.currency) for side in bulk.sides)
        table.add_row(mark, place.table, place.company, place.currency, *cells)
    return [Text("\nTables loaded in bulk", "bold"), table]


def _held(total: Sum | None, currency: str) -> str:
    if total is None:
        return "·"
    return f"{money(total.amount)} ({total.count:,})" if currency else f"{total.count:,}"


def _open_parts(items: Sequence[OpenItem]) -> list[RenderableType]:
    if not items:
        return [Text("\nNothing is left open.", "green")]
    table = _table("state", "record", ">amount", "for", "cause", "whose turn")
    for item in items[:_SHOWN]:
        amount = f"{item.currency} {money(Decimal(item.amount))}" if item.amount and item.currency else ""
        name = f"{item.company} {short(item.title or item.business_key, 34)}"
        table.add_row(plain(item.state), Text(name), amount, age(item.since), plain(item.reason), item.owner)
    return [Text("\nNot delivered", "bold"), table, *_more(len(items))]


def _remarks(found: Reconciliation) -> list[RenderableType]:
    """Return what the figures do not say by themselves."""
    ledger, words = found.ledger, []
    for heading, cells in sorted(ledger.vanished.items()):
        name = f"{heading.company} {heading.currency} {plain(heading.record_type)}"
        words.append(f"in the books, no longer in the source: {name}: {_terms(cells)}")
    for rule, total in sorted(ledger.skipped.items()):
        words.append(f"left out by rule {rule.rule}: {rule.company} {plain(rule.record_type)}, {total.count:,}")
    for rule, total in sorted((found.source.left_out if found.source else ledger.not_kept).items()):
        named = f"left out by rule {rule.rule}, not kept: {rule.company} {plain(rule.record_type)}, {total.count:,}"
        words.append(named if found.source else f"{named} in the last run")
    if ledger.without_period:
        words.append(f"{many(ledger.without_period, 'record')} with an amount carry no period")
    if ledger.without_accounts:
        words.append(f"{many(ledger.without_accounts, 'record')} with an amount carry no accounts")
    if ledger.elsewhere:
        words.append(f"{many(ledger.elsewhere, 'record')} belong to another target or pipeline")
    return [Text("\n" + "\n".join(words), "dim")] if words else []


def _more(count: int) -> list[RenderableType]:
    return [Text(f"  and {count - _SHOWN:,} more: --json or --html lists all", "dim")] if count > _SHOWN else []


def _table(*headings: str) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading.lstrip(">"), justify="right" if heading.startswith(">") else "left")
    return table
