"""Vendors and what is owed to them."""

from __future__ import annotations

from ml_connector.singer.stream import Tier

from tap_acumatica.streams.base import AcumaticaStream


class Vendors(AcumaticaStream):
    """Vendors (AP303000), with the contact and address of each."""

    name = "vendors"
    path = "Vendor"
    tier = Tier.PARTIES
    keys = ("VendorID",)
    parts = ("MainContact",)


class Bills(AcumaticaStream):
    """Bills, credit adjustments, debit adjustments and prepayments (AP301000)."""

    name = "bills"
    path = "Bill"
    tier = Tier.INVOICES
    keys = ("Type", "ReferenceNbr")
    parts = ("Details", "TaxDetails")
    amount = "Amount"
    currency = "CurrencyID"


class Checks(AcumaticaStream):
    """Payments to vendors, whatever their means (AP302000), with the bills that they pay."""

    name = "checks"
    path = "Check"
    tier = Tier.PAYMENTS
    keys = ("Type", "ReferenceNbr")
    parts = ("Details", "History")  # what is released stands in the history only
    amount = "PaymentAmount"
    currency = "CurrencyID"
