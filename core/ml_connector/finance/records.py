"""The canonical record: one finance record, the same shape whatever system it came from (DESIGN §2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal


def join_key(parts: Sequence[str]) -> str:
    """Return the parts of a source key as one text that no other parts make: `Invoice/100023`.

    Parts that hold a slash themselves are escaped and joined by two: `Invoice//10%2F23`.
    """
    if len(parts) > 1 and any("/" in part for part in parts):
        return "//".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)
    return "/".join(parts)


@dataclass(slots=True)
class CanonicalRecord:
    """One finance record between a source map and a target map.

    `fields` holds the record type's own fields as Decimal, date, str, bool, None, and nested `lines`, `tax_lines`;
    `source` is the native record, untouched. `amount` is the signed document total in document currency.
    """

    record_type: str  # 'supplier_invoices', …
    source_system: str  # 'visma'
    company: str  # 'NO01'
    source_key: str  # 'Invoice/100023'
    fields: dict[str, Any]
    source: dict[str, Any]
    title: str = ""  # what people call it: '100023 Nordic Paper AS'
    source_state: str = "open"  # draft, open, closed, voided, active, inactive
    source_modified_at: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    document_date: date | None = None
    document_type: str | None = None
    duplicate_key: str | None = None  # same supplier, supplier's number and amount: a suspected duplicate
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def erp_source(self) -> str:
        """The ERP and company a record belongs to, as one word: `visma:NO01`."""
        return f"{self.source_system}:{self.company}"

    @property
    def business_key(self) -> str:
        """The key a record is delivered, looked up and explained by: `visma:NO01:supplier_invoices:Invoice/100023`."""
        return f"{self.erp_source}:{self.record_type}:{self.source_key}"
