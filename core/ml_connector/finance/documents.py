"""What finance says about a document as a whole: when two of them are suspected to be the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.finance import money

if TYPE_CHECKING:
    from ml_connector.finance.records import CanonicalRecord


def duplicate_key(record: CanonicalRecord) -> str | None:
    """Return what two keys of one supplier invoice have in common: supplier, the supplier's number, and amount.

    Blanks, punctuation and case of the number do not count. A voided document duplicates nothing; neither does one
    without the supplier's number.
    """
    if record.record_type != "supplier_invoices" or record.source_state == "voided" or record.amount is None:
        return None
    number = "".join(filter(str.isalnum, record.fields.get("supplier_invoice_number") or "")).casefold()
    if not number:
        return None
    amount = format(money.plain(record.amount), "f")
    return f"{record.erp_source}|{record.fields['supplier']}|{number}|{amount}|{record.currency}"
