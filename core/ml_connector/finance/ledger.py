"""Where a record stands in the books: its period, and what its lines come to per account."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector.finance.money import EXACT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ml_connector.finance.records import CanonicalRecord

_YEAR_MONTH = re.compile(r"(\d{4})-?(\d{2})")


def period(record: CanonicalRecord) -> str | None:
    """Return the financial period, `2026-10`: as the source tells it, else the month of its posting or document date.

    A period in another form, such as a thirteenth, stays as it is told.
    """
    told = record.fields.get("period")
    if told:
        found = _YEAR_MONTH.fullmatch(str(told).strip())
        return "-".join(found.groups()) if found else str(told).strip()
    posted = record.fields.get("posting_date") or record.document_date
    return f"{posted:%Y-%m}" if posted else None


def per_account(record: CanonicalRecord) -> dict[str, str]:
    """Return the exact sum of the lines per account as the source calls it, signed as the document counts."""
    sign = record.fields.get("sign") or Decimal(1)
    sums: dict[str, Decimal] = {}
    for line in record.fields.get("lines") or ():
        if account := line.get("account"):
            sums[account] = EXACT.add(sums.get(account, Decimal(0)), EXACT.multiply(sign, _amount(line)))
    return {account: format(total, "f") for account, total in sorted(sums.items())}


def _amount(line: Mapping[str, Any]) -> Decimal:
    if "debit" in line or "credit" in line:
        return EXACT.subtract(line.get("debit") or Decimal(0), line.get("credit") or Decimal(0))
    return line.get("amount") or Decimal(0)
