"""The reconciliation as one HTML file for an auditor: nothing outside it is needed, everything in it is escaped."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined

from ml_connector.reconcile.census import FINDINGS, LEFT_OUT
from ml_connector.reconcile.ledger import KINDS
from ml_connector.secrets.sealing import masked
from ml_connector.words import age, many, money, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TEMPLATE = "report.html.j2"
_ENDS = (*KINDS, LEFT_OUT, *FINDINGS)


def render(data: Mapping[str, Any]) -> str:
    """Return the report of a reconciliation's data; bank and personal identifiers are masked (L10)."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"money": _money, "plain": plain, "age": _age, "moment": _moment, "many": _many}
    template = environment.from_string(files("ml_connector.reconcile").joinpath(_TEMPLATE).read_text("utf-8"))
    data = masked(data)
    return template.render(
        data,
        verdict=_verdict(data["exit_code"], len(data["open_items"])),
        ends=_ends(data["balances"]),
        account_ends=_ends(data["accounts"]),
        held=_held(data["target"]),
        missed=_missed(data["source"]),
        period=_period(data["scope"]["period"]),
    )


def _verdict(code: int, waiting: int) -> dict[str, str]:
    if code == 5:  # noqa: PLR2004
        return {"tone": "bad", "words": "Out of balance"}
    if code:
        return {"tone": "waits", "words": f"In balance; {many(waiting, 'record')} not delivered"}
    return {"tone": "good", "words": "In balance"}


def _ends(balances: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the columns that occur, in reading order."""
    return [kind for kind in _ENDS if any(kind in each for each in balances)]


def _held(target: Mapping[str, Any] | None) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """Return what the target holds, by what a line of the balance is about."""
    sums = target["sums"] if target else ()
    return {(each["company"], each["record_type"], each["currency"]): each for each in sums}


def _missed(source: Mapping[str, Any] | None) -> set[tuple[str, str, str]]:
    """Return the lines of the balance in which no later run would put things right."""
    findings = source["findings"] if source else ()
    return {(each["company"], each["record_type"], each["currency"]) for each in findings if not each["waits"]}


def _money(amount: Decimal | str | None) -> str:
    return "" if amount is None else money(Decimal(amount))


def _many(count: int, noun: str) -> str:
    return many(count, noun)


def _age(since: str) -> str:
    return age(since)


def _moment(text: str | None) -> str:
    """Return a stored moment as people write it, in UTC."""
    return "" if not text else f"{datetime.fromisoformat(text).astimezone(UTC):%-d %b %Y, %H:%M} UTC"


def _period(period: str | None) -> str:
    if period is None:
        return "All periods"
    year, month = map(int, period.split("-"))
    return f"{datetime(year, month, 1, tzinfo=UTC):%B %Y}" if month <= 12 else f"Period {period}"  # noqa: PLR2004
