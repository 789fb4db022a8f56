"""Customers and what they owe."""

from __future__ import annotations

from ml_connector.singer.stream import Tier

from tap_acumatica.streams.base import AcumaticaStream


class Customers(AcumaticaStream):
    """Customers (AR303000), with the contact and address of each."""

    name = "customers"
    path = "Customer"
    tier = Tier.PARTIES
    keys = ("CustomerID",)
    parts = ("MainContact",)
    one_view = False


class Invoices(AcumaticaStream):
    """Invoices and memos of accounts receivable (AR301000); their currency is not in the contract."""

    name = "invoices"
    path = "Invoice"
    tier = Tier.INVOICES
    keys = ("Type", "ReferenceNbr")
    parts = ("Details", "TaxDetails")


class Payments(AcumaticaStream):
    """Payments of customers (AR302000); what each pays is read one by one, so it is not selected by default."""

    name = "payments"
    path = "Payment"
    tier = Tier.PAYMENTS
    keys = ("Type", "ReferenceNbr")
    amount = "PaymentAmount"
    currency = "CurrencyID"
