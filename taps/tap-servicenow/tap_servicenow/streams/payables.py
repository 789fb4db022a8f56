"""Invoices."""

from __future__ import annotations

from ml_connector.singer.stream import Tier

from tap_servicenow.streams.base import TableStream


class Invoices(TableStream):
    """Supplier invoices."""

    name = "sn_shop_invoice"
    tier = Tier.INVOICES
    total = "amount_invoiced"


class InvoiceLines(TableStream):
    """Their lines."""

    name = "sn_shop_invoice_line"
    tier = Tier.INVOICES
    total = "line_amount"


class InvoiceTaxLines(TableStream):
    """Their taxes."""

    name = "sn_shop_invoice_tax_line"
    tier = Tier.INVOICES
    total = "supplier_tax"


class InvoicePayments(TableStream):
    """What was paid of them."""

    name = "sn_shop_invoice_payment_detail"
    tier = Tier.PAYMENTS
    total = "payment_amount"
