"""Accounts receivable."""

from __future__ import annotations

from ml_connector.singer.stream import Tier

from tap_visma.streams.base import MODIFIED, PAGED, VismaStream


class Customers(VismaStream):
    """Customers; `number` may be renamed, `internalId` stays."""

    name = "customers"
    path = "/v1/customer"
    single = "internal/{internalId}"
    tier = Tier.PARTIES
    keys = ("internalId",)
    modified = MODIFIED
    paging = PAGED
    flags = ("expandAccountInformation", "expandPaymentMethods")
    private = ("directDebitLines",)


class CustomerInvoices(VismaStream):
    """Customer invoices with lines and tax details."""

    name = "customer_invoices"
    path = "/v1/customerinvoice"
    single = "{referenceNumber}"  # invoices only
    tier = Tier.INVOICES
    keys = ("documentType", "referenceNumber")
    modified = MODIFIED
    paging = PAGED
    flags = ("expandTaxDetails",)
    amount, currency = "amountInCurrency", "currencyId"
    private = ("directDebitMandate",)
