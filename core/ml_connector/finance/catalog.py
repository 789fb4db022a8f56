"""The canonical record types: which fields a finance record has, whatever system it came from (DESIGN §2).

Declared per kind, `*` marks a field without which the record is refused. Amounts of documents are as printed:
positive on an ordinary invoice and on an ordinary credit note alike; `sign` (1 or -1) says which way it counts.
Amounts are in document currency, `base_…` in the company's own. `…_key` is the source key of another record.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Field:
    """One canonical field; `rows` is the type of its rows when it is a list."""

    name: str
    kind: str  # text, money, number, date, boolean, map, rows
    required: bool = False
    rows: RecordType | None = None


@dataclass(frozen=True, slots=True)
class RecordType:
    """A canonical record type, or the type of its nested rows."""

    name: str
    fields: Mapping[str, Field]
    required: tuple[str, ...]


def _type(name: str, *rows: RecordType, **names_by_kind: str) -> RecordType:
    fields = [
        Field(word.rstrip("*"), kind, required=word.endswith("*"))
        for kind, names in names_by_kind.items()
        for word in names.split()
    ]
    fields += [Field(row.name, "rows", rows=row) for row in rows]
    required = tuple(each.name for each in fields if each.required)
    return RecordType(name, MappingProxyType({each.name: each for each in fields}), required)


_ADDRESS = "street street_2 city postal_code region country"
_PARTNER = f"number* name* tax_id registration_number partner_class currency payment_terms payment_method tax_zone \
language account email phone website parent {_ADDRESS}"
_DOCUMENT = "document_type* number* currency* original_document period payment_terms payment_method payment_reference \
description entity entity_name tax_mode approval_status"
_DATES = "document_date* posting_date* due_date discount_date original_date"
_AMOUNTS = "total* net* tax freight discount withholding retainage rounding line_total balance cash_discount \
base_total base_net base_tax base_balance"
_LINE = "line_number* item description unit account tax_code entity project project_task note"

_TAX_LINES = _type("tax_lines", text="line_number* tax_code* name", money="taxable amount*", number="rate")
_SUPPLIER_INVOICE_LINES = _type(
    "lines",
    text=f"{_LINE} purchase_order purchase_order_key purchase_order_line receipt receipt_line deferral_code",
    money="amount* discount retainage base_amount",
    number="quantity unit_price discount_percent",
    date="service_start service_end",
    map="dimensions",
)
_CUSTOMER_INVOICE_LINES = _type(
    "lines",
    text=f"{_LINE} sales_order",
    money="amount* discount base_amount",
    number="quantity unit_price discount_percent",
    map="dimensions",
)
_ORDER_LINES = _type(
    "lines",
    text=_LINE,
    money="amount* discount received_amount",
    number="quantity unit_price received_quantity",
    date="requested_date promised_date",
    boolean="completed cancelled",
    map="dimensions",
)
_REQUEST_LINES = _type(
    "lines",
    text=f"{_LINE} supplier_item",
    money="amount*",
    number="quantity unit_price",
    date="requested_date promised_date",
    map="dimensions",
)
_RECEIPT_LINES = _type(
    "lines",
    text=f"{_LINE} purchase_order purchase_order_type purchase_order_line",
    money="amount",
    number="quantity ordered_quantity unit_price",
    map="dimensions",
)
_PAYMENT_LINES = _type(
    "lines",
    text="line_number* document_type document_number* document_key supplier_reference journal_batch",
    money="amount* cash_discount withholding",
    date="document_date",
)
_JOURNAL_LINES = _type(
    "lines",
    text=f"{_LINE} reference tax_id partner",
    money="debit* credit* base_debit base_credit",
    number="quantity",
    map="dimensions",
)

_TYPES = (
    _type("companies", text="code* name registration_number tax_id currency country", boolean="active main"),
    _type(
        "gl_accounts",
        text="number* name account_type account_class account_group currency tax_category control_module",
        boolean="active* cash_account manual_entry",
    ),
    _type("cost_centers", text="code* name dimension segment parent", boolean="active*", date="valid_from valid_to"),
    _type(
        "tax_codes",
        text="code* name tax_type category",
        number="rate",
        date="valid_to",
        boolean="reverse_charge deductible",
    ),
    _type("tax_zones", text="code* name default_category"),
    _type("currencies", text="code* name symbol", number="decimals", boolean="base active"),
    _type(
        "payment_terms",
        text="code* name due_rule discount_rule",
        number="due_days discount_days discount_percent instalments",
    ),
    _type("suppliers", text=_PARTNER, boolean="active*"),
    _type("customers", text=_PARTNER, money="credit_limit", boolean="active*"),
    _type(
        "items",
        text="code* name unit item_type item_class posting_class tax_category account",
        number="price",
        boolean="active* stocked",
    ),
    _type("projects", text="code* name customer", date="start_date end_date", boolean="active*"),
    _type(
        "purchase_requests",
        _REQUEST_LINES,
        text=f"{_DOCUMENT} supplier supplier_name supplier_reference requester buyer",
        money=_AMOUNTS,
        number="sign* rate",
        date=f"{_DATES} promised_date",
        boolean="on_hold",
    ),
    _type(
        "purchase_orders",
        _ORDER_LINES,
        text=f"{_DOCUMENT} supplier* supplier_name supplier_reference buyer",
        money=_AMOUNTS,
        number="sign* rate",
        date=f"{_DATES} promised_date",
        boolean="on_hold",
    ),
    _type(
        "purchase_receipts",
        _RECEIPT_LINES,
        text="receipt_type* number* supplier* supplier_name supplier_reference currency period entity warehouse",
        money="total",
        number="rate quantity",
        date="document_date* posting_date",
        boolean="on_hold",
    ),
    _type(
        "supplier_invoices",
        _SUPPLIER_INVOICE_LINES,
        _TAX_LINES,
        text=f"{_DOCUMENT} supplier* supplier_name supplier_invoice_number buyer_reference tax_zone",
        money=_AMOUNTS,
        number="sign* rate",
        date=f"{_DATES} pay_date",
        boolean="on_hold tax_inclusive",
    ),
    _type(
        "customer_invoices",
        _CUSTOMER_INVOICE_LINES,
        _TAX_LINES,
        text=f"{_DOCUMENT} customer* customer_name customer_reference external_reference tax_zone",
        money=_AMOUNTS,
        number="sign* rate",
        date=_DATES,
        boolean="on_hold tax_inclusive",
    ),
    _type(
        "supplier_payments",
        _PAYMENT_LINES,
        text="payment_type* number* supplier* supplier_name currency* payment_method cash_account payment_reference \
description period entity",
        money="total* applied unapplied charges balance",
        number="sign*",
        date="document_date* posting_date*",
        boolean="on_hold released",
    ),
    _type(
        "journal_transactions",
        _JOURNAL_LINES,
        text="module* number* ledger currency* period description entity original_document journal_code",
        money="debit_total credit_total base_debit_total base_credit_total",
        number="rate",
        date="document_date* posting_date*",
        boolean="on_hold auto_reversing reversing",
    ),
)

#: Every canonical record type by its name.
RECORD_TYPES: Mapping[str, RecordType] = MappingProxyType({each.name: each for each in _TYPES})
