"""What a person may change of a record that waits: coding, texts and dates, never money and never who it concerns.

An allow-list by record type: a field that is not named here cannot be edited. Amounts, quantities and prices, currency
and rate, partner, company and entity, tax, bank details, document type and sign, numbers and keys are in none of them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLE = "title"
"""What people call the record: the one editable thing that is an attribute of every record, not a field of its type."""

_CODING = "account dimensions project project_task description note"
_DOCUMENT = f"{TITLE} description payment_terms due_date discount_date posting_date period"


def _paths(fields: str, lines: str = "") -> frozenset[str]:
    return frozenset([*fields.split(), *(f"lines.{name}" for name in lines.split())])


EDITABLE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "gl_accounts": _paths(f"{TITLE} name account_type account_class account_group"),
        "cost_centers": _paths(f"{TITLE} name segment parent valid_from valid_to"),
        "payment_terms": _paths(f"{TITLE} name"),
        "suppliers": _paths(f"{TITLE} partner_class payment_terms language account region country"),
        "customers": _paths(f"{TITLE} partner_class payment_terms language account region country"),
        "purchase_orders": _paths(
            f"{TITLE} description payment_terms promised_date buyer", f"{_CODING} requested_date promised_date"
        ),
        "purchase_requests": _paths(
            f"{TITLE} description payment_terms promised_date buyer", f"{_CODING} requested_date promised_date"
        ),
        "purchase_receipts": _paths(f"{TITLE} posting_date period warehouse", _CODING),
        "supplier_invoices": _paths(
            f"{_DOCUMENT} pay_date buyer_reference", f"{_CODING} deferral_code service_start service_end"
        ),
        "customer_invoices": _paths(f"{_DOCUMENT} customer_reference", _CODING),
        "supplier_payments": _paths(f"{TITLE} description posting_date period"),
        "journal_transactions": _paths(f"{TITLE} description posting_date period", f"{_CODING} reference"),
    }
)
"""Per record type: its editable fields; `lines.account` is that field of any line."""

SYNONYMS: Mapping[str, str] = MappingProxyType(
    {
        "gl_account": "account",
        "cost_center": "dimensions.cost_center",
        "cost_centre": "dimensions.cost_center",
        "department": "dimensions.department",
        "text": "description",
    }
)
"""What people also call a field of a line."""
