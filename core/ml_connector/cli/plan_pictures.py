"""A plan as a finance person reads it: the totals first, then what waits and why, then record by record."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ml_connector.cli.pictures import causes_picture
from ml_connector.cli.summary import Cause, stand_in
from ml_connector.delivery.balance import Sum
from ml_connector.plan.document import SENDING, Verdict
from ml_connector.plan.totals import net, totals
from ml_connector.words import money, plain, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from ml_connector.plan.compare import Difference
    from ml_connector.plan.document import Cell, Flow, Plan, Record, Row, Rows

_COLOURS = {Verdict.NEW: "green", Verdict.CHANGED: "cyan", Verdict.CANCELLED: "magenta", Verdict.BLOCKED: "yellow"}
_SHOWN = 5


def plan_picture(plan: Plan, *, everything: bool) -> RenderableType:
    """Return the whole plan; without `everything`, the first changed records stand for the others."""
    records, rows = plan.records, plan.rows
    parts: list[RenderableType] = [Text(f"{flow.pipeline} → {flow.target_label}") for flow in plan.flows]
    parts += ["", Text(headline(records, rows), "bold"), *_net_lines(records, rows)]
    parts += ["", _totals_picture(records, rows), *_table_changes(plan)]
    stand_ins = list(_stand_ins(records))
    if stand_ins:
        parts += ["", Text("\n".join(stand_ins))]
    causes = _causes(plan.flows)
    if causes:
        parts += ["", causes_picture(causes)]
    return Group(*parts, *_details(records, everything=everything))


def headline(records: Sequence[Record], rows: Sequence[Rows] = ()) -> str:
    """Return the counts in one sentence, such as `42 new, 7 changed, 3 blocked.` in a plan."""
    counts = Counter(record.verdict for record in records)
    for each in rows:
        counts[each.verdict] += each.count
    return (
        ", ".join(f"{counts[each]:,} {each}" for each in Verdict if counts[each]) + "." if counts else "Nothing came."
    )


def _table_changes(plan: Plan) -> Iterator[Text]:
    """Yield how tables of the target would be changed to take what comes."""
    statements = [statement for flow in plan.flows for statement in flow.statements]
    if statements:
        yield Text("\nTables would be changed first", "bold")
        yield from (Text(f"  {short(statement, 110)}", "dim") for statement in statements)


def _net_lines(records: Sequence[Record], rows: Sequence[Rows]) -> Iterator[Text]:
    by_currency: dict[str, Decimal] = defaultdict(Decimal)
    by_company = net(records, rows)
    for (_, currency), amount in by_company.items():
        by_currency[currency] += amount
    if not by_currency:
        yield Text("Nothing with an amount would be sent.")
        return
    yield Text("Net amount " + ", ".join(f"{money(each)} {name}" for name, each in sorted(by_currency.items())) + ".")
    if len({company for company, _ in by_company}) > 1:
        for (company, currency), amount in by_company.items():
            yield Text(f"  {company}: {money(amount)} {currency}", "dim")


def _totals_picture(records: Sequence[Record], rows: Sequence[Rows]) -> Table:
    """Return a line per company, record type and currency, a column per verdict that occurs."""
    found = totals(records, rows)
    used = [verdict for verdict in Verdict if any(account.verdict == verdict for account in found)]
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("company", "records", "currency"):
        table.add_column(heading)
    for verdict in used:
        table.add_column(str(verdict), justify="right", style=_COLOURS.get(verdict))
    for about in dict.fromkeys(account[:3] for account in found):
        cells = (_cell(found.get((*about, verdict)), about[2]) for verdict in used)  # type: ignore[call-overload]
        table.add_row(about[0], plain(about[1]), about[2], *cells)
    return table


def _cell(total: Sum | None, currency: str) -> str:
    if total is None:
        return "·"
    return f"{total.count:,}  {money(total.amount)}" if currency else f"{total.count:,}"


def _stand_ins(records: Iterable[Record]) -> Iterator[str]:
    found: dict[tuple[str, str, str, str], Sum] = defaultdict(Sum)
    for record in records:
        for words in {stand_in(entry) for entry in record.defaulted} if record.verdict in SENDING else ():
            key = (record.company, record.record_type, words, record.currency or "")
            found[key].add(1, Decimal(record.amount or 0))
    for (company, record_type, words, currency), total in sorted(found.items()):
        amount = f" · {money(total.amount)} {currency}" if currency else ""
        yield f"would go out with {words}: {company} {plain(record_type)}, {total.count}{amount}"


def _causes(flows: Sequence[Flow]) -> list[Cause]:
    found: dict[tuple[str, ...], Cause] = {}
    for flow in flows:
        for record in (each for each in flow.records if each.verdict == Verdict.BLOCKED):
            key = (record.state, record.reason or "", flow.pipeline, record.company, record.record_type)
            cause = found.setdefault(key, Cause(*key, record.message or "", record.suggestion or "", ""))
            cause.add(record.name, record.value, record.amount, record.currency)
    return sorted(found.values(), key=lambda cause: -cause.count)


# record by record


def _details(records: Sequence[Record], *, everything: bool) -> Iterator[RenderableType]:
    chosen = [verdict for verdict in Verdict if everything or verdict in (Verdict.CHANGED, Verdict.CANCELLED)]
    for verdict in chosen:
        members = [record for record in records if record.verdict == verdict]
        if members:
            yield Text(f"\n{str(verdict).capitalize()}", "bold")
            shown = members if everything else members[:_SHOWN]
            yield from (_record_picture(record) for record in shown)
            if len(shown) < len(members):
                yield Text(f"and {len(members) - len(shown):,} more: ml-connector plan … --all", "dim")


def _record_picture(record: Record) -> RenderableType:
    head = Text.assemble((short(record.name), _COLOURS.get(record.verdict, "")), f"  {record.company} ")
    head.append(f"{plain(record.record_type)}  {_amount(record)}")
    if record.verdict in (Verdict.BLOCKED, Verdict.SKIPPED):
        head.append(f"  {plain(record.reason or '')}: {record.message or ''}")
    lines = [line for row in record.rows for line in _row_lines(row)]
    return Group(head, *(Text(f"    {line}", "dim") for line in lines)) if lines else head


def _amount(record: Record) -> str:
    if not record.amount or not record.currency:
        return ""
    before = f"{money(Decimal(record.amount_before))} → " if record.amount_before else ""
    return f"{before}{money(Decimal(record.amount))} {record.currency}"


def _row_lines(row: Row) -> Iterator[str]:
    if row.note:
        yield f"{row.name}  {row.note}"
    if row.change == "changed":
        for column, cell in row.columns.items():
            yield f"{row.name}  {column}: {_value(cell.old)} → {_value(cell.new)}{_held(cell)}"
    elif row.change == "gone":
        yield f"{row.name}  is in the source no more; the target keeps the row"
    elif row.change == "again":
        yield f"{row.name}  the same again"
    else:
        yield f"{row.name}  new in {row.table}"


def _value(text: str | None) -> str:
    return "empty" if text in (None, "") else short(str(text))


def _held(cell: Cell) -> str:
    return "" if cell.target is None else f" (the target holds {_value(cell.target)})"


def differences_picture(found: Sequence[Difference], *, most: int = 20) -> RenderableType:
    """Return what is not as the plan has it."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for each in found[:most]:
        table.add_row(Text("✗", "red"), Text(short(each.about)), Text(each.why))
    if len(found) > most:
        table.add_row("", Text(f"and {len(found) - most:,} more"), "")
    return table
