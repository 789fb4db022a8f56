"""What a plan amounts to: counts and sums per company, record type, currency and verdict."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from ml_connector.delivery.balance import Sum
from ml_connector.plan.document import SENDING, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ml_connector.plan.document import Record, Rows


class Account(NamedTuple):
    """What a total is about; currency is empty for records without an amount."""

    company: str
    record_type: str
    currency: str
    verdict: Verdict


def totals(records: Iterable[Record], rows: Iterable[Rows] = ()) -> dict[Account, Sum]:
    """Return counts and amounts, of records told one by one and of rows that a bulk load counts."""
    found: dict[Account, Sum] = defaultdict(Sum)
    for record in records:
        currency = record.currency if record.currency and record.amount else ""
        account = Account(record.company, record.record_type, currency, record.verdict)
        found[account].add(1, Decimal(record.amount or 0) if currency else Decimal(0))
    for each in rows:
        account = Account(each.company, each.record_type, each.currency, each.verdict)
        found[account].add(each.count, Decimal(each.amount))
    return dict(sorted(found.items()))


def net(records: Iterable[Record], rows: Iterable[Rows] = ()) -> dict[tuple[str, str], Decimal]:
    """Return, per company and currency, the sum of the documents that would be sent, credit notes counted against.

    It is what the run then tells as delivered.
    """
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for record in records:
        if record.verdict in SENDING and record.currency and record.amount:
            found[record.company, record.currency] += Decimal(record.amount)
    for each in rows:
        if each.verdict in SENDING and each.currency:
            found[each.company, each.currency] += Decimal(each.amount)
    return dict(sorted(found.items()))
